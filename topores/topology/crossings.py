"""A cocycle of a bar of degree 1, and the shortest loop that crosses it an odd number of times."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

EDGES_AT_ONCE = 2**15
"""Edges whose triangles are examined in one step."""

SOURCES_AT_ONCE = 16
"""Start points of the shortest-loop search per step; the best loop so far bounds the next step."""


class Crossings(NamedTuple):
    """A cocycle modulo 2 that distinguishes a bar's loops from filled ones, as far as triangles determine it."""

    settled: Bool[np.ndarray, "points points"]
    """Edges whose value follows from older edges; the others belong to younger bars."""
    odd: Bool[np.ndarray, "points points"]
    """Settled edges with value 1."""


def crossings(
    matrix: Float[np.ndarray, "points points"],
    earlier: Bool[np.ndarray, "points points"],
    birth_edge: tuple[int, int],
    limit: float,
) -> Crossings:
    """The bar's cocycle on edges below `limit`: 0 before the birth edge, 1 on it, summing to 0 around each triangle.

    Up to a coboundary, every cocycle that is alive from the birth to `limit` has these values on the settled edges. So
    a loop of settled edges with an odd sum is not filled in below `limit`, and is not a sum of loops from before the
    birth.

    Args:
        matrix: Distances.
        earlier: Edges before the birth edge.
        birth_edge: The edge that closes the bar's first loop.
        limit: At most the bar's death.

    Raises:
        ValueError: Two triangles below `limit` contradict each other, so the bar dies earlier.

    Source:
        de Silva, Morozov and Vejdemo-Johansson 2011, Persistent cohomology and circular coordinates, section 2.
    """
    settled = earlier | _bridges(matrix, earlier, limit)
    np.fill_diagonal(settled, False)
    odd = np.zeros_like(settled)
    for ends in (birth_edge, birth_edge[::-1]):
        settled[ends] = odd[ends] = True
    rows, columns = np.nonzero(np.triu((matrix < limit) & ~settled, k=1))
    # Shortest first: most triangles then have two settled edges when their longest one is examined.
    order = np.argsort(matrix[rows, columns], kind="stable")
    left, before = np.column_stack([rows, columns])[order], -1
    while len(left) != before:
        before = len(left)
        pieces = np.split(left, range(EDGES_AT_ONCE, before, EDGES_AT_ONCE))
        left = np.concatenate([_settle(piece, settled, odd) for piece in pieces])
    return Crossings(settled, odd)


def shortest_odd_loop(
    matrix: Float[np.ndarray, "points points"],
    allowed: Bool[np.ndarray, "points points"],
    odd: Bool[np.ndarray, "points points"],
) -> Int[np.ndarray, " members"]:
    """The shortest loop, by summed length, of `allowed` edges with an odd number of `odd` edges; exact.

    It is a shortest path from a point to its twin in the double cover: two copies of the points, joined by the odd
    edges. Every such loop has an odd edge, so it is enough to start from a vertex cover of the odd edges.
    """
    count = len(matrix)
    cover = _double_cover(matrix, allowed, odd)
    sources = _vertex_cover(allowed & odd)
    best, base = np.inf, sources[0]
    for start in range(0, len(sources), SOURCES_AT_ONCE):
        some = sources[start : start + SOURCES_AT_ONCE]
        around = dijkstra(cover, indices=some, limit=best)[np.arange(len(some)), some + count]
        if around.min() < best:
            best, base = around.min(), some[around.argmin()]
    _, previous = dijkstra(cover, indices=base, limit=best, return_predecessors=True)
    path = [int(base) + count]
    while path[-1] != base:
        path.append(int(previous[path[-1]]))
    return _first_cycle(np.array(path) % count)


def _bridges(
    matrix: Float[np.ndarray, "points points"], earlier: Bool[np.ndarray, "points points"], limit: float
) -> Bool[np.ndarray, "points points"]:
    """A tree that joins the clusters of the earlier edges. It closes no loop, so its edges may have value 0."""
    rows, columns = np.nonzero(np.triu(earlier | (matrix < limit), k=1))
    later = ~earlier[rows, columns]
    # Weights above 0, since 0 means no edge; later edges weigh more than all earlier ones.
    weights = np.where(later, 2 + matrix[rows, columns] / limit, 1)
    tree = minimum_spanning_tree(csr_array((weights, (rows, columns)), shape=matrix.shape)).tocoo()
    bridges = np.zeros_like(earlier)
    bridges[tree.row, tree.col] = bridges[tree.col, tree.row] = True
    return bridges


def _settle(
    edges: Int[np.ndarray, "edges 2"],
    settled: Bool[np.ndarray, "points points"],
    odd: Bool[np.ndarray, "points points"],
) -> Int[np.ndarray, "left 2"]:
    """Settle the edges that close a triangle with two settled ones, and return the rest."""
    one, other = edges.T
    there, crossed = _pack_bits(settled), _pack_bits(odd)
    common = there[one] & there[other]
    differing = (crossed[one] ^ crossed[other]) & common
    is_odd, is_even = differing.any(axis=1), (differing != common).any(axis=1)
    if (is_odd & is_even).any():
        raise ValueError("bar dies before its given death; pass a row of the degree-1 diagram of these points.")
    done = is_odd | is_even
    for i, j in ((one, other), (other, one)):
        settled[i[done], j[done]] = True
        odd[i[is_odd], j[is_odd]] = True
    return edges[~done]


def _pack_bits(mask: Bool[np.ndarray, "points points"]) -> UInt64[np.ndarray, "points words"]:
    """Rows packed into 64-bit words, so that the common neighbours of two rows take a few operations."""
    packed = np.packbits(mask, axis=1)
    return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)


def _double_cover(
    matrix: Float[np.ndarray, "points points"],
    allowed: Bool[np.ndarray, "points points"],
    odd: Bool[np.ndarray, "points points"],
) -> csr_array:
    """Two copies of the graph of allowed edges; odd edges lead from one copy to the other."""
    count = len(matrix)
    i, j = np.nonzero(allowed)
    across = np.where(odd[i, j], count, 0)
    lengths = matrix[i, j]
    # Built from coordinates, so that edges of length 0 between duplicates are kept.
    rows, columns = np.concatenate([i, i + count]), np.concatenate([j + across, j + count - across])
    return csr_array((np.concatenate([lengths, lengths]), (rows, columns)), shape=(2 * count, 2 * count))


def _vertex_cover(edges: Bool[np.ndarray, "points points"]) -> Int[np.ndarray, " sources"]:
    """A greedy vertex cover: repeatedly take the point with the most uncovered edges."""
    left = edges.copy()
    degree, chosen = left.sum(axis=1), []
    while degree.any():
        chosen.append(int(degree.argmax()))
        degree -= left[chosen[-1]]
        degree[chosen[-1]] = 0
        left[chosen[-1]] = left[:, chosen[-1]] = False
    return np.array(chosen, dtype=np.int64)


def _first_cycle(walk: Int[np.ndarray, " steps"]) -> Int[np.ndarray, " members"]:
    """The first closed part of the walk; the rest has length 0, or the walk would not be shortest."""
    seen: dict[int, int] = {}
    for step, point in enumerate(walk.tolist()):
        if point in seen:
            return walk[seen[point] : step]
        seen[point] = step
    raise AssertionError("a walk around a loop ends where it began")
