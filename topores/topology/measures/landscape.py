"""Persistence landscape: a diagram as functions, which unlike diagrams can be averaged over clouds."""

from typing import SupportsFloat

import numpy as np
from jaxtyping import Float

from topores.topology.diagrams import as_diagram
from topores.topology.points import Numbers, WholeNumber, as_numbers, as_real, as_whole

UNIT = "unit of the metric"
SOURCE = "Bubenik 2015, Statistical topological data analysis using persistence landscapes, definition 3"

AT_ONCE = 2**22
"""Tent heights held in memory at a time."""


def landscape(
    diagram: Numbers, thresholds: Numbers, *, levels: WholeNumber = 5, end: SupportsFloat | None = None
) -> Float[np.ndarray, "levels ..."]:
    """The k-th largest of max(0, min(t - birth, death - t)) over the bars, for k = 1 to `levels` and each t; exact.

    Args:
        diagram: Births and deaths of one degree, (bars, 2).
        thresholds: Lengths in units of the metric, of any shape, in any order.
        levels: Number of levels, 1 or more.
        end: Death assigned to essential bars. None leaves them out, since they would hide all others.

    Returns:
        One row per level, each in the shape of `thresholds`; 0 where fewer bars are alive.

    Raises:
        ValueError: Not a diagram, NaN among the thresholds, no level, or an end that is not finite.

    Source:
        https://jmlr.org/papers/v16/bubenik15a.html
    """
    count, bars = as_whole(levels, "levels"), _cut_essential(as_diagram(diagram), end)
    if count < 1:
        raise ValueError(f"levels is {count}; expected 1 or more. Use 1 for the highest level only.")
    at = as_numbers(thresholds, "thresholds")
    if np.isnan(at).any():
        raise ValueError(f"thresholds has {np.isnan(at).sum()} NaN; expected lengths. Remove them.")
    heights = np.zeros((count, at.size))
    step = max(1, AT_ONCE // max(1, len(bars)))
    for start in range(0, at.size, step):
        here = slice(start, start + step)
        largest = _largest_tents(bars, at.ravel()[here], min(count, len(bars)))
        heights[: len(largest), here] = largest
    return heights.reshape(count, *at.shape)


def _cut_essential(bars: Float[np.ndarray, "bars 2"], end: SupportsFloat | None) -> Float[np.ndarray, "kept 2"]:
    births, deaths = bars.T
    if end is None:
        return bars[np.isfinite(deaths)]
    last = as_real(end, "end")
    if not np.isfinite(last):
        raise ValueError(f"end is {last:g}; expected a finite length. Use None to leave essential bars out.")
    ended = np.column_stack([births, np.where(np.isfinite(deaths), deaths, last)])
    return ended[ended[:, 0] < ended[:, 1]]


def _largest_tents(
    bars: Float[np.ndarray, "bars 2"], at: Float[np.ndarray, " thresholds"], count: int
) -> Float[np.ndarray, "count thresholds"]:
    births, deaths = bars.T
    tents = np.maximum(np.minimum(at[:, None] - births, deaths - at[:, None]), 0)
    if count < len(bars):
        tents = np.partition(tents, len(bars) - count, axis=1)[:, len(bars) - count :]
    return np.sort(tents, axis=1)[:, ::-1].T
