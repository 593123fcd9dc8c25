"""What rounding leaves in numbers: how coarsely they are stored, and which distances it cannot tell from 0."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import squareform

from topores.topology.points import Numbers, scale_by_power_of_two, unit_rows

SINGLE = float(np.finfo(np.float32).eps)
DOUBLE = float(np.finfo(np.float64).eps)

SIGNIFICANT_BITS = (8, 11, 24)
"""Bits that bfloat16, float16 and float32 keep, the first included."""

NOISE = 16
"""Units in the last place by which batch size and layout move a row that is computed in float32 or float64."""

FEW, LOOKED_AT = 256, 2**17
"""Least and most values by which the format of wider numbers is told."""

MANY_BYTES = 100
"""Different values of a signed byte from which bytes are embeddings that were scaled to them."""

AXES, NEAR = 12, 9
"""Columns to which rows are projected to find twins, and the nearest points that are looked at there."""


def storage_rounding(values: Numbers) -> float:
    """Relative spacing of the coarsest floating-point format that `values` were rounded to; 2.2e-16 if none.

    Judged by the values, where there are enough: bfloat16 is often kept as float32, float32 as float64. Numbers that
    are multiples of one unit, such as integers, are exact in any format.
    """
    given = np.asarray(values)
    # Enough of them tell the format; all of a large matrix would take many times its memory.
    numbers = given.ravel(order="K")[:: max(1, given.size // LOOKED_AT)].astype(np.float64)
    numbers = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    # A few numbers of a wide type may all be short by chance, or by choice.
    if numbers.size >= (FEW if given.dtype.itemsize > 4 else 1):
        mantissas, exponents = np.frexp(numbers)
        for bits in SIGNIFICANT_BITS:
            whole = np.ldexp(mantissas, bits)
            if (whole == np.rint(whole)).all():
                used = (whole % 4 != 0).mean() >= 0.5
                of_one_unit = np.ldexp(mantissas, np.minimum(bits + exponents - exponents.max(), 1000))
                exact = not used or bool((of_one_unit == np.rint(of_one_unit)).all())
                return DOUBLE if exact else 2.0 ** (1 - bits)
    return DOUBLE


def row_rounding(values: Numbers) -> float:
    """How far rounding may move a row of length 1, given how the values are stored; at least by float32's noise.

    Models compute in float32 at best: in another batch, the same text moves this far even if rows are kept as float64.
    """
    return max(storage_rounding(values), NOISE * SINGLE, _of_quantised(np.asarray(values)))


def _of_quantised(given: np.ndarray) -> float:
    """How far rounding to bytes moves a row of length 1; 0 if the bytes are not embeddings scaled to their range.

    Counts and one-hot rows are bytes too, and exact: they use few of the values.
    """
    if given.dtype != np.int8 or given.ndim != 2 or len(np.unique(given)) < MANY_BYTES:
        return 0.0
    lengths = np.linalg.norm(given.astype(np.float64), axis=1)
    # Each number is off by half a unit at most.
    return float(np.sqrt(given.shape[1]) / 2 / np.median(lengths))


def twin_distance(points: Numbers, metric: str, *, least: float = DOUBLE) -> float:
    """The distance up to which two points are equal but for rounding.

    Args:
        points: The points as the caller has them, or the matrix of distances.
        metric: "angle", "euclidean" or "precomputed".
        least: Relative spacing that is assumed even if the points are stored more finely.
    """
    own, numbers = storage_rounding(points), np.asarray(points)
    if metric == "precomputed":
        return _noise(max(own, least)) * float(numbers.max(initial=0.0, where=np.isfinite(numbers)))
    numbers = numbers.astype(np.float64)
    if metric == "angle":
        # Rows have length 1 there, so rounding turns them by as much whatever the other angles are.
        return max(_noise(own), _noise(least) * min(_width(unit_rows(points)), 1.0))
    return max(_noise(max(own, least)) * _width(numbers), own * float(np.abs(numbers).max(initial=0.0)))


def _width(rows: Float[np.ndarray, "points dim"]) -> float:
    """Twice the distance of the outermost point from the centre."""
    centred, exponent = scale_by_power_of_two(rows - rows.mean(axis=0))
    return 2 * float(np.ldexp(np.linalg.norm(centred, axis=1).max(), exponent))


def _noise(spacing: float) -> float:
    """Largest distance of equal rows of length 1: storage decides in half precision, computation in the others."""
    return 2 * spacing if spacing > SINGLE else NOISE * spacing


def merge_twins(distances: Float[np.ndarray, " pairs"], twins: float) -> Float[np.ndarray, " pairs"]:
    """Condensed distances in which points up to `twins` apart lie at the first of them; unchanged if there are none."""
    if not ((distances > 0) & (distances <= twins)).any():
        return distances
    square = squareform(distances, checks=False)
    first = first_of_twins(square, twins)
    return squareform(square[np.ix_(first, first)], checks=False)


def first_of_twins(distances: Float[np.ndarray, "points points"], twins: float) -> Int[np.ndarray, " points"]:
    """For each point the first point that a chain of steps up to `twins` long leads to: itself if it has no twin.

    Points are twins only if all their distances agree, which the triangle inequality makes sure of where it holds.
    """
    left, right = np.nonzero(np.triu(distances <= twins, k=1))
    first = _first_of_each((left, right), len(distances))
    for point in np.flatnonzero(first != np.arange(len(first))):
        one, other = distances[point], distances[first[point]]
        known = np.isfinite(one) & np.isfinite(other)
        apart = np.abs(one[known] - other[known]).max()
        if (np.isfinite(one) != np.isfinite(other)).any() or apart > one[first[point]] + 4 * twins:
            first[point] = point
    return first


def first_of_twin_rows(rows: Float[np.ndarray, "points dim"], twins: float) -> Int[np.ndarray, " points"]:
    """As `first_of_twins`, by Euclidean distance, without the distances of all pairs."""
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(rows.shape[1], min(AXES, rows.shape[1]))))
    shadows = rows @ axes
    first = np.arange(len(rows))
    while True:
        kept = np.flatnonzero(first == np.arange(len(rows)))
        onto = kept[_first_among_neighbours(rows[kept], shadows[kept], twins)]
        if (onto == kept).all():
            return first
        place = np.searchsorted(kept, first)
        first = onto[place]


def _first_among_neighbours(
    rows: Float[np.ndarray, "points dim"], shadows: Float[np.ndarray, "points some"], twins: float
) -> Int[np.ndarray, " points"]:
    """The first of each chain of twins, as far as these are among the nearest points in the projection."""
    # A projection shortens every distance, so it hides no twin; the margin is for its own rounding.
    bound = 1.01 * twins + NOISE * DOUBLE
    _, near = cKDTree(shadows).query(shadows, k=min(NEAR, len(rows)), distance_upper_bound=bound)
    near = near.reshape(len(rows), -1)
    left, column = np.nonzero(near < len(rows))
    right = near[left, column]
    close = np.linalg.norm(rows[left] - rows[right], axis=1) <= twins
    return _first_of_each((left[close], right[close]), len(rows))


def _first_of_each(pairs: tuple[np.ndarray, np.ndarray], count: int) -> Int[np.ndarray, " points"]:
    graph = coo_array((np.ones(len(pairs[0]), dtype=bool), pairs), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    _, first = np.unique(group, return_index=True)
    return np.asarray(first[group], dtype=np.int64)
