"""Ranges of an analysis's diagrams, and which of their bars have known passages."""

import math
from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Float

from topores.domain import Analysis, Place


def reach(analysis: Analysis) -> float:
    """The largest finite birth or death of all diagrams."""
    return span(analysis, analysis.degrees)[1]


def span(analysis: Analysis, chosen: Collection[int]) -> tuple[float, float]:
    """Ends of the common axis of some degrees: their first birth and last death in any state.

    Clusters are born at 0; loops often occupy a narrow range far from it, which would be too small to see.
    """
    finite = [d[np.isfinite(d)] for (*_, degree), d in analysis.diagrams.items() if degree in chosen and d.size]
    values = np.concatenate(finite) if finite else np.empty(0)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


def span_of_distances(analysis: Analysis) -> float:
    """The largest possible distance of two unit rows, in the unit of births and deaths."""
    return math.pi if analysis.protocol.get("metric", "angle") == "angle" else 2.0


def pinned(
    analysis: Analysis, place: Place, degree: int, bars: Float[np.ndarray, "bars 2"]
) -> Bool[np.ndarray, " bars"]:
    """Which bars are loops with known passages."""
    marked = np.zeros(len(bars), dtype=bool)
    for one in analysis.outlines.get(place, ()) if degree == 1 else ():
        marked |= np.isclose(bars, [one.birth, one.death], rtol=1e-6, atol=1e-9).all(axis=1)
    return marked
