"""Distances: exact where cosines are not, exactly symmetric, and every unusable input is reported."""

import numpy as np
import pytest

from topores.topology import angles, pairwise_distances
from topores.topology.distances import distance_rows, distinct_points
from topores.topology.points import unit_rows


@pytest.mark.parametrize("angle", [1e-12, 1e-7, 0.5, np.pi / 2, 3.0, np.pi - 1e-7, np.pi - 1e-12, np.pi])
def test_angle_is_exact_near_0_and_near_pi(angle):
    measured = angles([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])[0, 1]
    assert measured == pytest.approx(angle, rel=1e-15, abs=3e-16)


def test_angles_are_symmetric_to_the_bit_with_zero_diagonal():
    points = np.random.default_rng(0).normal(size=(60, 5))
    measured = angles(np.vstack([points, -points, 3 * points]))
    assert np.array_equal(measured, measured.T)
    assert not measured.diagonal().any()
    assert measured.max() <= np.pi


def test_angles_forget_the_length_of_rows_at_any_scale():
    points = np.random.default_rng(0).normal(size=(10, 4))
    lengths = np.array([1e-300, 1e-12, 1.0, 3.0, 1e12, 1e300, 7.0, 1e-5, 1e5, 2.0])[:, None]
    assert angles(points * lengths) == pytest.approx(angles(points), abs=1e-15)


@pytest.mark.parametrize("scale", [2.0**-900, 1e-12, 1.0, 1e12, 2.0**900])
def test_euclidean_distances_at_any_scale(scale):
    measured = pairwise_distances(np.array([[0, 0], [3, 4], [0, 0]]) * scale, "euclidean")
    assert measured[0] == pytest.approx([0, 5 * scale, 0], rel=1e-15)


def test_a_small_distance_far_from_the_origin_keeps_its_digits():
    assert pairwise_distances([[1e9], [1e9 + 0.25]], "euclidean")[0, 1] == 0.25


def test_a_part_of_the_points_has_a_part_of_the_matrix():
    points = np.random.default_rng(1).normal(size=(40, 7))
    rows = np.random.default_rng(2).permutation(40)[:17]
    for metric in ("angle", "euclidean"):
        whole = pairwise_distances(points, metric)
        # Rows of one largest coordinate keep one scale, so the same operations are made.
        assert pairwise_distances(points[rows], metric) == pytest.approx(whole[np.ix_(rows, rows)], rel=1e-15)


@pytest.mark.parametrize("metric", ["angle", "euclidean", "precomputed"])
def test_rows_on_demand_are_the_rows_of_the_matrix(metric):
    points = np.random.default_rng(3).normal(size=(30, 6))
    given = pairwise_distances(points, "angle") if metric == "precomputed" else points
    count, distances_of = distance_rows(given, metric)
    assert np.array_equal([distances_of(i) for i in range(count)], pairwise_distances(given, metric))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"])
def test_all_real_types_give_float64(dtype):
    measured = pairwise_distances(np.array([[0, 0], [0, 1], [1, 0]], dtype=dtype), "euclidean")
    assert measured.dtype == np.float64
    assert measured[1] == pytest.approx([1, 0, 2**0.5])


def test_a_nearly_symmetric_matrix_is_averaged():
    given = np.array([[0.0, 1.0], [1.0 + 1e-9, 0.0]])
    measured = pairwise_distances(given, "precomputed")
    assert measured[0, 1] == measured[1, 0] == pytest.approx(1.0 + 5e-10, rel=1e-15)


def test_unit_rows_have_length_1():
    rows = unit_rows(np.random.default_rng(0).normal(size=(5, 3)) * 1e200)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, rel=1e-15)


def test_distinct_points_keep_the_first_of_each():
    matrix = pairwise_distances([[0.0], [1.0], [0.0], [3.0], [1.0]], "euclidean")
    assert np.array_equal(distinct_points(matrix), [[0, 1, 3], [1, 0, 2], [3, 2, 0]])


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([[1.0, np.nan], [0.0, 1.0]], r"points has NaN or infinity in 1 of 2 rows, first in row 0"),
        ([[1.0, 2.0], [0.0, np.inf]], r"first in row 1"),
        ([1.0, 2.0], r"points has shape \(2,\); expected \(points, dim\)"),
        (np.zeros((2, 2, 2)), r"points has shape \(2, 2, 2\)"),
        (np.zeros((0, 3)), r"points has shape \(0, 3\); expected at least one row"),
        (np.zeros((3, 0)), r"points has shape \(3, 0\); expected at least one row and one column"),
        ([], r"points has shape \(0,\)"),
        ([[1.0, 2.0], [3.0]], r"points is not an array .* Pass rows of equal length"),
        ([["a", "b"]], r"points has values of type <U1; expected real numbers"),
        ([[1j, 2.0]], r"points has values of type complex128"),
        ([[1.0, 0.0], [0.0, 0.0]], r"points has a row of zeros \(row 1\)"),
    ],
)
def test_unusable_points_are_named(points, said):
    with pytest.raises(ValueError, match=said):
        pairwise_distances(points, "angle")


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.zeros((2, 3)), r"points has shape \(2, 3\); metric='precomputed' expects a square matrix"),
        ([[0, -1], [-1, 0]], r"points has the negative entry -1"),
        ([[0, 1], [1, 0.5]], r"points has 0.5 on its diagonal"),
        ([[0, 1], [2, 0]], r"d\(i, j\) and d\(j, i\) differ by up to 1"),
        ([[0, np.inf], [np.inf, 0]], r"NaN or infinity in 2 of 2 rows"),
    ],
)
def test_a_matrix_that_is_not_one_of_distances_is_named(matrix, said):
    with pytest.raises(ValueError, match=said):
        pairwise_distances(matrix, "precomputed")


def test_an_unknown_metric_gets_the_nearest_name():
    with pytest.raises(ValueError, match=r"metric is 'euclidian'\. Did you mean 'euclidean'\?"):
        pairwise_distances([[1.0]], "euclidian")
    with pytest.raises(ValueError, match="Choose one of: angle, euclidean, precomputed"):
        distance_rows([[1.0]], "zzz")
