"""Distances between points in float64; every other function accepts them with metric="precomputed"."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import issparse
from scipy.spatial.distance import cdist, pdist, squareform

from topores.errors import did_you_mean
from topores.topology.points import Numbers, as_numbers, as_points, scale_by_power_of_two, unit_rows
from topores.topology.rounding import NOISE, SINGLE, first_of_twins, merge_twins, twin_distance

METRICS = ("angle", "euclidean", "precomputed")

NEARLY_OPPOSITE = 1.9
"""Chord of unit vectors above which arcsin(chord / 2) loses digits, so the sum of the vectors is used instead."""

MANY_POINTS = 128
"""Points from which angles are computed by one matrix product: much faster, and as exact away from 0 and pi."""

NEARLY_PARALLEL = 0.995
"""Absolute cosine above which the angle is computed from chords: cosines lose digits below 0.1 radians."""

PAIRS_AT_ONCE = 2**14
"""Nearly parallel pairs processed per step, which bounds memory."""

MOSTLY = 0.25
"""Share of nearly parallel pairs above which all angles are computed from chords."""

ASYMMETRY = 1e-6
"""Asymmetry accepted as float32 rounding, as a share of the largest entry."""

ROUNDING = 4 * float(np.sqrt(SINGLE))
"""Negative and diagonal entries accepted as rounding, as a share of the largest entry: a distance that is the root of a
difference of float32 squares keeps half of their digits."""


def pairwise_distances(points: Numbers, metric: str = "angle") -> Float[np.ndarray, "points points"]:
    """All distances between the rows of `points`, as a matrix for metric="precomputed".

    Args:
        points: One row per point; the square matrix itself if `metric` is "precomputed".
        metric: "angle" (radians, 0 to pi), "euclidean" (units of the columns) or "precomputed".

    Returns:
        Exactly symmetric, with a zero diagonal.

    Raises:
        ValueError: No values, NaN or infinity; a zero row under "angle"; a matrix that does not hold distances.
    """
    if _check_metric(metric) == "precomputed":
        return as_distance_matrix(points)
    return squareform(condensed_distances(points, metric))


def condensed_distances(points: Numbers, metric: str = "angle") -> Float[np.ndarray, " pairs"]:
    """The distances of `pairwise_distances`, each pair once: (0, 1), (0, 2), ..., (n - 2, n - 1)."""
    if _check_metric(metric) == "precomputed":
        return squareform(as_distance_matrix(points), checks=False)
    if metric == "angle":
        return _condensed_angles(unit_rows(points))
    rows, exponent = scale_by_power_of_two(as_points(points))
    return np.ldexp(pdist(rows), exponent)


def angles(points: Numbers) -> Float[np.ndarray, "points points"]:
    """Angles between the rows in radians, 0 to pi, with a relative error of 1e-13, also near 0 and near pi.

    Raises:
        ValueError: A row of zeros, which has no direction.
    """
    return squareform(condensed_distances(points, "angle"))


def distance_rows(points: Numbers, metric: str = "angle") -> tuple[int, Callable[[int], Float[np.ndarray, " points"]]]:
    """The number of points, and a function from a point's index to its distances to all points.

    No array of size points x points is held, unless `points` is the matrix itself.
    """
    if _check_metric(metric) == "precomputed":
        matrix = as_distance_matrix(points, edges_may_lack=True)
        return len(matrix), lambda index: matrix[index]
    if metric == "angle":
        unit = unit_rows(points)
        return len(unit), lambda index: _angles_between(unit[[index]], unit)[0]
    rows, exponent = scale_by_power_of_two(as_points(points))
    return len(rows), lambda index: np.ldexp(cdist(rows[[index]], rows)[0], exponent)


def angles_of_chords(
    chords: Float[np.ndarray, "..."], opposite: Callable[[Bool[np.ndarray, "..."]], Float[np.ndarray, " far"]]
) -> Float[np.ndarray, "..."]:
    """Angles in radians between unit vectors that are `chords` apart.

    Args:
        opposite: For the pairs selected by a mask, the distance from one vector to the negative of the other.
    """
    result = 2 * np.arcsin(np.minimum(chords / 2, 1))
    far = chords > NEARLY_OPPOSITE
    if far.any():
        # Near pi the chord hardly changes with the angle, but the distance to the opposite point does.
        result[far] = np.pi - 2 * np.arcsin(opposite(far) / 2)
    return result


def filtered_distances(points: Numbers, metric: str) -> Float[np.ndarray, " pairs"]:
    """The distances of `condensed_distances` as homology sees them: points that are equal but for rounding coincide.

    With metric="precomputed", entries may be missing: infinite, or not stored in a sparse matrix.
    """
    if _check_metric(metric) == "precomputed":
        square = as_distance_matrix(points, edges_may_lack=True)
        points, found = square, squareform(square, checks=False)
    else:
        found = condensed_distances(points, metric)
    return merge_twins(found, twin_distance(points, metric))


def distinct_points(
    matrix: Float[np.ndarray, "points points"], twins: float = 0.0
) -> Float[np.ndarray, "distinct distinct"]:
    """The distance matrix without duplicates: of points up to `twins` apart, the first is kept."""
    if not (np.tril(matrix <= twins, k=-1)).any():
        return matrix
    first = np.unique(first_of_twins(matrix, twins))
    return matrix[np.ix_(first, first)]


def distinct_distances(points: Numbers, metric: str) -> Float[np.ndarray, "distinct distinct"]:
    """Distances of the points that differ by more than float32 rounding, for estimates that take logs of distances."""
    return distinct_points(pairwise_distances(points, metric), twin_distance(points, metric, least=SINGLE))


def as_distance_matrix(
    matrix: Numbers, name: str = "points", *, edges_may_lack: bool = False
) -> Float[np.ndarray, "points points"]:
    """`matrix` as a float64 distance matrix, exactly symmetric, with 0 on the diagonal and nothing below 0.

    What rounding leaves of these is removed: entries below 0 and on the diagonal up to `ROUNDING` of the largest entry,
    asymmetry up to `ASYMMETRY` of it (of the squares, where distances are roots of differences). The triangle
    inequality is not checked.

    Args:
        edges_may_lack: Also take infinite entries and SciPy's sparse matrices; entries that a sparse matrix does not
            store are infinite, and where only d(i, j) or d(j, i) is stored, it counts for both.

    Raises:
        ValueError: Not square, not finite, negative, asymmetric, or with a non-zero diagonal.
    """
    if issparse(matrix):
        if not edges_may_lack:
            raise ValueError(f"{name} is a sparse matrix; expected all distances. Pass matrix.toarray() if it has all.")
        matrix = _dense(matrix, name)
    distances = _as_entries(matrix, name, infinite=edges_may_lack)
    if distances.shape[0] != distances.shape[1]:
        raise ValueError(
            f"{name} has shape {distances.shape}; metric='precomputed' expects a square matrix of distances. "
            "Pass one, or choose metric='angle' or 'euclidean' for coordinates."
        )
    if distances.min() >= 0 and not distances.diagonal().any() and (distances == distances.T).all():
        return distances
    missing = ~np.isfinite(distances)
    largest, spacing = float(np.abs(distances).max(initial=0.0, where=~missing)), _spacing(matrix)
    least = max(ROUNDING, NOISE * spacing) * largest
    if distances.min() < -least:
        raise ValueError(
            f"{name} has the negative entry {distances.min():g}; expected distances of 0 or more. "
            "Turn similarities into distances first."
        )
    diagonal = np.abs(distances.diagonal()).max()
    if diagonal > least or (diagonal and diagonal >= largest):
        raise ValueError(
            f"{name} has {diagonal:g} on its diagonal; expected 0, the distance of a point to itself. "
            "Turn similarities into distances first, or use np.fill_diagonal(d, 0)."
        )
    if diagonal or distances.min() < 0:
        distances = np.maximum(distances, 0)
        np.fill_diagonal(distances, 0)
    gap = _gaps(distances, missing)
    allowed = max(ASYMMETRY, NOISE * spacing) * largest
    if ((gap > allowed) & (gap * (distances + distances.T) > NOISE * spacing * largest**2)).any():
        raise ValueError(
            f"{name} must be symmetric, but d(i, j) and d(j, i) differ by up to {gap.max():g}. "
            "Pass np.maximum(d, d.T) if they are one-way neighbour distances."
        )
    return distances / 2 + distances.T / 2


def _dense(matrix: Any, name: str) -> Float[np.ndarray, "points points"]:
    """Entries of a sparse matrix, infinite where none is stored in either direction."""
    entries = matrix.tocoo()
    if entries.dtype.kind not in "biuf":
        raise ValueError(f"{name} has values of type {entries.dtype}; expected real numbers. Convert them first.")
    if len(set(entries.shape)) > 1:
        return np.empty(entries.shape)  # refused by its shape
    square = np.full(entries.shape, np.inf)
    np.fill_diagonal(square, 0.0)
    square[entries.coords[-2], entries.coords[-1]] = entries.data
    return np.where(np.isinf(square), square.T, square)


def _as_entries(matrix: Numbers, name: str, *, infinite: bool) -> Float[np.ndarray, "rows columns"]:
    """`as_points`, where entries may be infinite."""
    if not infinite:
        return as_points(matrix, name)
    entries = as_numbers(matrix, name)
    absent = entries == np.inf
    if not absent.any():
        return as_points(entries, name)
    as_points(np.where(absent, 0.0, entries), name)
    return entries


def _spacing(matrix: Numbers) -> float:
    """Relative spacing of the entries' type; float32's for wider ones, which mostly hold what was computed in it."""
    kind = np.asarray(matrix).dtype
    return max(float(np.finfo(kind).eps), SINGLE) if kind.kind == "f" else SINGLE


def _gaps(
    distances: Float[np.ndarray, "points points"], missing: Bool[np.ndarray, "points points"]
) -> Float[np.ndarray, "points points"]:
    """How much d(i, j) and d(j, i) differ; infinite where only one is missing."""
    known = np.where(missing, 0.0, distances)
    return np.where(missing == missing.T, np.abs(known - known.T), np.inf)


def _condensed_angles(unit: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, " pairs"]:
    if len(unit) < MANY_POINTS:
        return _angles_of_all(unit)
    cosines = squareform(unit @ unit.T, checks=False)
    result = np.arccos(np.clip(cosines, -1, 1))
    near = np.flatnonzero(np.abs(cosines) > NEARLY_PARALLEL)
    if len(near) > MOSTLY * len(cosines):
        return _angles_of_all(unit)
    left, right = _pairs_at(near, len(unit))
    for start in range(0, len(near), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        one, other = unit[left[part]], unit[right[part]]
        sign = np.sign(cosines[near[part]])[:, None]
        small = 2 * np.arcsin(np.linalg.norm(one - sign * other, axis=1) / 2)
        result[near[part]] = np.where(sign[:, 0] > 0, small, np.pi - small)
    return result


def _pairs_at(places: Int[np.ndarray, " some"], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the entries at `places` of the condensed form."""
    starts = np.concatenate([[0], np.cumsum(np.arange(count - 1, 0, -1))])
    left = np.searchsorted(starts, places, side="right") - 1
    return left, places - starts[left] + left + 1


def _angles_between(
    rows: Float[np.ndarray, "rows dim"], columns: Float[np.ndarray, "columns dim"]
) -> Float[np.ndarray, "rows columns"]:
    return angles_of_chords(cdist(rows, columns), lambda far: cdist(rows, -columns)[far])


def _angles_of_all(unit: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, " pairs"]:
    return angles_of_chords(pdist(unit), lambda far: squareform(cdist(unit, -unit), checks=False)[far])


def _check_metric(metric: str) -> str:
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}. {did_you_mean(str(metric), METRICS)}")
    return metric
