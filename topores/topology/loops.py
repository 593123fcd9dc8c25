"""A representative loop of a bar of degree 1: its birth edge closed by a shortest path, or a tighter loop."""

import numpy as np
import redzed_tda
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import squareform

from topores.topology.crossings import crossings, shortest_odd_loop
from topores.topology.distances import filtered_distances
from topores.topology.points import Numbers, RealNumber, as_numbers, as_real

SAME_LENGTH = 1e-9
"""Edges count as tied if their lengths differ by less than this share of the birth."""

READ_BACK = 1e-6
"""Relative tolerance when a birth is matched with its edge, so that bars stored as float32 are found."""


def representative_loop(
    points: Numbers, bar: Numbers, *, metric: str = "angle", at: RealNumber = 0.0
) -> Int[np.ndarray, " members"]:
    """Points around a bar of degree 1, in cyclic order; the last is joined to the first.

    At the birth (`at` = 0), the birth edge is closed by the shortest path over earlier edges (ties broken by index).
    Later, longer edges are available too: the loop is the shortest, by summed length, of those that cross the bar's
    cocycle modulo 2 an odd number of times. Neither loop is filled in before the bar's death. A homology class has many
    representatives, so the members are a hypothesis about what the loop surrounds. A tighter loop may also surround
    older holes, and does not use edges whose cocycle value depends on younger bars.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        bar: Birth and death of a row of `persistent_homology(points, metric=metric)[1]`. If several bars have the
            same birth, the death selects one.
        metric: "angle" (radians), "euclidean" or "precomputed".
        at: Share of the bar's life at which the loop is taken, in [0, 1): edges are no longer than
            birth + at (death - birth). 0.9 gives a tight loop.

    Returns:
        Indices of at least three different points; the last and the first are the birth edge if `at` is 0.

    Raises:
        ValueError: Unusable points, a bar whose birth matches no edge, a share outside [0, 1), or a share above 0 for
            an essential bar.

    Source:
        Cohen-Steiner, Edelsbrunner and Morozov 2006, Vines and vineyards (pairing of edges and triangles); shortest
        paths in the double cover of a cocycle: Erickson 2012, Combinatorial optimization of cycles and bases.
    """
    birth, death = _as_bar(bar)
    share = _as_share(at, death)
    matrix = squareform(filtered_distances(points, metric), checks=False)
    start, end, earlier = _birth_edge(matrix, birth, death)
    if share == 0:
        return _shortest_path(matrix, earlier, start, end, birth)
    # A death stored as float32 may exceed the length of the triangle that fills the loop.
    limit = death * (1 - READ_BACK)
    settled, odd = crossings(matrix, earlier, (start, end), limit)
    within = (matrix <= birth + share * (death - birth)) & (matrix < limit)
    within[start, end] = within[end, start] = True
    return shortest_odd_loop(matrix, settled & (earlier | within), odd)


def _as_share(at: RealNumber, death: float) -> float:
    share = as_real(at, "at")
    if not 0 <= share < 1:
        raise ValueError(f"at is {share:g}; expected 0 or more, and less than 1. Use 0 for the birth, 0.9 to be tight.")
    if share and np.isinf(death):
        raise ValueError(f"at is {share:g}, but bar has no finite death. Use at=0, or compute without a threshold.")
    return share


def _as_bar(bar: Numbers) -> tuple[float, float]:
    ends = as_numbers(bar, "bar")
    if ends.shape != (2,):
        raise ValueError(f"bar has shape {ends.shape}; expected (birth, death). Pass one row of the degree-1 diagram.")
    birth, death = ends.tolist()
    if not 0 <= birth < death or np.isinf(birth):
        raise ValueError(f"bar is ({birth:g}, {death:g}); expected 0 <= birth < death. Pass a row of the diagram.")
    return birth, death


def _birth_edge(
    matrix: Float[np.ndarray, "points points"], birth: float, death: float
) -> tuple[int, int, Bool[np.ndarray, "points points"]]:
    """The two ends of the bar's birth edge, and the edges before it."""
    candidates = _edges_near(matrix, birth)
    if len(candidates) > 1:
        return _tied_birth(matrix, birth, death)
    start, end = candidates[0].tolist()
    earlier = matrix < matrix[start, end]
    np.fill_diagonal(earlier, False)
    # A point nearer to both ends fills the edge's loop at the moment of birth.
    if (earlier[start] & earlier[end]).any():
        raise ValueError(_no_loop(birth))
    return start, end, earlier


def _edges_near(matrix: Float[np.ndarray, "points points"], birth: float) -> Int[np.ndarray, "edges 2"]:
    gaps = np.abs(matrix - birth)
    np.fill_diagonal(gaps, np.inf)
    if gaps.min() > READ_BACK * birth:
        raise ValueError(_no_loop(birth))
    return np.argwhere(np.triu(gaps <= gaps.min() + SAME_LENGTH * birth, k=1))


def _tied_birth(
    matrix: Float[np.ndarray, "points points"], birth: float, death: float
) -> tuple[int, int, Bool[np.ndarray, "points points"]]:
    """Among edges of equal length, the one whose bar has this death, and the edges before it."""
    lengths = squareform(matrix, checks=False)
    ranks = np.empty(len(lengths))
    # Distinct ranks add one edge at a time, so each bar of degree 1 has one birth edge.
    ranks[np.argsort(lengths, kind="stable")] = np.arange(1, len(lengths) + 1)
    _, simplices = redzed_tda.rips(ranks, maxdim=1, simplex_pairs=True)
    # A bar cut off by a threshold is taken to be the longest one; where edges are missing, they are the longest.
    wanted = min(death, matrix.max())
    found = [
        (_gap(_diameter(matrix, filled), wanted), tuple(edge))
        for edge, filled in simplices[1]
        if abs(matrix[tuple(edge)] - birth) <= READ_BACK * birth
        and _diameter(matrix, filled) > matrix[tuple(edge)] * (1 + SAME_LENGTH)
    ]
    if not found:
        raise ValueError(_no_loop(birth))
    start, end = min(found)[1]
    order = squareform(ranks, checks=False)
    earlier = order < order[start, end]
    np.fill_diagonal(earlier, False)
    return int(start), int(end), earlier


def _gap(length: float, wanted: float) -> float:
    return 0.0 if length == wanted else abs(length - wanted)


def _diameter(matrix: Float[np.ndarray, "points points"], simplex: list[int]) -> float:
    return float(matrix[np.ix_(simplex, simplex)].max())


def _shortest_path(
    matrix: Float[np.ndarray, "points points"],
    earlier: Bool[np.ndarray, "points points"],
    start: int,
    end: int,
    birth: float,
) -> Int[np.ndarray, " members"]:
    rows, columns = np.nonzero(earlier)
    # Built from coordinates, so that edges of length 0 between duplicates are kept.
    graph = csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)
    _, before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    if before[end] < 0:
        raise ValueError(_no_loop(birth))
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.int64)


def _no_loop(birth: float) -> str:
    return (
        f"bar has birth {birth:g}, where no edge closes a loop; expected a row of the degree-1 diagram. "
        "Pass the same points and metric that the diagram was computed with."
    )
