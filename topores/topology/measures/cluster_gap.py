"""Cluster gap: how much farther apart two groups of points are than the points within them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores.topology.points import Numbers
from topores.topology.spanning_tree import minimum_spanning_tree

UNIT = "distance"
SOURCE = (
    "Carlsson and Memoli 2010, Characterization, Stability and Convergence of Hierarchical Clustering Methods; groups "
    "of a least size as in Campello et al. 2013, Density-Based Clustering Based on Hierarchical Density Estimates"
)

FEWEST, SHARE = 5, 0.05
"""A group has at least this many points, and this share of all: the widest gap usually parts off one outlier."""


class Split(NamedTuple):
    """The widest gap between two groups."""

    gap: float
    """From the distance at which both are groups to that at which they join; 0 if no two groups join."""
    smaller: int
    """Points of the smaller group; 0 if there is no gap."""
    larger: int


def cluster_gap(points: Numbers, *, metric: str = "angle") -> float:
    """Gap of `widest_split`, in units of the distance."""
    return widest_split(points, metric=metric).gap


def widest_split(points: Numbers, *, metric: str = "angle") -> Split:
    """Of all merges of two groups in single linkage, the one whose groups existed over the longest distance.

    A group begins where a component reaches `FEWEST` points and `SHARE` of all. Outliers join later and are no groups.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "angle" (radians), "euclidean" or "precomputed".

    Raises:
        ValueError: Unusable points or an unknown metric.
    """
    edges, lengths = minimum_spanning_tree(points, metric=metric)
    return _widest(edges, lengths, len(np.asarray(points)))


def _widest(edges: Int[np.ndarray, "edges 2"], lengths: Float[np.ndarray, " edges"], count: int) -> Split:
    least = max(FEWEST, int(np.ceil(SHARE * count)))
    parent, size, begun = list(range(count)), [1] * count, [np.inf] * count
    widest = Split(0.0, 0, 0)
    for (left, right), length in zip(edges.tolist(), lengths.tolist(), strict=True):
        one, other = _root(parent, left), _root(parent, right)
        sizes = size[one], size[other]
        if min(sizes) >= least:
            gap = length - max(begun[one], begun[other])
            if gap > widest.gap:
                widest = Split(gap, min(sizes), max(sizes))
        parent[other] = one
        size[one] = sum(sizes)
        begun[one] = min(begun[one], begun[other], length if size[one] >= least else np.inf)
    return widest


def _root(parent: list[int], point: int) -> int:
    while parent[point] != point:
        parent[point] = parent[parent[point]]
        point = parent[point]
    return point
