import numpy as np
import pytest

from topores.topology import pairwise_distances, rtd
from topores.topology.measures.rtd import cross_barcode

from ..shapes import slow_homology


def test_the_authors_own_numbers():
    """Example.ipynb of https://github.com/IlyaTrofimov/RTD, cell 3: two clouds of 1000 points, seed 7, in float32."""
    state = np.random.RandomState(7)
    bars = cross_barcode(state.rand(1000, 2), state.rand(1000, 2))
    lengths = np.sort(bars[:, 1] - bars[:, 0])
    assert len(lengths) == 1219
    assert lengths[-1] == pytest.approx(0.15257642325013876, abs=1e-7)
    assert lengths[len(lengths) // 2] == pytest.approx(0.05195973068475723, abs=1e-7)
    assert lengths[len(lengths) * 976 // 1000] == pytest.approx(0.10457093086682374, abs=1e-6)


def paper_matrix(own, other):
    """The matrix as printed in algorithm 1: own distances one way only, and a last point near the first copies."""
    count = len(own)
    far = 10 * max(own.max(), other.max())
    one_way = np.where(np.tri(count, dtype=bool), own, far)
    doubled = np.full((2 * count + 1, 2 * count + 1), far)
    doubled[:count, :count] = own
    doubled[count:-1, :count], doubled[:count, count:-1] = one_way, one_way.T
    doubled[count:-1, count:-1] = np.minimum(own, other)
    doubled[-1, :count] = doubled[:count, -1] = 0
    np.fill_diagonal(doubled, 0)
    return doubled, far


@pytest.mark.parametrize("seed", range(3))
def test_against_the_matrix_of_the_paper(seed):
    a, b = np.random.default_rng(seed).normal(size=(2, 6, 2))
    own, other = (d / np.quantile(d, 0.9) for d in (pairwise_distances(x, "euclidean") for x in (a, b)))
    doubled, far = paper_matrix(own, other)
    bars = slow_homology(doubled, 1)[1]
    bars = bars[bars[:, 1] < far]
    assert cross_barcode(a, b) == pytest.approx(bars, abs=1e-12)


def test_a_cloud_and_its_like_are_0_apart():
    random = np.random.default_rng(0)
    a = random.normal(size=(40, 3))
    assert rtd(a, a) == 0
    assert rtd(a, 5 * a @ np.linalg.qr(random.normal(size=(3, 3)))[0] + 1) == pytest.approx(0, abs=1e-10)


def test_both_directions_are_averaged():
    a, b = np.random.default_rng(1).normal(size=(2, 30, 3))
    sums = [np.diff(cross_barcode(x, y)).sum() for x, y in ((a, b), (b, a))]
    assert rtd(a, b) == rtd(b, a) == pytest.approx(np.mean(sums), rel=1e-12)
    assert rtd(a, b) > 1


def test_nothing_left_of_the_clusters_of_the_paper():
    """Fewer shared distances, more divergence: noise of 0.1 against noise of 1."""
    random = np.random.default_rng(2)
    a, noise = random.normal(size=(2, 50, 4))
    assert rtd(a, a + 0.1 * noise) < rtd(a, a + noise)


@pytest.mark.parametrize("metric", ["euclidean", "angle"])
def test_a_ready_matrix_gives_the_same(metric):
    a, b = np.random.default_rng(3).normal(size=(2, 25, 4))
    ready = [pairwise_distances(x, metric) for x in (a, b)]
    assert rtd(*ready, metric="precomputed") == rtd(a, b, metric=metric)


def test_columns_may_differ_and_rows_may_not():
    random = np.random.default_rng(4)
    assert rtd(random.normal(size=(10, 2)), random.normal(size=(10, 7))) > 0
    with pytest.raises(ValueError, match="a has 10 rows and b has 9"):
        rtd(np.eye(10), np.eye(9))
    with pytest.raises(ValueError, match="b has 9 in 10 distances equal to 0"):
        rtd(np.eye(10), np.ones((10, 2)))
