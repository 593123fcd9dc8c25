"""Diagrams and Betti curves of an analysis, in the order in which the page steps through them."""

import math
from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Float

from topores.domain import Analysis

Place = tuple[int, int, str]
"""cycle, layer, cloud"""


def degrees(analysis: Analysis) -> list[int]:
    """Degrees of homology for which there is a diagram."""
    return sorted({degree for _, _, _, degree in analysis.diagrams})


def diagram(analysis: Analysis, place: Place, degree: int) -> Float[np.ndarray, "bars 2"]:
    """The diagram there; no bars where none was computed."""
    found = analysis.diagrams.get((*place, degree), np.empty((0, 2)))
    return np.asarray(found, dtype=float).reshape(-1, 2)


def reach(analysis: Analysis) -> float:
    """The largest finite birth or death of all diagrams."""
    return span(analysis, degrees(analysis))[1]


def span(analysis: Analysis, chosen: Collection[int]) -> tuple[float, float]:
    """Where the common axis of some degrees begins and ends: their first birth and last death in any state.

    Clusters are born at 0; loops often live in a narrow band far from it, which would be too small to see.
    """
    finite = [d[np.isfinite(d)] for (*_, degree), d in analysis.diagrams.items() if degree in chosen and d.size]
    values = np.concatenate(finite) if finite else np.empty(0)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


def span_of_distances(analysis: Analysis) -> float:
    """The largest distance of two unit rows, in the unit of births and deaths."""
    return math.pi if analysis.protocol.get("metric", "angle") == "angle" else 2.0


def pinned(
    analysis: Analysis, place: Place, degree: int, bars: Float[np.ndarray, "bars 2"]
) -> Bool[np.ndarray, " bars"]:
    """Which bars are loops whose passages are known."""
    marked = np.zeros(len(bars), dtype=bool)
    for one in analysis.outlines.get(place, ()) if degree == 1 else ():
        marked |= np.isclose(bars, [one.birth, one.death], rtol=1e-6, atol=1e-9).all(axis=1)
    return marked


def betti_curves(analysis: Analysis) -> dict[tuple[int, int, str, int], list[tuple[float, float]]]:
    """(threshold, count) by cycle, layer, cloud and degree, thresholds rising."""
    curves: dict[tuple[int, int, str, int], list[tuple[float, float]]] = {}
    for m in analysis.measurements:
        if m.measure != "betti_curve" or m.threshold is None or m.degree is None or not math.isfinite(m.value):
            continue
        curves.setdefault((m.cycle, m.layer, m.cloud, m.degree), []).append((m.threshold, m.value))
    return {key: sorted(points) for key, points in curves.items()}
