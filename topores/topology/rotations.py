"""Rotation angles: how far a rotation turns each direction, and how much of a cloud's variance lies along it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.topology.factors import svd
from topores.topology.points import Numbers, as_matched_points, centre_rows, same_columns

SAME_DIRECTION = 1 - 1e-12
"""Cosine above which a direction counts as common to two spans: an angle of about 1e-6."""


class RotationAngles(NamedTuple):
    """The spectrum of a rotation, one entry per direction that the points determine."""

    angles: Float[np.ndarray, " directions"]
    """Radians, 0 to pi, descending. A rotating plane appears as its angle twice; a reflected direction has pi."""
    weights: Float[np.ndarray, " directions"]
    """Share of the cloud's variance along each direction. Among directions of equal angle the split is arbitrary."""

    @property
    def mean(self) -> float:
        """Variance-weighted mean angle; NaN if no direction is determined."""
        return float(self.angles @ self.weights / self.weights.sum()) if len(self.angles) else float("nan")

    def quantile(self, share: int | float) -> float:
        """Variance-weighted quantile of the angles at `share`; NaN if no direction is determined."""
        if not len(self.angles):
            return float("nan")
        reached = np.cumsum(self.weights[::-1])
        return float(self.angles[::-1][np.searchsorted(reached, share * reached[-1])])


class BestTurn(NamedTuple):
    """The rotation and scale that bring one cloud nearest to another, without the matrix of the rotation."""

    scale: float
    """0 or more."""
    residual: float
    """Norm of the residual as a share of the norm of `b`: 0 (rotation and scale explain all) to 1."""
    rotation: RotationAngles

    @property
    def angle(self) -> float:
        """The largest angle in radians; 0 if no direction is determined."""
        return float(self.rotation.angles.max(initial=0.0))


class _Isometry(NamedTuple):
    """A rotation restricted to the directions that the points determine: an orthonormal basis and its images."""

    basis: Float[np.ndarray, "dim directions"]
    images: Float[np.ndarray, "dim directions"]


class _Fit(NamedTuple):
    """A Procrustes fit in coordinates of the two spans: `before @ left @ right` is the cloud rotated onto `after`."""

    before: Float[np.ndarray, "points some"]
    after: Float[np.ndarray, "points some"]
    left: Float[np.ndarray, "some some"]
    sizes: Float[np.ndarray, " some"]
    """Singular values of `before.T @ after`."""
    right: Float[np.ndarray, "some some"]
    isometry: _Isometry


def rotation_angles(a: Numbers, b: Numbers) -> RotationAngles:
    """The angles of the rotation that brings `a` nearest to `b` after centring, with the variance of `a` along each.

    If the rotation maps the span of the points to itself (as it does if they span all columns), these are the arguments
    of the eigenvalues of an orthogonal matrix. Otherwise they are the stationary values of the angle between a
    direction of the span and its image. `procrustes` returns the largest as its angle.

    The variance-weighted mean of 4 sin(angle / 2)^2 is the squared movement by the rotation alone, as a share of the
    squared size of `a`. With fewer points than columns a rotation can fit any movement, so compare the angles
    with those of a permutation null, in which moves are reassigned to other points.

    Args:
        a: One row per point.
        b: The same points, row by row, after the movement, with equally many columns.

    Raises:
        ValueError: Unusable points, different shapes, or a cloud whose rows are all equal.

    Source:
        Horn and Johnson 2013, Matrix Analysis, section 2.5 (the planes of an orthogonal matrix);
        Schoenemann 1966, https://doi.org/10.1007/BF02289451 (the rotation).
    """
    return best_turn(a, b).rotation


def best_turn(a: Numbers, b: Numbers) -> BestTurn:
    """The results of `procrustes` and `rotation_angles` except the matrix, at less than half the cost of the two.

    With fewer points than columns, everything is computed in the spans of the points, without factoring large matrices.

    Args:
        a: One row per point.
        b: The same points, row by row, after the movement, with equally many columns.

    Raises:
        ValueError: As `procrustes`.
    """
    rows_a, rows_b = as_matched_points(a, b)
    same_columns(rows_a, rows_b)
    cloud, goal = centre_rows(rows_a, "a"), centre_rows(rows_b, "b")
    fit = _fit(cloud, goal)
    size = np.square(cloud).sum()
    scale = fit.sizes.sum() / size
    left = np.linalg.norm(fit.after - scale * fit.before @ fit.left @ fit.right) / np.linalg.norm(goal)
    turn = fit.isometry
    rotation = _spectrum(fit.before @ fit.left[:, : turn.basis.shape[1]], size, turn.basis, turn.images)
    return BestTurn(float(scale), min(float(left), 1.0), rotation)


def relative_rotation_angles(
    before_1: Numbers, before_2: Numbers, after_1: Numbers, after_2: Numbers
) -> RotationAngles:
    """The angles between the rotations of two clouds, in the directions that both determine.

    Each cloud has its own rotation, from `before` to `after`, around its own centre. The weights are shares of the
    variance of both clouds before. Clouds of n_1 and n_2 points in general position have n_1 + n_2 - 2 - dim directions
    in common, if that is positive; otherwise the result is empty.

    Args:
        before_1, before_2: One row per point of each cloud, with equally many columns.
        after_1, after_2: The same points, row by row, after the movement.

    Raises:
        ValueError: Unusable points, different shapes, or a cloud whose rows are all equal.
    """
    matched = [as_matched_points(before_1, after_1), as_matched_points(before_2, after_2)]
    for before, after in matched:
        same_columns(before, after)
    same_columns(matched[0][0], matched[1][0])
    clouds = [(centre_rows(before, "before"), centre_rows(after, "after")) for before, after in matched]
    # Usually nothing is in common, which the spans alone show at a quarter of the cost.
    if not _common_directions(*(_span(before)[0] for before, _ in clouds))[0].size:
        return RotationAngles(np.empty(0), np.empty(0))
    turn_1, turn_2 = (_fit(*cloud).isometry for cloud in clouds)
    first, second = _common_directions(turn_1.basis, turn_2.basis)
    both = np.vstack([before for before, _ in clouds])
    return _spectrum(both @ turn_1.basis @ first, np.square(both).sum(), turn_1.images @ first, turn_2.images @ second)


def _common_directions(
    one: Float[np.ndarray, "dim some"], other: Float[np.ndarray, "dim others"]
) -> tuple[Float[np.ndarray, "some directions"], Float[np.ndarray, "others directions"]]:
    """The directions in the spans of both orthonormal bases, in coordinates of each basis."""
    left, cosines, right = svd(one.T @ other)
    count = int((cosines > SAME_DIRECTION).sum())
    return left[:, :count], right[:count].T


def _fit(before: Float[np.ndarray, "points dim"], after: Float[np.ndarray, "points dim"]) -> _Fit:
    """The Procrustes rotation of centred points, restricted to the directions that they determine."""
    (basis_before, corner_before), (basis_after, corner_after) = _span(before), _span(after)
    left, sizes, right = svd(corner_before @ corner_after.T)
    rank = int((sizes > sizes[0] * max(before.shape) * np.finfo(float).eps).sum())
    isometry = _Isometry(basis_before @ left[:, :rank], basis_after @ right[:rank].T)
    return _Fit(corner_before.T, corner_after.T, left, sizes, right, isometry)


def _span(
    points: Float[np.ndarray, "points dim"],
) -> tuple[Float[np.ndarray, "dim some"], Float[np.ndarray, "some points"]]:
    """An orthonormal basis of a space that contains the points, and their coordinates in it (transposed)."""
    return np.linalg.qr(points.T) if len(points) < points.shape[1] else (np.eye(points.shape[1]), points.T)


def _spectrum(
    coordinates: Float[np.ndarray, "points directions"],
    size: int | float,
    before: Float[np.ndarray, "dim directions"],
    after: Float[np.ndarray, "dim directions"],
) -> RotationAngles:
    """The angles of the isometry from one orthonormal basis to another.

    Args:
        coordinates: Coordinates of the cloud along the directions.
        size: Squared norm of the cloud, over all directions.
    """
    # The symmetric part of an orthogonal matrix has the planes as eigenspaces, and their cosines as eigenvalues.
    cosines = before.T @ after
    directions = np.linalg.eigh(cosines + cosines.T)[1]
    # Near 0 and pi chords keep digits that cosines lose.
    apart = np.linalg.norm((after - before) @ directions, axis=0)
    together = np.linalg.norm((after + before) @ directions, axis=0)
    angles = 2 * np.arctan2(apart, together)
    weights = np.square(coordinates @ directions).sum(axis=0) / size
    order = np.argsort(-angles, kind="stable")
    return RotationAngles(angles[order], weights[order])
