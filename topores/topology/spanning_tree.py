"""Minimum spanning tree: the merges of degree-0 homology, with the edges that make them."""

from operator import length_hint
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import linkage

from topores.topology.boruvka import TooClose, certified_tree
from topores.topology.distances import distance_rows
from topores.topology.neighbours import MeasuredCloud, comparable_rows
from topores.topology.points import Numbers

FEW = 500
"""Points up to which every distance is measured, which is quicker there."""


class SpanningTree(NamedTuple):
    """Edges in order of length; `lengths` are the finite deaths of degree 0."""

    edges: Int[np.ndarray, "edges 2"]
    """Two indices of points each, the smaller first."""
    lengths: Float[np.ndarray, " edges"]
    """In units of the metric, ascending."""


def minimum_spanning_tree(points: Numbers, *, metric: str = "angle") -> SpanningTree:
    """The exact minimum spanning tree, with memory that grows with the points and not with their pairs.

    Large clouds are searched through near neighbours and proven edges (see `boruvka`), small ones and matrices by
    Prim's way. The lengths are the same to the last bit; of edges that tie, either may be in the tree.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "angle" (radians), "euclidean" or "precomputed".

    Returns:
        `edges` (points - 1, 2) and `lengths` (points - 1,), ascending. One point: no edge.

    Raises:
        ValueError: Unusable points or an unknown metric.

    Source:
        Prim 1957, Shortest connection networks and some generalizations; Borůvka 1926.
    """
    try:
        edges, lengths = _boruvka_tree(points, metric) if _is_large(points, metric) else _prim_tree(points, metric)
    except TooClose:
        edges, lengths = _prim_tree(points, metric)
    order = np.argsort(lengths, kind="stable")
    return SpanningTree(np.sort(edges[order], axis=1), lengths[order])


def tree_lengths(distances: Float[np.ndarray, " pairs"]) -> Float[np.ndarray, " edges"]:
    """The lengths of `minimum_spanning_tree`, to the last bit, without its edges: tens of times faster for few points.

    Args:
        distances: Of each pair once, as scipy.spatial.distance.squareform has them, finite.

    Source:
        Gower and Ross 1969, Minimum Spanning Trees and Single Linkage Cluster Analysis (both merge at these lengths).
    """
    return linkage(distances, "single")[:, 2] if len(distances) else np.empty(0)


def _is_large(points: Numbers, metric: str) -> bool:
    return metric in ("angle", "euclidean") and length_hint(points) > FEW


def _boruvka_tree(points: Numbers, metric: str) -> tuple[Int[np.ndarray, "edges 2"], Float[np.ndarray, " edges"]]:
    rows, exponent = comparable_rows(points, metric)
    first, of_each = _distinct_rows(rows)
    edges, lengths = certified_tree(MeasuredCloud(rows[first] if len(first) < len(rows) else rows, metric))
    # Copies of a point cost nothing, and more of them than near neighbours would prove nothing.
    copies = np.setdiff1d(np.arange(len(rows)), first)
    edges = np.vstack([np.column_stack([first[of_each[copies]], copies]), first[edges]])
    return edges, np.ldexp(np.concatenate([np.zeros(len(copies)), lengths]), exponent)


def _distinct_rows(
    rows: Float[np.ndarray, "points dim"],
) -> tuple[Int[np.ndarray, " distinct"], Int[np.ndarray, " points"]]:
    """The first index of each different row, ascending, and the place of each row's own among them."""
    place: dict[bytes, int] = {}
    first: list[int] = []
    of_each: list[int] = []
    for index, row in enumerate(rows):
        # Zero may be negative and is the same number.
        mine = place.setdefault((row + 0.0).tobytes(), len(first))
        of_each.append(mine)
        if mine == len(first):
            first.append(index)
    return np.array(first), np.array(of_each)


def _prim_tree(points: Numbers, metric: str) -> tuple[Int[np.ndarray, "edges 2"], Float[np.ndarray, " edges"]]:
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
        edges[step], lengths[step] = (newest, neighbour[newest]), shortest[newest]
    return edges, lengths
