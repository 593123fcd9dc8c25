"""The straight line from one distance matrix to another, and the bars of degree 1 along it."""

from typing import NamedTuple

import numpy as np
import redzed_tda
from jaxtyping import Bool, Float, Int, UInt8
from scipy.spatial.distance import squareform

from topores.topology.homology import ROUNDING
from topores.topology.ranking import argsort_distances

COMPARED_AT_ONCE = 2**22
"""Distances that are compared with edges in one step."""

CENTRAL = (4, 32)
"""Points that are tried first and second, nearest to all others: they fill the loops of nearly all edges."""


class Bars(NamedTuple):
    """Bars of degree 1 and their edges; an edge is a place among the pairs (0, 1), (0, 2), ..., (n - 2, n - 1)."""

    births: Int[np.ndarray, " bars"]
    """The edge that closes each bar's first loop. No two bars share one."""
    deaths: Int[np.ndarray, " bars"]
    """The longest edge of the triangle that fills it. Bars may share one."""
    ends: Float[np.ndarray, "bars 2"]
    """Births and deaths, in the order of `persistent_homology`."""
    order: Int[np.ndarray, " edges"]
    """All edges in order of length at that time."""


class Homotopy:
    """Distances that move evenly from one matrix to another while the time goes from 0 to 1.

    Edges of equal length come in the order of their places, as if each were longer than the one before by next to
    nothing; so each bar has one birth edge.

    Args:
        start: Distances at time 0, symmetric to the last bit.
        end: Distances at time 1.
    """

    def __init__(self, start: Float[np.ndarray, "points points"], end: Float[np.ndarray, "points points"]) -> None:
        self._squares = start, end, end - start
        self._pairs = [squareform(square, checks=False) for square in self._squares]
        self._one, self._other = np.triu_indices(len(start), k=1)
        self.edges = np.arange(len(self._one))
        self._central_first = np.argsort(start.sum(axis=0) + end.sum(axis=0), kind="stable")

    def lengths(self, time: float) -> Float[np.ndarray, " edges"]:
        """Of all edges at one time."""
        return _interpolate(time, *self._pairs)

    def bars(self, time: float) -> Bars:
        """The bars at one time; those that are rounding between tied distances are left out."""
        lengths = self.lengths(time)
        order, _ = argsort_distances(lengths)
        ranks = np.empty(len(lengths))
        ranks[order] = np.arange(1, len(lengths) + 1)
        found = np.asarray(redzed_tda.rips(ranks, maxdim=1)[1])
        edges = order[found.astype(np.int64) - 1]
        ends = lengths[edges]
        kept = np.flatnonzero(ends[:, 0] < ends[:, 1] * (1 - ROUNDING))
        kept = kept[np.lexsort((ends[kept, 1], ends[kept, 0]))]
        # Many times are held in memory at once, and there are fewer than 2^24 edges.
        return Bars(edges[kept, 0], edges[kept, 1], ends[kept], order.astype(np.int32))

    def may_give_birth(
        self, edges: Int[np.ndarray, " edges"], since: float, until: float
    ) -> Int[np.ndarray, " candidates"]:
        """Those of `edges` that may be a bar's birth edge at some time of the stretch.

        A point that is nearer to both ends than they are to each other fills the edge's loop as it is born. Distances
        move evenly, so a point that is so at both times is so all along.

        Source:
            Toussaint 1980, The relative neighbourhood graph of a finite planar set (edges without such a point).
        """
        squares = [_interpolate(time, *self._squares) for time in (since, until)]
        for points in np.split(self._central_first, CENTRAL):
            at_once = max(1, COMPARED_AT_ONCE // max(1, len(points)))
            parts = np.split(edges, range(at_once, len(edges), at_once))
            edges = np.concatenate([part[~self._filled_at_once(part, points, squares)] for part in parts])
        return edges

    def lunes(self, edges: Int[np.ndarray, " edges"], time: float) -> UInt8[np.ndarray, "edges bytes"]:
        """For each edge the points that are nearer to both its ends than these to each other: one bit a point."""
        square = _interpolate(time, *self._squares)
        one, other = self._one[edges], self._other[edges]
        return np.packbits(np.maximum(square[one], square[other]) < square[one, other][:, None], axis=1)

    def _filled_at_once(
        self,
        edges: Int[np.ndarray, " edges"],
        points: Int[np.ndarray, " some"],
        squares: list[Float[np.ndarray, "points points"]],
    ) -> Bool[np.ndarray, " edges"]:
        """Whether one of `points` is nearer to both ends of an edge, in all of `squares`, than these to each other."""
        nearer = np.ones((len(edges), len(points)), dtype=bool)
        one, other = self._one[edges], self._other[edges]
        for square in squares:
            to_points, lengths = square[:, points], square[one, other][:, None]
            for ends in (one, other):
                nearer &= to_points[ends] < lengths
        return np.asarray(nearer.any(axis=1))


def _interpolate(
    time: float,
    start: Float[np.ndarray, "..."],
    end: Float[np.ndarray, "..."],
    moves: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    # At time 1 the sum below would be the end up to rounding alone.
    if time in (0, 1):
        return end if time else start
    return start + time * moves
