import numpy as np
import pytest

from topores.topology import intrinsic_dimension, pairwise_distances


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_cube_in_a_large_space_has_its_own_dimension(dimension):
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(50, dimension)))[0]
    points = random.uniform(size=(1500, dimension)) @ turn.T
    assert intrinsic_dimension(points) == pytest.approx(dimension, rel=0.1)


def test_against_the_fit_written_out():
    points = np.random.default_rng(1).normal(size=(100, 4))
    ratios = []
    for i in range(100):
        near = sorted(float(np.linalg.norm(points[i] - points[j])) for j in range(100) if j != i)
        ratios.append(near[1] / near[0])
    x = np.log(sorted(ratios)[:90])
    y = [-np.log(1 - i / 100) for i in range(1, 91)]
    assert intrinsic_dimension(points) == pytest.approx(np.linalg.lstsq(x[:, None], y)[0][0], rel=1e-12)


def test_scale_duplicates_and_a_ready_matrix_change_nothing():
    points = np.random.default_rng(2).normal(size=(60, 3))
    value = intrinsic_dimension(points)
    assert intrinsic_dimension(points * 1e-9) == pytest.approx(value, rel=1e-9)
    assert intrinsic_dimension(np.vstack([points, points[:20]])) == pytest.approx(value, rel=1e-12)
    assert intrinsic_dimension(pairwise_distances(points, "euclidean"), metric="precomputed") == value


def test_a_ready_matrix_is_left_as_it_was():
    matrix = pairwise_distances(np.random.default_rng(3).normal(size=(10, 3)), "euclidean")
    before = matrix.copy()
    intrinsic_dimension(matrix, metric="precomputed")
    assert np.array_equal(matrix, before)


def test_a_regular_simplex_has_no_nearest_neighbours():
    assert intrinsic_dimension(np.eye(20)) == np.inf


def test_too_few_points_are_named():
    with pytest.raises(ValueError, match="points has 2 different rows; expected at least 3"):
        intrinsic_dimension([[0.0], [1.0], [1.0]])
