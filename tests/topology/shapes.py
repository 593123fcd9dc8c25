"""Shapes whose homology is known, and a slow computation of homology to compare with."""

from itertools import combinations, product

import numpy as np
from scipy.spatial.distance import cdist


def polygon(corners: int) -> np.ndarray:
    """Regular polygon on the unit circle. Corners divisible by 3: one loop, from the side to sqrt 3 as chords."""
    turn = 2 * np.pi * np.arange(corners) / corners
    return np.column_stack([np.cos(turn), np.sin(turn)])


def cross_polytope(dimension: int) -> np.ndarray:
    """Corners of the octahedron and its kin: all pairs at sqrt 2, opposite ones at 2."""
    return np.vstack([np.eye(dimension), -np.eye(dimension)])


def hamming_cube(dimension: int) -> np.ndarray:
    """Distance matrix: in how many places two words of zeros and ones differ."""
    words = np.array(list(product([0, 1], repeat=dimension)))
    return cdist(words, words, "cityblock")


def glued_circles(corners: int) -> np.ndarray:
    """Distance matrix of two regular polygons that share a corner; the way from one to the other leads through it."""
    chords = cdist(polygon(corners), polygon(corners))
    rest = chords[0, 1:]
    across = chords[0][:, None] + rest
    return np.block([[chords, across], [across.T, chords[1:, 1:]]])


# Faces of the triangulation of the projective plane with six corners (half an icosahedron).
PROJECTIVE_PLANE = [
    (0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5), (0, 1, 5), (1, 2, 4), (2, 3, 5), (1, 3, 4), (2, 4, 5), (1, 3, 5),
]  # fmt: skip


def projective_plane() -> np.ndarray:
    """Distance matrix of the 31 faces: 1 between a face and a part of it, 2 otherwise.

    At 1 it is the barycentric subdivision, which all its cliques fill; at 2 everything is filled.
    """
    faces = sorted({part for face in PROJECTIVE_PLANE for size in (1, 2, 3) for part in combinations(face, size)})
    nested = np.array([[set(a) < set(b) or set(b) < set(a) for b in faces] for a in faces])
    distances = np.where(nested, 1.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def slow_homology(distances: np.ndarray, max_degree: int) -> list[np.ndarray]:
    """Persistent homology modulo 2 by reducing the whole boundary matrix, column by column."""
    simplices = sorted(
        (distances[np.ix_(s, s)].max(), size, s)
        for size in range(1, max_degree + 3)
        for s in combinations(range(len(distances)), size)
    )
    place = {simplex: i for i, (_, _, simplex) in enumerate(simplices)}
    with_lowest: dict[int, set[int]] = {}
    died: dict[int, float] = {}
    for length, size, simplex in simplices:
        column = {place[face] for face in combinations(simplex, size - 1)} if size > 1 else set()
        while column and max(column) in with_lowest:
            column ^= with_lowest[max(column)]
        if column:
            with_lowest[max(column)] = column
            died[max(column)] = length
            died[place[simplex]] = -1.0
    diagrams: list[list[tuple[float, float]]] = [[] for _ in range(max_degree + 1)]
    for i, (length, size, _) in enumerate(simplices):
        death = died.get(i, np.inf)
        if size <= max_degree + 1 and death > length:
            diagrams[size - 1].append((length, death))
    return [np.array(sorted(bars), dtype=float).reshape(-1, 2) for bars in diagrams]
