"""Gaussian clouds of given mean and covariance: what they keep, and that nothing else is kept."""

import numpy as np
import pytest

from topores.topology import GaussianLike, gaussian_like


def some_points(points: int, dim: int, seed: int = 0) -> np.ndarray:
    """Away from 0, with columns of different spread."""
    return 3 + np.random.default_rng(seed).uniform(-1, 1, size=(points, dim)) / np.arange(1, dim + 1)


@pytest.mark.parametrize(("points", "dim"), [(30, 4), (10, 40), (2, 3), (40, 1)])
@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e150])
def test_mean_and_covariance_are_those_of_the_points(points, dim, unit):
    rows = some_points(points, dim) * unit
    drawn = gaussian_like(rows, seed=1)
    assert drawn.mean(axis=0) / unit == pytest.approx(rows.mean(axis=0) / unit, rel=1e-12)
    assert np.cov((drawn / unit).T) == pytest.approx(np.cov((rows / unit).T), abs=1e-12)


def test_what_has_no_spread_stays_as_it_is():
    assert np.array_equal(gaussian_like([[1.0, 2.0]], seed=0), [[1.0, 2.0]])
    assert np.array_equal(gaussian_like([[1.0, 2.0]] * 3, seed=0), [[1.0, 2.0]] * 3)


def test_equal_seeds_give_equal_clouds_and_others_do_not():
    rows = some_points(12, 3)
    assert np.array_equal(gaussian_like(rows, seed=5), gaussian_like(rows, seed=5))
    assert not np.allclose(gaussian_like(rows, seed=5), gaussian_like(rows, seed=6))
    like = GaussianLike(rows)
    assert np.array_equal([like.draw(seed) for seed in (6, 5)], [gaussian_like(rows, seed=seed) for seed in (6, 5)])


def test_no_point_and_no_direction_is_preferred():
    """Over many draws every row has the mean of all, and any two rows vary together as any other two."""
    rows = some_points(6, 3)
    away = np.array([gaussian_like(rows, seed=seed) for seed in range(1000)]) - rows.mean(axis=0)
    spread = rows.std(axis=0)
    assert np.abs(away.mean(axis=0) / spread).max() < 4.5 / 1000**0.5
    together = np.einsum("kid,kjd->ij", away / spread, away / spread) / 1000 / 3
    # Centred rows sum to 0: each varies with every other by -1 / (points - 1) of its own variance.
    assert together == pytest.approx(np.eye(6) * 6 / 5 - 1 / 5, abs=0.12)


def test_the_draws_are_gaussian():
    """A coordinate of a uniform cloud has kurtosis -1.2; of a Gaussian one of 500 points, about 0."""
    drawn = gaussian_like(np.random.default_rng(0).uniform(size=(500, 2)), seed=0)
    standard = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    assert (standard**4).mean(axis=0) - 3 == pytest.approx([0, 0], abs=0.9)


def test_unusable_points_and_seeds_are_refused():
    with pytest.raises(ValueError, match="NaN or infinity"):
        gaussian_like([[np.nan, 1.0]], seed=0)
    with pytest.raises(ValueError, match="seed is -2"):
        gaussian_like(np.eye(3), seed=-2)
