"""The widest gap between two groups of a least size, by hand and on planted halves."""

import numpy as np
import pytest

from topores.topology import cluster_gap, gaussian_like
from topores.topology.measures.cluster_gap import Split, widest_split


def line(*places: float) -> np.ndarray:
    return np.array(places, dtype=float)[:, None]


def test_two_groups_on_a_line() -> None:
    """Five points a step apart are a group from 1 on; the groups join at 4."""
    rows = line(*range(5), *range(8, 14))
    assert widest_split(rows, metric="euclidean") == Split(pytest.approx(3.0), 5, 6)


def test_an_outlier_is_no_group() -> None:
    assert widest_split(line(*range(10), 100), metric="euclidean") == Split(0.0, 0, 0)
    assert widest_split(line(*range(10), 100, 101, 102, 103), metric="euclidean").gap == 0


def test_too_few_points_for_two_groups() -> None:
    assert cluster_gap(line(0, 1, 2, 50, 51, 52), metric="euclidean") == 0


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_halves_are_beyond_all_clouds_of_their_spectrum_and_one_cloud_is_not() -> None:
    rng = np.random.default_rng(0)
    whole = unit(rng.normal(size=(200, 60)) / np.sqrt(1 + np.arange(60)))
    halves = unit(whole + np.where(np.arange(200) < 100, 1.0, -1.0)[:, None] * np.eye(60)[7])
    found = widest_split(halves)
    assert (found.smaller, found.larger) == pytest.approx((100, 100), abs=6)  # outliers join later
    alike = [cluster_gap(unit(gaussian_like(halves, seed=seed))) for seed in range(20)]
    assert found.gap > 1.5 * max(alike)
    of_whole = [cluster_gap(unit(gaussian_like(whole, seed=seed))) for seed in range(20)]
    assert cluster_gap(whole) <= max(of_whole)
