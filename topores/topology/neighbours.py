"""Near neighbours in a large cloud: found in float32, measured in float64, with a lower bound on all other distances.

The bounds hold despite rounding. A squared distance from a matrix product with unit roundoff u has an error of at most
(dim + 8) u (|x| + |y|)^2 to first order, in any order of summation: dim u (|x| + |y|)^2 from the scalar product and the
two squared norms (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1), the rest from adding the
three and from rounding the coordinates. `margin` is more than twice that, to cover higher orders, plus the error of
float64, so that a bound also holds for lengths as measured. Rows are centred first, which changes no distance and makes
|x| + |y| small.
"""

from typing import NamedTuple

import faiss
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import DTypeLike
from scipy.spatial.distance import cdist

from topores.topology.distances import angles_of_chords
from topores.topology.points import Numbers, as_points, scale_by_power_of_two, unit_rows

UNDERFLOW = 2.0**-100
"""Upper bound on what a squared distance loses to float32 underflow, for coordinates up to 1."""

ROWS_AT_ONCE = 4096


class Neighbours(NamedTuple):
    """For each point, some of the nearest points, usually including itself."""

    indices: Int[np.ndarray, "points near"]
    lengths: Float[np.ndarray, "points near"]
    """Distances in float64. Not always ascending, because they were sorted in float32."""
    beyond: Float[np.ndarray, " points"]
    """Lower bound on the distance to every point not listed."""


def comparable_rows(points: Numbers, metric: str) -> tuple[Float[np.ndarray, "points dim"], int]:
    """Rescaled rows, and the exponent of two by which their distances must be multiplied at the end."""
    if metric == "angle":
        return unit_rows(points), 0
    return scale_by_power_of_two(as_points(points))


class MeasuredCloud:
    """A cloud with exact distances for single pairs, and lower bounds for many pairs at once.

    Rows and lengths are scaled as by `comparable_rows`. The rows must not all be equal.
    """

    def __init__(self, rows: Float[np.ndarray, "points dim"], metric: str) -> None:
        self.rows = rows
        self.is_angle = metric == "angle"
        self.centre = rows.mean(axis=0)
        self.spread = 0
        self.spread = int(np.frexp(max(np.abs(self.centre_rows(part)).max() for part in self._parts()))[1])
        self.single = np.empty(rows.shape, dtype=np.float32)
        for part in self._parts():
            self.single[part] = self.centre_rows(part)
        self._low_single = self._low(self.single)

    def __len__(self) -> int:
        return len(self.rows)

    def centre_rows(self, part: slice | Int[np.ndarray, " chosen"]) -> Float[np.ndarray, "chosen dim"]:
        """Rows minus the centre, divided by 2 ** spread, so that the largest coordinate is between 1/2 and 1."""
        return np.ldexp(self.rows[part] - self.centre, -self.spread)

    def lengths(self, pairs: Int[np.ndarray, "pairs 2"]) -> Float[np.ndarray, " pairs"]:
        """Distances, bit-equal to those of `distance_rows`.

        Args:
            pairs: At least one pair of indices. Pairs with the same first point must be adjacent.
        """
        chords = self._chords(pairs, 1)
        return angles_of_chords(chords, lambda far: self._chords(pairs[far], -1)) if self.is_angle else chords

    def least_squares(
        self, points: Int[np.ndarray, " chosen"], precision: DTypeLike = np.float32
    ) -> Float[np.ndarray, "chosen points"]:
        """Lower bounds on the squared distances from some points to all, divided by 4 ** spread; may be negative."""
        if precision == np.float32:
            result = (-2 * self.single[points]) @ self.single.T
            result += self._low_single
            result += self._low_single[points][:, None]
            return result
        rows = self.centre_rows(points)
        result = np.empty((len(points), len(self)))
        for part in self._parts():
            columns = self.centre_rows(part)
            result[:, part] = (-2 * rows) @ columns.T + self._low(columns)
        return result + self._low(rows)[:, None]

    def to_lengths(self, squares: Float[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
        """Convert squares as `least_squares` returns them to lengths."""
        chords = np.ldexp(np.sqrt(np.maximum(squares.astype(np.float64), 0)), self.spread)
        return 2 * np.arcsin(np.minimum(chords / 2, 1)) if self.is_angle else chords

    def to_squares(self, lengths: Float[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
        """Convert lengths to squares, rounded up: a pair whose lower bound is not below its square is no shorter."""
        chords = 2 * np.sin(lengths / 2) if self.is_angle else lengths
        return np.ldexp(chords, -self.spread) ** 2 * (1 + 2.0**-40)

    def _chords(self, pairs: Int[np.ndarray, "pairs 2"], sign: int) -> Float[np.ndarray, " pairs"]:
        starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1)).tolist()
        runs = [pairs[start:end] for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True)]
        return np.concatenate([cdist(self.rows[run[:1, 0]], sign * self.rows[run[:, 1]])[0] for run in runs])

    def _low(self, rows: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, " rows"]:
        # (|x| + |y|)^2 is at most 2 |x|^2 + 2 |y|^2, so each point carries its own part of the error.
        share = 1 - 2 * margin(rows.shape[1], rows.dtype)
        return (np.einsum("pd,pd->p", rows, rows) * share - UNDERFLOW).astype(rows.dtype)

    def _parts(self) -> list[slice]:
        return [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(self), ROWS_AT_ONCE)]


def margin(dim: int, precision: DTypeLike) -> float:
    """Error bound of a squared distance from a matrix product, as a share of (|x| + |y|)^2."""
    return (dim + 16) * float(np.finfo(precision).eps + 2 * np.finfo(np.float64).eps)


def near_neighbours(cloud: MeasuredCloud, count: int) -> Neighbours:
    """`count` near neighbours of each point by brute force, on all OpenMP threads.

    Source:
        Johnson, Douze and Jégou 2019, Billion-scale similarity search with GPUs. https://arxiv.org/abs/1702.08734
    """
    # In parts, so that Ctrl-C takes effect between them.
    found = [_near_block(cloud, start, count) for start in range(0, len(cloud), ROWS_AT_ONCE)]
    return Neighbours(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _near_block(cloud: MeasuredCloud, start: int, count: int) -> Neighbours:
    rows = cloud.single[start : start + ROWS_AT_ONCE]
    # One more than asked for: a point usually finds itself.
    squares, indices = faiss.knn(rows, cloud.single, min(count + 1, len(cloud)))
    own = np.repeat(np.arange(start, start + len(rows)), indices.shape[1])
    lengths = cloud.lengths(np.column_stack([own, indices.ravel()])).reshape(indices.shape)
    reach = squares[:, -1].astype(np.float64)
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    # A point nearer than the reach has |y| < |x| + reach, so points far from the centre do not weaken other bounds.
    error = margin(rows.shape[1], np.float32) * (2 * norms + np.sqrt(reach)) ** 2 + UNDERFLOW
    return Neighbours(indices, lengths, cloud.to_lengths(reach - error))
