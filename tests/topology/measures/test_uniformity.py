import numpy as np
import pytest

from topores.topology import pairwise_distances, uniformity


def test_by_hand():
    assert uniformity([[1, 0], [-1, 0]]) == -8
    assert uniformity([[1, 0]] * 5) == 0
    # Distances sqrt 2 between all pairs of a regular simplex.
    assert uniformity(np.eye(6)) == pytest.approx(-4, rel=1e-12)


def test_each_pair_counts_once_and_no_row_with_itself():
    points = np.random.default_rng(0).normal(size=(12, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    terms = [np.exp(-2 * ((points[i] - points[j]) ** 2).sum()) for i in range(12) for j in range(i)]
    assert uniformity(points) == pytest.approx(np.log(np.mean(terms)), rel=1e-12)


def test_rows_far_apart_do_not_underflow():
    assert uniformity([[0.0], [100.0]]) == -20000


def test_distances_say_as_much_as_rows():
    points = np.random.default_rng(1).normal(size=(12, 3))
    ready = pairwise_distances(points, "euclidean")
    assert uniformity(ready, metric="precomputed") == pytest.approx(uniformity(points), rel=1e-12)
    with pytest.raises(ValueError, match=r"metric is 'angle'\. Choose one of: euclidean, precomputed"):
        uniformity(points, metric="angle")


def test_one_row_is_named():
    with pytest.raises(ValueError, match="points has 1 row; expected at least 2"):
        uniformity([[1.0, 0.0]])
