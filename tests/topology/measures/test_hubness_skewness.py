import numpy as np
import pytest

from topores.topology import pairwise_distances
from topores.topology.measures.hubness_skewness import hubness_skewness

from ..shapes import polygon


@pytest.mark.parametrize("neighbours", [1, 2, 3, 10, 11])
@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_on_a_regular_polygon_all_occur_alike(neighbours, metric):
    """Even k: k / 2 on either side. Odd k: the last place is shared by two."""
    assert hubness_skewness(polygon(31), neighbours=neighbours, metric=metric) == 0


def test_in_a_simplex_all_occur_alike():
    assert hubness_skewness(np.eye(12), neighbours=5) == 0


@pytest.mark.parametrize("leaves", [3, 6, 20])
def test_a_star_by_hand(leaves):
    """The hub occurs once per leaf, each leaf 1 / leaves times: the skewness of one point out of leaves + 1."""
    distances = np.full((leaves + 1, leaves + 1), 2.0)
    distances[0] = distances[:, 0] = 1
    np.fill_diagonal(distances, 0)
    share = 1 / (leaves + 1)
    expected = (1 - 2 * share) / np.sqrt(share * (1 - share))
    assert hubness_skewness(distances, neighbours=1, metric="precomputed") == pytest.approx(expected, rel=1e-12)


def test_against_counting():
    points = np.random.default_rng(0).normal(size=(80, 30))
    counts = np.zeros(80)
    for row in pairwise_distances(points):
        counts[np.argsort(row)[1:11]] += 1
    expected = np.mean((counts - counts.mean()) ** 3) / counts.std() ** 3
    assert hubness_skewness(points) == pytest.approx(expected, rel=1e-12)


def test_high_dimension_makes_hubs_and_order_is_nothing():
    random = np.random.default_rng(1)
    flat, deep = random.normal(size=(400, 2)), random.normal(size=(400, 200))
    assert hubness_skewness(deep, metric="euclidean") > 1 > hubness_skewness(flat, metric="euclidean") + 0.5
    grid = np.indices((6, 6)).reshape(2, -1).T
    value = hubness_skewness(grid, neighbours=5, metric="euclidean")
    assert hubness_skewness(random.permutation(grid), neighbours=5, metric="euclidean") == pytest.approx(value)


def test_a_ready_matrix_is_left_as_it_was_and_duplicates_count():
    points = np.repeat(np.random.default_rng(2).normal(size=(10, 3)), 2, axis=0)
    matrix = pairwise_distances(points)
    before = matrix.copy()
    assert hubness_skewness(matrix, neighbours=1, metric="precomputed") == 0
    assert np.array_equal(matrix, before)


@pytest.mark.parametrize("neighbours", [0, 5, 10])
def test_neighbours_that_are_not_there_are_named(neighbours):
    with pytest.raises(ValueError, match=f"neighbours is {neighbours} for 5 points"):
        hubness_skewness(np.eye(5), neighbours=neighbours)
