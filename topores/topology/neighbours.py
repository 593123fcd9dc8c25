"""Near neighbours in a large cloud: named by float32, measured in float64, with a bound on all that was left out.

Rounding decides nothing. From a matrix product in arithmetic of unit roundoff u, the square of a distance is off by at
most (dim + 8) u (|x| + |y|)^2 to first order, in whatever order the products are summed: dim u (|x| + |y|)^2 from the
scalar product and the two squared norms (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1), the
rest from the sums of the three and from rounding the coordinates. `margin` is twice that and more, for the higher
orders, and adds float64's own share, so that a bound also holds for lengths as they are measured. Rows are centred
first, which changes no distance and makes |x| + |y| small.
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
"""More than all that vanishes below the range of float32 in a squared distance, with coordinates up to 1."""

ROWS_AT_ONCE = 4096


class Neighbours(NamedTuple):
    """For each point some of the nearest ones, itself mostly among them."""

    indices: Int[np.ndarray, "points near"]
    lengths: Float[np.ndarray, "points near"]
    """Distances in float64. Not always in order: float32 ordered them."""
    beyond: Float[np.ndarray, " points"]
    """No point that is not listed is nearer than this."""


def comparable_rows(points: Numbers, metric: str) -> tuple[Float[np.ndarray, "points dim"], int]:
    """Rows whose distances can be compared, and the power of two by which lengths are to be multiplied in the end."""
    if metric == "angle":
        return unit_rows(points), 0
    return scale_by_power_of_two(as_points(points))


class MeasuredCloud:
    """A cloud whose distances can be measured pair by pair, and bounded from below for many pairs at once.

    Rows and lengths as `comparable_rows` has them; not all rows equal.
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
        """Rows minus the centre; over 2 ** spread, so that the largest coordinate of all is between 1/2 and 1."""
        return np.ldexp(self.rows[part] - self.centre, -self.spread)

    def lengths(self, pairs: Int[np.ndarray, "pairs 2"]) -> Float[np.ndarray, " pairs"]:
        """Distances with the operations of `distance_rows`: equal to the last bit. Pairs of one first point together.

        Args:
            pairs: At least one pair of indices.
        """
        chords = self._chords(pairs, 1)
        return angles_of_chords(chords, lambda far: self._chords(pairs[far], -1)) if self.is_angle else chords

    def least_squares(
        self, points: Int[np.ndarray, " chosen"], precision: DTypeLike = np.float32
    ) -> Float[np.ndarray, "chosen points"]:
        """Lower bounds of the squared distances from some points to all, over 4 ** spread. Some may be negative."""
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
        """Lengths that the squares of `least_squares` stand for."""
        chords = np.ldexp(np.sqrt(np.maximum(squares.astype(np.float64), 0)), self.spread)
        return 2 * np.arcsin(np.minimum(chords / 2, 1)) if self.is_angle else chords

    def to_squares(self, lengths: Float[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
        """The other way round and slightly more: a pair whose least square is not below this is no shorter."""
        chords = 2 * np.sin(lengths / 2) if self.is_angle else lengths
        return np.ldexp(chords, -self.spread) ** 2 * (1 + 2.0**-40)

    def _chords(self, pairs: Int[np.ndarray, "pairs 2"], sign: int) -> Float[np.ndarray, " pairs"]:
        starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1)).tolist()
        runs = [pairs[start:end] for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True)]
        return np.concatenate([cdist(self.rows[run[:1, 0]], sign * self.rows[run[:, 1]])[0] for run in runs])

    def _low(self, rows: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, " rows"]:
        # (|x| + |y|)^2 is at most 2 |x|^2 + 2 |y|^2, so that each point carries its own share of the error.
        share = 1 - 2 * margin(rows.shape[1], rows.dtype)
        return (np.einsum("pd,pd->p", rows, rows) * share - UNDERFLOW).astype(rows.dtype)

    def _parts(self) -> list[slice]:
        return [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(self), ROWS_AT_ONCE)]


def margin(dim: int, precision: DTypeLike) -> float:
    """Error of a squared distance from a matrix product, as a share of (|x| + |y|)^2. `eps` is twice u."""
    return (dim + 16) * float(np.finfo(precision).eps + 2 * np.finfo(np.float64).eps)


def near_neighbours(cloud: MeasuredCloud, count: int) -> Neighbours:
    """`count` near neighbours of each point by brute force, on as many threads as OpenMP is given.

    Source:
        Johnson, Douze and Jégou 2019, Billion-scale similarity search with GPUs. https://arxiv.org/abs/1702.08734
    """
    # In parts, so that an interrupt is heard.
    found = [_near_block(cloud, start, count) for start in range(0, len(cloud), ROWS_AT_ONCE)]
    return Neighbours(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _near_block(cloud: MeasuredCloud, start: int, count: int) -> Neighbours:
    rows = cloud.single[start : start + ROWS_AT_ONCE]
    # One more than asked for: a point mostly finds itself.
    squares, indices = faiss.knn(rows, cloud.single, min(count + 1, len(cloud)))
    own = np.repeat(np.arange(start, start + len(rows)), indices.shape[1])
    lengths = cloud.lengths(np.column_stack([own, indices.ravel()])).reshape(indices.shape)
    reach = squares[:, -1].astype(np.float64)
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    # What is nearer than the reach has |y| < |x| + reach: points far from the centre spoil no one else's bound.
    error = margin(rows.shape[1], np.float32) * (2 * norms + np.sqrt(reach)) ** 2 + UNDERFLOW
    return Neighbours(indices, lengths, cloud.to_lengths(reach - error))
