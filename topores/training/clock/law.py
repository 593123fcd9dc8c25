"""The logarithmic clock: how cycles to a margin grow as the temperature falls, and what that says of runs not made.

Once partners lie together, the gradient of a row carries the factor 1 - p, about (2 pairs - 2) e^(-margin /
temperature). A step is a share of the temperature, and the gradient holds one over it, so the margin grows by
c e^(-margin / temperature) a cycle. Hence

    cycles = temperature / c x e^(margin / temperature),

and the logarithm of cycles / temperature is a line over 1 / temperature whose slope is the margin itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST = 3
"""Temperatures from which a slope has a standard error."""


class Law(NamedTuple):
    """ln(cycles / temperature) = intercept + slope / temperature, by least squares."""

    slope: float
    slope_error: float
    """Standard error."""
    intercept: float
    expected: float
    """The slope that the law predicts: the margin."""
    decades: float
    """Powers of ten that the counts span."""

    def cycles(self, temperature: int | float) -> float:
        """How many it would take."""
        return float(temperature * np.exp(self.intercept + self.slope / temperature))


def fit(temperatures: Sequence[float], cycles: Sequence[int | float], margin: int | float) -> Law | None:
    """The law of the runs that reached the margin; None if they had fewer than FEWEST temperatures."""
    if len(set(temperatures)) < FEWEST:
        return None
    sharpness, heights = 1 / np.asarray(temperatures), np.log(np.asarray(cycles) / np.asarray(temperatures))
    spread = sharpness - sharpness.mean()
    slope = float(spread @ heights / (spread @ spread))
    intercept = float(heights.mean() - slope * sharpness.mean())
    left = heights - intercept - slope * sharpness
    error = float(np.sqrt(left @ left / (len(heights) - 2) / (spread @ spread)))
    return Law(slope, error, intercept, margin, float(np.log10(max(cycles) / min(cycles))))
