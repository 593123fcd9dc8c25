"""Distances between points: checked here once, in float64, and reused everywhere as metric="precomputed"."""

from collections.abc import Callable, Sequence
from typing import Any, SupportsFloat

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist, pdist, squareform

from topores.errors import did_you_mean

Numbers = ArrayLike | Sequence[Any] | SupportsFloat
"""What np.asarray reads as real numbers: arrays, lists, tuples, a number. Shapes stand in the docstrings."""

METRICS = ("angle", "euclidean", "precomputed")

NEARLY_OPPOSITE = 1.9
"""Chord of unit vectors past which arcsin(chord / 2) loses digits, and the sum of the vectors is used instead."""

MANY_POINTS = 128
"""Points from which angles come from one matrix product: many times faster, and as exact away from 0 and pi."""

NEARLY_PARALLEL = 0.995
"""Size of a cosine past which its angle is computed from chords: cosines lose digits there (this is .1 radians)."""

PAIRS_AT_ONCE = 2**14
"""Nearly parallel pairs whose rows are in memory at once."""

MOSTLY = 0.25
"""Share of nearly parallel pairs past which all angles come from chords."""

ASYMMETRY = 1e-6
"""Rounding left in a distance matrix that came from float32, as a share of its largest entry."""


def pairwise_distances(points: Numbers, metric: str = "angle") -> Float[np.ndarray, "points points"]:
    """All distances between the rows of `points`, ready to be passed on with metric="precomputed".

    Args:
        points: One row per point; the square matrix itself if `metric` is "precomputed".
        metric: "angle" (radians, 0 to pi), "euclidean" (units of the columns) or "precomputed".

    Returns:
        Symmetric to the last bit, with a zero diagonal.

    Raises:
        ValueError: NaN, infinite or no values; a zero row under "angle"; a matrix that is not one of distances.
    """
    if _known(metric) == "precomputed":
        return as_distance_matrix(points)
    return squareform(condensed_distances(points, metric))


def condensed_distances(points: Numbers, metric: str = "angle") -> Float[np.ndarray, " pairs"]:
    """The distances of `pairwise_distances`, each pair once: (0, 1), (0, 2), ..., (n - 2, n - 1)."""
    if _known(metric) == "precomputed":
        return squareform(as_distance_matrix(points), checks=False)
    if metric == "angle":
        return _condensed_angles(unit_rows(points))
    scaled, exponent = _scaled(as_points(points))
    return np.ldexp(pdist(scaled), exponent)


def angles(points: Numbers) -> Float[np.ndarray, "points points"]:
    """Angles between the rows in radians, 0 to pi, exact to 1e-13 of themselves near 0 and near pi alike.

    Raises:
        ValueError: A row of zeros, which has no direction.
    """
    return squareform(condensed_distances(points, "angle"))


def distance_rows(points: Numbers, metric: str = "angle") -> tuple[int, Callable[[int], Float[np.ndarray, " points"]]]:
    """The number of points, and a function from a point's index to its distances to all of them.

    Nothing of size points x points is kept, unless `points` is the matrix itself.
    """
    if _known(metric) == "precomputed":
        matrix = as_distance_matrix(points)
        return len(matrix), lambda index: matrix[index]
    if metric == "angle":
        unit = unit_rows(points)
        return len(unit), lambda index: _angles(cdist(unit[[index]], unit), unit[[index]], unit)[0]
    scaled, exponent = _scaled(as_points(points))
    return len(scaled), lambda index: np.ldexp(cdist(scaled[[index]], scaled)[0], exponent)


def unit_rows(points: Numbers) -> Float[np.ndarray, "points dim"]:
    """Rows divided by their length.

    Raises:
        ValueError: A row of zeros.
    """
    rows = as_points(points)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError(
            f"points has a row of zeros (row {np.flatnonzero(largest == 0)[0]}), which has no direction. "
            "Remove it, or use metric='euclidean'."
        )
    # A power of two changes no digit, and keeps squares of huge and tiny coordinates representable.
    rows = np.ldexp(rows, -np.frexp(largest)[1])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def as_points(points: Numbers, name: str = "points") -> Float[np.ndarray, "points dim"]:
    """`points` as finite float64 rows.

    Raises:
        ValueError: Not two-dimensional, empty, not numbers, NaN or infinite.
    """
    rows = as_numbers(points, name)
    if rows.ndim != 2:
        raise ValueError(f"{name} has shape {rows.shape}; expected (points, dim). Pass one row per point.")
    if not rows.size:
        raise ValueError(f"{name} has shape {rows.shape}; expected at least one row and one column. Pass some points.")
    # The sum of all is a fast first look: finite if they are, or else it is worth a second one.
    if not np.isfinite(rows.sum()) and not np.isfinite(rows).all():
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        raise ValueError(
            f"{name} has NaN or infinity in {len(bad)} of {len(rows)} rows, first in row {bad[0]}; "
            "expected finite numbers. Remove or mend those rows."
        )
    return rows


def as_matched_points(
    a: Numbers, b: Numbers
) -> tuple[Float[np.ndarray, "points dim_a"], Float[np.ndarray, "points dim_b"]]:
    """Two clouds whose rows belong together.

    Raises:
        ValueError: As `as_points`, or different numbers of rows.
    """
    rows_a, rows_b = as_points(a, "a"), as_points(b, "b")
    if len(rows_a) != len(rows_b):
        raise ValueError(
            f"a has {len(rows_a)} rows and b has {len(rows_b)}; expected matched rows. "
            "Pass the same points in the same order."
        )
    return rows_a, rows_b


def same_columns(a: Float[np.ndarray, "points_a dim_a"], b: Float[np.ndarray, "points_b dim_b"]) -> None:
    """Check that two clouds lie in one space.

    Raises:
        ValueError: Different numbers of columns.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"a has {a.shape[1]} columns and b has {b.shape[1]}; expected the same. Pass two clouds of one space."
        )


def centred(points: Float[np.ndarray, "points dim"], name: str) -> Float[np.ndarray, "points dim"]:
    """Rows minus their mean.

    Raises:
        ValueError: All rows are equal, so that nothing is left.
    """
    if (points == points[0]).all():
        raise ValueError(
            f"{name} has {len(points)} equal rows and no other; expected different points. Drop the copies."
        )
    return points - points.mean(axis=0)


def distinct_points(matrix: Float[np.ndarray, "points points"]) -> Float[np.ndarray, "distinct distinct"]:
    """The distance matrix of the points that differ: of points at distance 0, the first is kept."""
    first = ~np.tril(matrix == 0, k=-1).any(axis=1)
    return matrix if first.all() else matrix[np.ix_(first, first)]


def as_distance_matrix(matrix: Numbers, name: str = "points") -> Float[np.ndarray, "points points"]:
    """`matrix` as a float64 distance matrix; rounding asymmetry (up to 1e-6 of the largest entry) is averaged out.

    The triangle inequality is not asked for.

    Raises:
        ValueError: Not square, not finite, negative, asymmetric, or with a non-zero diagonal.
    """
    distances = as_points(matrix, name)
    if distances.shape[0] != distances.shape[1]:
        raise ValueError(
            f"{name} has shape {distances.shape}; metric='precomputed' expects a square matrix of distances. "
            "Pass one, or choose metric='angle' or 'euclidean' for coordinates."
        )
    if distances.min() < 0:
        raise ValueError(
            f"{name} has the negative entry {distances.min():g}; expected distances of 0 or more. "
            "Turn similarities into distances first."
        )
    if distances.diagonal().any():
        raise ValueError(
            f"{name} has {np.abs(distances.diagonal()).max():g} on its diagonal; expected 0, the distance of a point "
            "to itself. Use np.fill_diagonal(d, 0) if that is rounding."
        )
    if (distances == distances.T).all():
        return distances
    gap = np.abs(distances - distances.T).max()
    if gap > ASYMMETRY * distances.max():
        raise ValueError(
            f"{name} must be symmetric, but d(i, j) and d(j, i) differ by up to {gap:g}. "
            "Pass np.maximum(d, d.T) if they are one-way neighbour distances."
        )
    return distances / 2 + distances.T / 2


def as_numbers(values: Numbers, name: str) -> Float[np.ndarray, "..."]:
    """`values` as float64.

    Raises:
        ValueError: Ragged, text or complex values.
    """
    try:
        numbers = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is no array ({error}). Pass rows of one length.") from error
    if numbers.dtype.kind not in "biuf":
        raise ValueError(f"{name} has values of type {numbers.dtype}; expected real numbers. Convert them first.")
    return numbers.astype(np.float64)


def _condensed_angles(unit: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, " pairs"]:
    if len(unit) < MANY_POINTS:
        return squareform(_angles(squareform(pdist(unit)), unit, unit), checks=False)
    cosines = squareform(unit @ unit.T, checks=False)
    result = np.arccos(np.clip(cosines, -1, 1))
    near = np.flatnonzero(np.abs(cosines) > NEARLY_PARALLEL)
    if len(near) > MOSTLY * len(cosines):
        return squareform(_angles(squareform(pdist(unit)), unit, unit), checks=False)
    left, right = _pairs_at(near, len(unit))
    for start in range(0, len(near), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        one, other = unit[left[part]], unit[right[part]]
        sign = np.sign(cosines[near[part]])[:, None]
        small = 2 * np.arcsin(np.linalg.norm(one - sign * other, axis=1) / 2)
        result[near[part]] = np.where(sign[:, 0] > 0, small, np.pi - small)
    return result


def _pairs_at(places: Int[np.ndarray, " some"], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of places in the condensed form."""
    starts = np.concatenate([[0], np.cumsum(np.arange(count - 1, 0, -1))])
    left = np.searchsorted(starts, places, side="right") - 1
    return left, places - starts[left] + left + 1


def _angles(
    chords: Float[np.ndarray, "rows columns"],
    rows: Float[np.ndarray, "rows dim"],
    columns: Float[np.ndarray, "columns dim"],
) -> Float[np.ndarray, "rows columns"]:
    result = 2 * np.arcsin(np.minimum(chords / 2, 1))
    opposite = chords > NEARLY_OPPOSITE
    if opposite.any():
        # Near pi the chord hardly changes with the angle; the distance to the opposite point does.
        result[opposite] = np.pi - 2 * np.arcsin(cdist(rows, -columns)[opposite] / 2)
    return result


def _scaled(points: Float[np.ndarray, "points dim"]) -> tuple[Float[np.ndarray, "points dim"], int]:
    """Points over a power of two near their size: squares neither overflow nor vanish, and no digit changes."""
    exponent = int(np.frexp(np.abs(points).max())[1])
    return np.ldexp(points, -exponent), exponent


def _known(metric: str) -> str:
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}. {did_you_mean(metric, METRICS)}")
    return metric
