"""Minimum spanning tree: the merges of degree-0 homology, with the edges that make them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores.topology.distances import Numbers, distance_rows


class SpanningTree(NamedTuple):
    """Edges in order of length; `lengths` are the finite deaths of degree 0."""

    edges: Int[np.ndarray, "edges 2"]
    """Two indices of points each, the smaller first."""
    lengths: Float[np.ndarray, " edges"]
    """In units of the metric, ascending."""


def minimum_spanning_tree(points: Numbers, *, metric: str = "angle") -> SpanningTree:
    """The exact minimum spanning tree, with memory that grows with the points and not with their pairs.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "angle" (radians), "euclidean" or "precomputed".

    Returns:
        `edges` (points - 1, 2) and `lengths` (points - 1,), ascending. One point: no edge.

    Raises:
        ValueError: Unusable points or an unknown metric.

    Source:
        Prim 1957, Shortest connection networks and some generalizations.
    """
    count, distances_of = distance_rows(points, metric)
    shortest = np.full(count, np.inf)
    neighbour = np.zeros(count, dtype=np.int64)
    outside = np.ones(count, dtype=bool)
    edges, lengths = np.empty((count - 1, 2), dtype=np.int64), np.empty(count - 1)
    newest = 0
    for step in range(count - 1):
        outside[newest] = False
        shortest[newest] = np.inf
        row = distances_of(newest)
        nearer = outside & (row < shortest)
        shortest[nearer], neighbour[nearer] = row[nearer], newest
        newest = int(shortest.argmin())
        edges[step], lengths[step] = sorted((newest, int(neighbour[newest]))), shortest[newest]
    order = np.argsort(lengths, kind="stable")
    return SpanningTree(edges[order], lengths[order])
