"""Decomposition of the movement of two texts: shared rotation, relative rotation, shift and deformation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.topology.factors import svd
from topores.topology.points import Numbers, as_matched_points, as_points, same_columns

ROUNDING = 1e-12
"""Movement, relative to the size of the points, that rounding alone can cause."""


class MovementSplit(NamedTuple):
    """Shares of the squared movement: each 0 or more, 1 together. All are 0 if nothing moved."""

    shared: float
    """Explained by one rotation and scale of both texts together."""
    relative: float
    """Explained in addition by a separate rotation and scale of each text."""
    shift: float
    """Movement of the two centres relative to each other, beyond what is shared."""
    deformation: float
    """The remainder: changes of shape within either text."""


def split_movement(before_1: Numbers, before_2: Numbers, after_1: Numbers, after_2: Numbers) -> MovementSplit:
    """Split the movement of two texts into shared rotation, relative rotation, shift and deformation.

    X and Y hold the rows of both texts before and after, centred over both; X_k and Y_k hold the rows of text k,
    centred over that text. A translation of all points counts for nothing. With Procrustes' scale s and orthogonal
    matrix R (reflections included) of X to Y, and s_k and R_k of X_k to Y_k:

        T           = ||Y - X||^2                                   the squared movement
        shared      = (T - ||E||^2) / T                             E = Y - s X R, the residual
        shift       = n_1 n_2 / (n_1 + n_2) ||e_1 - e_2||^2 / T     e_k: the mean of E's rows of text k
        relative    = (||E||^2 - shift T - D) / T                   D = sum_k ||Y_k - s_k X_k R_k||^2
        deformation = D / T

    They sum to 1. None is negative: R = 1 and s = 1 give T, and the best fit leaves no more; each row of E is the mean
    of its text plus a part orthogonal to it, so ||E||^2 - shift T = sum_k ||Y_k - s X_k R||^2; and s_k and R_k minimise
    each term of that sum.

    A rotation of one text around a point other than its centre also moves the centre, which counts as shift. Separate
    rotations have twice the freedom of one, so the shares should be compared with those of a null. With fewer passages
    than columns, one rotation fits separate ones nearly perfectly; use `change_between_texts` to distinguish them.

    Args:
        before_1, before_2: One row per passage of each text, with equally many columns.
        after_1, after_2: The same passages, row by row, after the movement.

    Raises:
        ValueError: Unusable points, or different shapes.

    Source:
        Analysis of variance of Procrustes fits: Gower 1975, Generalized Procrustes Analysis,
        https://doi.org/10.1007/BF02291478; here with one fit for both texts, then one for each.
    """
    return MovementFrom(before_1, before_2).split(after_1, after_2)


class MovementFrom:
    """Splits many movements that start from the same state; work they share is done once.

    Args:
        before_1, before_2: One row per passage of each text, with equally many columns.

    Raises:
        ValueError: Unusable points, or different numbers of columns.
    """

    def __init__(self, before_1: Numbers, before_2: Numbers) -> None:
        self._texts = as_points(before_1, "a"), as_points(before_2, "a")
        same_columns(*self._texts)
        self._both = _Start.from_rows(np.vstack(self._texts))
        self._each = [_Start.from_rows(text) for text in self._texts]

    def split(self, after_1: Numbers, after_2: Numbers) -> MovementSplit:
        """`split_movement` from the start to this state.

        Raises:
            ValueError: Unusable points, or different shapes.
        """
        goals = self._goals(after_1, after_2)
        moved = self._total_movement(goals)
        if moved is None:
            return MovementSplit(0.0, 0.0, 0.0, 0.0)
        total, left, shift = moved
        deformation = sum(
            _squared_norm(_procrustes_residual(start, _centre(goal)))
            for start, goal in zip(self._each, goals, strict=True)
        )
        # Rounding can make the residual exceed the total.
        shared, relative = max(total - _squared_norm(left), 0.0), max(_squared_norm(left) - shift - deformation, 0.0)
        return MovementSplit(*(float(part / total) for part in (shared, relative, shift, deformation)))

    def shift(self, after_1: Numbers, after_2: Numbers) -> float:
        """Only the share of the shift, which is cheaper."""
        moved = self._total_movement(self._goals(after_1, after_2))
        return 0.0 if moved is None else float(moved[2] / moved[0])

    def _goals(self, after_1: Numbers, after_2: Numbers) -> list[Float[np.ndarray, "_ dim"]]:
        goals = [
            as_matched_points(before, after)[1] for before, after in zip(self._texts, (after_1, after_2), strict=True)
        ]
        for before, after in zip(self._texts, goals, strict=True):
            same_columns(before, after)
        return goals

    def _total_movement(
        self, goals: Sequence[Float[np.ndarray, "_ dim"]]
    ) -> tuple[float, Float[np.ndarray, "points some"], float] | None:
        """Squared movement, residual of the shared rotation, and shift within the residual; None if nothing moved."""
        goal = _centre(np.vstack(goals))
        total = _squared_norm(goal - self._both.points)
        if total <= ROUNDING**2 * max(self._both.size, _squared_norm(goal)):
            return None
        left = _procrustes_residual(self._both, goal)
        lengths = [len(text) for text in self._texts]
        first, second = np.split(left, lengths[:1])
        return (
            total,
            left,
            float(np.prod(lengths) / sum(lengths) * _squared_norm(first.mean(axis=0) - second.mean(axis=0))),
        )


class _Start(NamedTuple):
    """Points before a movement."""

    points: Float[np.ndarray, "points dim"]
    """Centred."""
    own: Float[np.ndarray, "points some"]
    """The same points, in coordinates of their span."""
    size: float
    """Squared norm."""

    @classmethod
    def from_rows(cls, rows: Float[np.ndarray, "points dim"]) -> "_Start":
        points = _centre(rows)
        return cls(points, _in_own_span(points), _squared_norm(points))


def change_between_texts(before_1: Numbers, before_2: Numbers, after_1: Numbers, after_2: Numbers) -> float:
    """Share of the change of inner products that lies between the two texts, not within either.

    X_k and Y_k hold the rows of text k before and after, centred over that text, and X and Y those of both:

        2 ||Y_1 Y_2' - X_1 X_2'||^2 / ||Y Y' - X X'||^2

    A rotation of both texts and a shift of either change no inner product. A rotation of one text changes only inner
    products between the texts, which gives 1. A change of shape within a text lies within it. Nothing is fitted, so
    this distinguishes relative from shared rotation with any number of passages.

    Args:
        before_1, before_2: One row per passage of each text, with equally many columns.
        after_1, after_2: The same passages, row by row, after the movement.

    Returns:
        0 to 1; NaN if no inner product changed. Noise gives about 1/2 for texts of equal length.

    Raises:
        ValueError: Unusable points, or different shapes.

    Source:
        Inner products determine points up to rotation: Horn and Johnson 2013, Matrix Analysis, section 7.3.
    """
    texts = _matched_texts(before_1, before_2, after_1, after_2)
    start, moves = zip(
        *(_as_few_rows(_centre(before), _centre(after - before)) for before, after in texts), strict=True
    )

    def change(one: int, other: int) -> float:
        # Y Y' - X X' is computed from the moves; subtracting the two would lose the digits of a small change.
        return _squared_norm(moves[one] @ (start[other] + moves[other]).T + start[one] @ moves[other].T)

    between, within = 2 * change(0, 1), change(0, 0) + change(1, 1)
    size = sum(_squared_norm(before @ before.T) for before in start)
    return between / (between + within) if between + within > ROUNDING**2 * size else float("nan")


def without_shared_rotation(
    before: Float[np.ndarray, "points dim"], after: Float[np.ndarray, "points dim"]
) -> tuple[Float[np.ndarray, "points some"], Float[np.ndarray, "points some"]]:
    """Both states in coordinates of their spans, after undoing the best rotation of `before` onto `after`."""
    start, goal = _in_own_span(before), _in_own_span(after)
    return start, goal @ _turn(start, goal)[0].T


def _matched_texts(
    before_1: Numbers, before_2: Numbers, after_1: Numbers, after_2: Numbers
) -> list[tuple[Float[np.ndarray, "_ dim"], Float[np.ndarray, "_ dim"]]]:
    """(before, after) for each text."""
    texts = [as_matched_points(before_1, after_1), as_matched_points(before_2, after_2)]
    for before, after in texts:
        same_columns(before, after)
    same_columns(texts[0][0], texts[1][0])
    return texts


def _procrustes_residual(start: _Start, goal: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, "points some"]:
    """Residual of the best rotation and scale of centred points, in coordinates of the span of `goal`."""
    own = _in_own_span(goal)
    turn, reached = _turn(start.own, own)
    return own - (reached / start.size if start.size else 0.0) * start.own @ turn


def _turn(
    start: Float[np.ndarray, "points some"], goal: Float[np.ndarray, "points some"]
) -> tuple[Float[np.ndarray, "some some"], float]:
    """The best orthogonal matrix between two spans, in their coordinates, and the inner product that it reaches.

    Any orthogonal matrix between the spans extends to the whole space, so the best one overall is among them.
    """
    left, sizes, right = svd(start.T @ goal)
    return left @ right, float(sizes.sum())


def _in_own_span(points: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, "points some"]:
    """The points in coordinates of their span, if there are fewer points than columns; otherwise unchanged."""
    return np.transpose(np.linalg.qr(points.T, mode="r")) if len(points) < points.shape[1] else points


def _as_few_rows(
    start: Float[np.ndarray, "points dim"], moves: Float[np.ndarray, "points dim"]
) -> tuple[Float[np.ndarray, "some dim"], Float[np.ndarray, "some dim"]]:
    """Fewer rows with the same products [start moves]' [start moves], at most as many as columns of both."""
    dim = start.shape[1]
    if len(start) <= 2 * dim:
        return start, moves
    rows = np.asarray(np.linalg.qr(np.hstack([start, moves]), mode="r"))
    return rows[:, :dim], rows[:, dim:]


def _centre(points: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, "points dim"]:
    return points - points.mean(axis=0)


def _squared_norm(points: Float[np.ndarray, "..."]) -> float:
    return float(np.square(points).sum())
