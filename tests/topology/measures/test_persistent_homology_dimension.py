import numpy as np
import pytest

from topores.topology import pairwise_distances, persistent_homology_dimension


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_cube_in_a_large_space_has_its_own_dimension(dimension):
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(50, dimension)))[0]
    points = random.uniform(size=(600, dimension)) @ turn.T
    assert persistent_homology_dimension(points) == pytest.approx(dimension, rel=0.1)


def test_a_circle_is_a_line():
    turn = np.random.default_rng(1).uniform(0, 2 * np.pi, 400)
    assert persistent_homology_dimension(np.column_stack([np.cos(turn), np.sin(turn)])) == pytest.approx(1, abs=0.1)


def test_the_same_seed_gives_the_same_number_and_another_seed_another():
    points = np.random.default_rng(2).normal(size=(100, 4))
    value = persistent_homology_dimension(points)
    assert value == persistent_homology_dimension(points)
    assert value == persistent_homology_dimension(pairwise_distances(points, "euclidean"), metric="precomputed")
    assert value != persistent_homology_dimension(points, seed=1)


def test_scale_changes_nothing():
    points = np.random.default_rng(3).normal(size=(100, 4))
    assert persistent_homology_dimension(points * 1e9) == pytest.approx(persistent_homology_dimension(points), rel=1e-9)


def test_a_regular_simplex_grows_like_its_points():
    assert persistent_homology_dimension(np.eye(40)) > 25


def test_too_few_points_are_named():
    with pytest.raises(ValueError, match="points has 9 different rows; expected at least 10"):
        persistent_homology_dimension([[float(i)] for i in range(9)] * 2)
