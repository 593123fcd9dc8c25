"""Borůvka's minimum spanning tree from certified edges, so that few distances need to be measured.

Each point has a lower bound on its unmeasured edges that leave its group. A group takes its shortest measured edge to
another group once no unmeasured edge can be shorter. The distances of k-th neighbours certify nearly all edges of
small groups. When less than half of the groups have a certified edge, the groups with the fewest uncertain points are
compared with all points; the largest group hardly ever is, because its neighbours find it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from topores.topology.neighbours import MeasuredCloud, near_neighbours

NEAR = 16
"""Nearest neighbours searched at the start. More certify more edges and cost more to measure."""

PAIRS_AT_ONCE = 2**24
"""Pairs per step when points are compared with all points: 64 MiB in float32, 128 MiB in float64."""

IN_DOUBT = 4
"""Pairs per point that float32 cannot rule out, above which the bounds are recomputed in float64."""

MEASURED = 64
"""Limit of measured pairs per point, above which it is faster to measure every distance once."""


class TooClose(ArithmeticError):
    """Too many pairs are equally short up to rounding, as in tight clusters far apart."""


class Edges(NamedTuple):
    """Edges and their lengths."""

    ends: Int[np.ndarray, "edges 2"]
    lengths: Float[np.ndarray, " edges"]


def certified_tree(cloud: MeasuredCloud) -> Edges:
    """Edges of a minimum spanning tree, unordered; lengths as the cloud measures them.

    Raises:
        TooClose: The search would take longer than measuring every distance.

    Source:
        Borůvka 1926, translated by Nešetřil, Milková and Nešetřilová 2001. https://doi.org/10.1016/S0012-365X(00)00224-7
    """
    search = _Search(cloud)
    tree = [Edges(np.empty((0, 2), dtype=np.int64), np.empty(0))]
    while search.group.any():
        doubtful, shortest = search.look()
        half = max(1, len(doubtful) // 2)
        if (doubtful == 0).sum() < half:
            search.compare(np.argsort(doubtful, kind="stable")[:half])
            doubtful, shortest = search.look()
        tree.append(search.join(np.unique(shortest[doubtful == 0])))
    return _concatenate(tree)


class _Search:
    def __init__(self, cloud: MeasuredCloud) -> None:
        self.cloud = cloud
        indices, lengths, self.beyond = near_neighbours(cloud, NEAR)
        own = np.repeat(np.arange(len(cloud)), indices.shape[1])
        self.known = Edges(np.column_stack([own, indices.ravel()]), lengths.ravel())
        self.group = np.arange(len(cloud))
        self.limit = np.full(len(cloud), np.inf)
        self.to_measure = MEASURED * len(cloud)

    def look(self) -> tuple[Int[np.ndarray, " groups"], Int[np.ndarray, " groups"]]:
        """For each group: how many points may have an edge shorter than its shortest known one, and that edge."""
        self.known = _sort_edges(_between_groups(self.known, self.group))
        shortest = _shortest_of_each(self.group[self.known.ends], int(self.group.max()) + 1)
        self.limit = np.append(self.known.lengths, np.inf)[shortest]
        in_doubt = self.beyond < self.limit[self.group]
        return np.bincount(self.group[in_doubt], minlength=len(shortest)), shortest

    def compare(self, groups: Int[np.ndarray, " groups"]) -> None:
        """Compare the uncertain points of some groups with all points, which certifies the groups' edges."""
        in_doubt = np.flatnonzero((self.beyond < self.limit[self.group]) & np.isin(self.group, groups))
        in_doubt = in_doubt[np.argsort(self.group[in_doubt], kind="stable")]
        step = max(1, PAIRS_AT_ONCE // len(self.cloud))
        found = [self._edges_to_all(in_doubt[start : start + step]) for start in range(0, len(in_doubt), step)]
        self.known = _concatenate([self.known, *found])

    def join(self, places: Int[np.ndarray, " places"]) -> Edges:
        """Join groups by known edges, each group's first in one total order of all edges, so that no cycle closes."""
        edges = Edges(self.known.ends[places], self.known.lengths[places])
        pairs, count = self.group[edges.ends].T, len(self.limit)
        graph = coo_array((np.ones(len(places)), tuple(pairs)), shape=(count, count))
        self.group = connected_components(graph, directed=False)[1][self.group]
        return edges

    def _edges_to_all(self, chosen: Int[np.ndarray, " chosen"]) -> Edges:
        own = self.group[chosen]
        same = own[:, None] == self.group
        for precision in (np.float32, np.float64):
            squares = self.cloud.least_squares(chosen, precision)
            squares[same] = np.inf
            nearest = np.column_stack([np.arange(len(chosen)), squares.argmin(axis=1)])
            found = self._measure_pairs(chosen, nearest)
            np.minimum.at(self.limit, own, found.lengths)
            squares[nearest[:, 0], nearest[:, 1]] = np.inf
            shorter = self._pairs_below(squares, self.cloud.to_squares(self.limit[own]))
            if len(shorter) <= IN_DOUBT * len(chosen):
                break
        if len(shorter):
            squares[shorter[:, 0], shorter[:, 1]] = np.inf
            found = _concatenate([found, self._measure_pairs(chosen, shorter)])
        self.beyond[chosen] = np.maximum(self.beyond[chosen], self.cloud.to_lengths(squares.min(axis=1)))
        return found

    def _pairs_below(
        self, squares: Float[np.ndarray, "chosen points"], threshold: Float[np.ndarray, " chosen"]
    ) -> Int[np.ndarray, "pairs 2"]:
        # Rounding up keeps the comparison safe in the precision of `squares`.
        threshold = np.nextafter(threshold.astype(squares.dtype), np.inf, dtype=squares.dtype)
        rows, columns = np.divmod(np.flatnonzero(squares < threshold[:, None]), squares.shape[1])
        return np.column_stack([rows, columns])

    def _measure_pairs(self, chosen: Int[np.ndarray, " chosen"], pairs: Int[np.ndarray, "pairs 2"]) -> Edges:
        self.to_measure -= len(pairs)
        if self.to_measure < 0:
            raise TooClose(f"more than {MEASURED} pairs per point look equally short")
        ends = np.column_stack([chosen[pairs[:, 0]], pairs[:, 1]])
        return Edges(ends, self.cloud.lengths(ends))


def _between_groups(edges: Edges, group: Int[np.ndarray, " points"]) -> Edges:
    between = group[edges.ends[:, 0]] != group[edges.ends[:, 1]]
    return Edges(edges.ends[between], edges.lengths[between])


def _sort_edges(edges: Edges) -> Edges:
    order = np.argsort(edges.lengths, kind="stable")
    return Edges(edges.ends[order], edges.lengths[order])


def _concatenate(parts: list[Edges]) -> Edges:
    return Edges(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _shortest_of_each(pairs: Int[np.ndarray, "edges 2"], count: int) -> Int[np.ndarray, " groups"]:
    """Index of each group's first edge among pairs of groups; -1 where a group has none."""
    groups, first = np.unique(pairs, return_index=True)
    result = np.full(count, -1)
    result[groups] = first // 2
    return result
