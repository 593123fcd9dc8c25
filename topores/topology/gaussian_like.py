"""Gaussian clouds of the same size, mean and covariance as a given one."""

import numpy as np
from jaxtyping import Float

from topores.topology.factors import svd
from topores.topology.points import Numbers, WholeNumber, as_points, as_whole, scale_by_power_of_two


def gaussian_like(points: Numbers, *, seed: WholeNumber) -> Float[np.ndarray, "points dim"]:
    """A Gaussian cloud with the number of points, the mean and the covariance of `points`, exact up to rounding.

    This is a draw of Gaussian points conditioned on their mean and covariance: the centred cloud keeps its singular
    values and right singular vectors, and its left singular vectors are replaced by a uniformly random orthonormal
    frame.

    Args:
        points: One row per point, in any units. Unit rows do not keep their length.
        seed: 0 or more. Equal seeds give equal clouds.

    Raises:
        ValueError: Unusable points, or a negative seed.

    Source:
        Langsrud 2005, Rotation tests, Statistics and Computing 15, 53-60. https://doi.org/10.1007/s11222-005-4789-5
    """
    return GaussianLike(points).draw(seed)


class GaussianLike:
    """Draws many clouds as `gaussian_like` does, with a single factorisation of `points`.

    Args:
        points: One row per point.

    Raises:
        ValueError: Unusable points.
    """

    def __init__(self, points: Numbers) -> None:
        rows, self._exponent = scale_by_power_of_two(as_points(points))
        self._points, self._mean = len(rows), rows.mean(axis=0)
        _, sizes, directions = svd(rows - self._mean, full_matrices=False)
        self._sizes = drop_rounding(sizes, rows)
        self._directions = directions[: len(self._sizes)]

    def draw(self, seed: WholeNumber) -> Float[np.ndarray, "points dim"]:
        """
        Raises:
            ValueError: A negative seed.
        """
        frame = random_frame(self._points, len(self._sizes), np.random.default_rng(as_seed(seed)))
        return np.ldexp(self._mean + (frame * self._sizes) @ self._directions, self._exponent)


def random_frame(points: int, columns: int, random: np.random.Generator) -> Float[np.ndarray, "points columns"]:
    """A uniformly random frame of orthonormal columns that sum to 0."""
    drawn = random.normal(size=(points, columns))
    frame, corner = np.linalg.qr(drawn - drawn.mean(axis=0))
    # QR fixes the signs by convention; restoring those of the drawn columns makes the frame uniform.
    return frame * np.sign(corner.diagonal())


def drop_rounding(
    sizes: Float[np.ndarray, " all"], rows: Float[np.ndarray, "points dim"]
) -> Float[np.ndarray, " rank"]:
    """The singular values above rounding error; the other columns need not be drawn."""
    return sizes[sizes > np.abs(rows).max() * max(rows.shape) * np.finfo(np.float64).eps]


def as_seed(seed: WholeNumber) -> int:
    """
    Raises:
        ValueError: A negative seed.
    """
    number = as_whole(seed, "seed")
    if number < 0:
        raise ValueError(f"seed is {number}; expected 0 or more.")
    return number
