"""The logarithmic clock: how the cycles to a margin grow as the temperature falls, used to extrapolate.

Once partners coincide, the gradient of a row has the factor 1 - p, about (2 pairs - 2) e^(-margin / temperature). The
learning rate is proportional to the temperature and the gradient to its inverse, so the margin grows by
c e^(-margin / temperature) per cycle. Hence

    cycles = temperature / c x e^(margin / temperature),

and ln(cycles / temperature) is linear in 1 / temperature, with the margin as its slope.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST = 3
"""Temperatures needed for a slope with a standard error."""


class Law(NamedTuple):
    """ln(cycles / temperature) = intercept + slope / temperature, by least squares."""

    slope: float
    slope_error: float
    """Standard error of the slope."""
    intercept: float
    expected: float
    """The slope that the law predicts: the margin."""
    decades: float
    """Powers of ten that the counts span."""

    def cycles(self, temperature: int | float) -> float:
        """Cycles that the law predicts at a temperature."""
        return float(temperature * np.exp(self.intercept + self.slope / temperature))


def fit(temperatures: Sequence[float], cycles: Sequence[int | float], margin: int | float) -> Law | None:
    """Fit the law to the runs that reached the margin; None if they have fewer than FEWEST temperatures."""
    if len(set(temperatures)) < FEWEST:
        return None
    sharpness, heights = 1 / np.asarray(temperatures), np.log(np.asarray(cycles) / np.asarray(temperatures))
    spread = sharpness - sharpness.mean()
    slope = float(spread @ heights / (spread @ spread))
    intercept = float(heights.mean() - slope * sharpness.mean())
    left = heights - intercept - slope * sharpness
    error = float(np.sqrt(left @ left / (len(heights) - 2) / (spread @ spread)))
    return Law(slope, error, intercept, margin, float(np.log10(max(cycles) / min(cycles))))
