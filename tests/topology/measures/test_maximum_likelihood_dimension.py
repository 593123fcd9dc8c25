import numpy as np
import pytest

from topores.topology import pairwise_distances
from topores.topology.measures.maximum_likelihood_dimension import maximum_likelihood_dimension


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_cube_in_a_large_space_has_its_own_dimension(dimension):
    """Slightly less, as neighbourhoods at its sides are truncated."""
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(50, dimension)))[0]
    points = random.uniform(size=(1500, dimension)) @ turn.T
    assert 0.88 * dimension < maximum_likelihood_dimension(points) < 1.03 * dimension


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_sphere(dimension):
    points = np.random.default_rng(1).normal(size=(1500, dimension + 1))
    for metric in ("angle", "euclidean"):
        unit = points / np.linalg.norm(points, axis=1, keepdims=True)
        assert maximum_likelihood_dimension(unit, metric=metric) == pytest.approx(dimension, rel=0.08)


def test_few_neighbours_give_no_bias():
    """The mean of inverses is unbiased for small k too; the mean of estimates would be 1.5 times too large at k = 4."""
    points = np.random.default_rng(2).uniform(size=(2000, 2))
    assert maximum_likelihood_dimension(points, neighbours=4) == pytest.approx(2, rel=0.05)


def test_against_the_formula_written_out():
    points = np.random.default_rng(3).normal(size=(60, 4))
    inverses = []
    for i in range(60):
        near = sorted(float(np.linalg.norm(points[i] - points[j])) for j in range(60) if j != i)[:7]
        inverses.append(sum(np.log(near[6] / t) for t in near[:6]) / 6)
    expected = 1 / np.mean(inverses)
    assert maximum_likelihood_dimension(points, neighbours=7) == pytest.approx(expected, rel=1e-12)


def test_scale_duplicates_and_a_ready_matrix_change_nothing():
    points = np.random.default_rng(4).normal(size=(60, 3))
    value = maximum_likelihood_dimension(points)
    matrix = pairwise_distances(points, "euclidean")
    before = matrix.copy()
    assert maximum_likelihood_dimension(points * 1e-9) == pytest.approx(value, rel=1e-9)
    assert maximum_likelihood_dimension(np.vstack([points, points[:20]])) == pytest.approx(value, rel=1e-12)
    assert maximum_likelihood_dimension(matrix, metric="precomputed") == value
    assert np.array_equal(matrix, before)


def test_of_few_points_all_are_neighbours_and_a_simplex_has_no_nearest():
    points = np.random.default_rng(5).normal(size=(10, 2))
    assert maximum_likelihood_dimension(points) == maximum_likelihood_dimension(points, neighbours=9)
    assert maximum_likelihood_dimension(1 - np.eye(20), metric="precomputed") == np.inf


def test_too_few_are_named():
    with pytest.raises(ValueError, match="points has 3 different rows; expected at least 4"):
        maximum_likelihood_dimension([[0.0], [1.0], [1.0], [2.0]])
    with pytest.raises(ValueError, match="neighbours is 2; expected 3 or more"):
        maximum_likelihood_dimension(np.eye(5), neighbours=2)
