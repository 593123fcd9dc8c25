"""Linear interpolation between two distance matrices, and the bars of degree 1 along it."""

from typing import NamedTuple

import numpy as np
import redzed_tda
from jaxtyping import Bool, Float, Int, UInt8
from scipy.spatial.distance import squareform

from topores.topology.homology import ROUNDING
from topores.topology.ranking import argsort_distances

COMPARED_AT_ONCE = 2**22
"""Distances compared with edges per step, which bounds memory."""

CENTRAL = (4, 32)
"""Numbers of central points tried first and second; they rule out nearly all edges."""


class Bars(NamedTuple):
    """Bars of degree 1 and their edges; an edge is an index into the pairs (0, 1), (0, 2), ..., (n - 2, n - 1)."""

    births: Int[np.ndarray, " bars"]
    """The edge that gives birth to each bar. No two bars share one."""
    deaths: Int[np.ndarray, " bars"]
    """The longest edge of the triangle that kills each bar. Bars may share one."""
    ends: Float[np.ndarray, "bars 2"]
    """Births and deaths, in the order of `persistent_homology`."""
    order: Int[np.ndarray, " edges"]
    """All edges, sorted by length at that time."""


class Homotopy:
    """Distances interpolated linearly from one matrix (time 0) to another (time 1).

    Ties between edges are broken by index, so each bar has exactly one birth edge.

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
        """Lengths of all edges at one time."""
        return _interpolate(time, *self._pairs)

    def bars(self, time: float) -> Bars:
        """The bars at one time, without those that are rounding errors between tied distances."""
        lengths = self.lengths(time)
        order, _ = argsort_distances(lengths)
        ranks = np.empty(len(lengths))
        ranks[order] = np.arange(1, len(lengths) + 1)
        found = np.asarray(redzed_tda.rips(ranks, maxdim=1)[1])
        edges = order[found.astype(np.int64) - 1]
        ends = lengths[edges]
        kept = np.flatnonzero(ends[:, 0] < ends[:, 1] * (1 - ROUNDING))
        kept = kept[np.lexsort((ends[kept, 1], ends[kept, 0]))]
        # int32 saves memory, since many times are held at once, and suffices for fewer than 2^24 edges.
        return Bars(edges[kept, 0], edges[kept, 1], ends[kept], order.astype(np.int32))

    def may_give_birth(
        self, edges: Int[np.ndarray, " edges"], since: float, until: float
    ) -> Int[np.ndarray, " candidates"]:
        """The subset of `edges` that may be a bar's birth edge at some time from `since` to `until`.

        If a point is nearer to both ends of an edge than they are to each other, the edge's loop is filled at birth.
        Distances change linearly, so if this holds at both times, it holds between them.

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
        """For each edge, a bit mask of the points nearer to both ends than the ends are to each other."""
        square = _interpolate(time, *self._squares)
        one, other = self._one[edges], self._other[edges]
        return np.packbits(np.maximum(square[one], square[other]) < square[one, other][:, None], axis=1)

    def _filled_at_once(
        self,
        edges: Int[np.ndarray, " edges"],
        points: Int[np.ndarray, " some"],
        squares: list[Float[np.ndarray, "points points"]],
    ) -> Bool[np.ndarray, " edges"]:
        """Whether some point of `points` is in an edge's lune (nearer to both ends) under all of `squares`."""
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
    # At time 1 the sum below equals `end` only up to rounding.
    if time in (0, 1):
        return end if time else start
    return start + time * moves
