"""RTD-Lite: hand-made trees, the barcode of the paper written out, the axioms."""

import numpy as np
import pytest

from topores.topology import pairwise_distances
from topores.topology.measures.rtd_spanning_tree import rtd_spanning_tree


def test_by_hand():
    """Points at 0, 1, 3 and at 0, 2, 3: 0.9 quantiles 3, trees 1 + 2, the smaller distances' tree 1 + 1."""
    assert np.quantile(pairwise_distances([[0], [1], [3]], "euclidean"), 0.9) == 3
    assert rtd_spanning_tree([[0], [1], [3]], [[0], [2], [3]]) == pytest.approx(1 / 3, rel=1e-12)


def test_two_swapped_pairs_by_hand():
    """a joins 0-1 and 2-3, b joins 0-2 and 1-3: the smaller distances join all four along a square."""
    near, far = 1.0, 10.0
    a, b = (np.full((4, 4), far) - far * np.eye(4) for _ in range(2))
    for matrix, pairs in ((a, [(0, 1), (2, 3)]), (b, [(0, 2), (1, 3)])):
        for i, j in pairs:
            matrix[i, j] = matrix[j, i] = near
    # Trees of 12, 12 and 3, over the quantile 10.
    assert rtd_spanning_tree(a, b, metric="precomputed") == pytest.approx(0.9, rel=1e-12)


def paper_barcode(own, both):
    """Definition of https://arxiv.org/abs/2503.11910: for each edge of the tree of `both`, in order, from its length
    to the length up to which edges of `own`, beside the edges before it, are needed to join its ends."""
    count = len(own)
    cluster, bars = np.arange(count), []

    def joined(labels, i, j):
        return np.where(labels == labels[i], labels[j], labels)

    def edges(matrix):
        return sorted((matrix[i, j], i, j) for i in range(count) for j in range(i))

    for birth, i, j in edges(both):
        if cluster[i] == cluster[j]:
            continue
        with_own, death = cluster, 0.0
        for length, k, m in edges(own):
            if with_own[i] == with_own[j]:
                break
            with_own, death = joined(with_own, k, m), length
        bars.append((birth, death))
        cluster = joined(cluster, i, j)
    return np.array(bars)


@pytest.mark.parametrize("seed", range(4))
def test_against_the_summed_barcodes_of_the_paper(seed):
    a, b = np.random.default_rng(seed).normal(size=(2, 9, 2))
    own, other = (d / np.quantile(d, 0.9) for d in (pairwise_distances(x, "euclidean") for x in (a, b)))
    bars = [paper_barcode(matrix, np.minimum(own, other)) for matrix in (own, other)]
    assert all((births <= deaths).all() for births, deaths in (x.T for x in bars))
    expected = sum((x[:, 1] - x[:, 0]).sum() for x in bars) / 2
    assert rtd_spanning_tree(a, b) == pytest.approx(expected, rel=1e-12)


def test_a_cloud_and_its_like_are_0_apart():
    random = np.random.default_rng(0)
    a = random.normal(size=(40, 3))
    assert rtd_spanning_tree(a, a) == 0
    turned = 5 * a @ np.linalg.qr(random.normal(size=(3, 3)))[0] + 1
    assert rtd_spanning_tree(a, turned) == pytest.approx(0, abs=1e-12)


def test_symmetric_and_the_same_for_a_ready_matrix_and_other_orders():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 40, 4))
    order = random.permutation(40)
    ready = [pairwise_distances(x, "angle") for x in (a, b)]
    value = rtd_spanning_tree(a, b, metric="angle")
    assert value > 0.5
    assert rtd_spanning_tree(b, a, metric="angle") == value
    assert rtd_spanning_tree(a[order], b[order], metric="angle") == pytest.approx(value, rel=1e-12)
    assert rtd_spanning_tree(*ready, metric="precomputed") == value


def test_clouds_that_do_not_match_are_named():
    with pytest.raises(ValueError, match="a has 10 rows and b has 9"):
        rtd_spanning_tree(np.eye(10), np.eye(9))
    with pytest.raises(ValueError, match="b has 9 in 10 distances equal to 0"):
        rtd_spanning_tree(np.eye(10), np.ones((10, 2)))
