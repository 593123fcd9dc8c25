"""Spanning tree: known trees, the merges of degree 0, and scipy's tree as reference."""

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree as reference_tree

from topores.topology import minimum_spanning_tree, pairwise_distances, persistent_homology
from topores.topology.distances import condensed_distances
from topores.topology.spanning_tree import tree_lengths

from .shapes import polygon


def test_points_on_a_line():
    edges, lengths = minimum_spanning_tree([[5.0], [0.0], [1.0], [3.0]], metric="euclidean")
    assert edges.tolist() == [[1, 2], [0, 3], [2, 3]]
    assert lengths.tolist() == [1, 2, 2]
    assert edges.dtype == np.int64


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_lengths_are_the_deaths_of_degree_0_to_the_bit(metric):
    points = np.random.default_rng(0).normal(size=(150, 8))
    tree = minimum_spanning_tree(points, metric=metric)
    assert np.array_equal(tree.lengths, persistent_homology(points, metric=metric, max_degree=0)[0][:-1, 1])


@pytest.mark.parametrize("metric", ["angle", "euclidean", "precomputed"])
def test_total_length_is_the_reference_and_edges_are_their_lengths(metric):
    points = np.random.default_rng(1).normal(size=(80, 5))
    given = pairwise_distances(points, "angle") if metric == "precomputed" else points
    matrix = pairwise_distances(given, metric)
    edges, lengths = minimum_spanning_tree(given, metric=metric)
    assert lengths.sum() == pytest.approx(reference_tree(matrix).sum(), rel=1e-12)
    assert np.array_equal(matrix[edges[:, 0], edges[:, 1]], lengths)
    assert (edges[:, 0] < edges[:, 1]).all()


@pytest.mark.parametrize("count", [1, 2, 3, 60])
def test_lengths_alone_are_those_of_the_tree_to_the_bit(count):
    whole = np.random.default_rng(count).integers(0, 5, (count, 2))  # with ties and copies
    for points in (whole, np.random.default_rng(count).normal(size=(count, 8))):
        lengths = tree_lengths(condensed_distances(points, "euclidean"))
        assert np.array_equal(lengths, minimum_spanning_tree(points, metric="euclidean").lengths)


def connected(edges, count):
    group = list(range(count))
    for a, b in edges:
        group = [group[a] if g == group[b] else g for g in group]
    return len(set(group)) == 1


def test_ties_and_duplicates_still_give_a_tree():
    corner = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    points = np.vstack([corner, corner, corner])
    edges, lengths = minimum_spanning_tree(points, metric="euclidean")
    assert lengths.tolist() == [0] * 8 + [1] * 3
    assert connected(edges, 12)
    assert connected(minimum_spanning_tree(polygon(24)).edges, 24)


def test_one_point_has_no_edge():
    edges, lengths = minimum_spanning_tree([[1.0, 2.0]])
    assert edges.shape == (0, 2)
    assert lengths.shape == (0,)


def test_unusable_points_are_named():
    with pytest.raises(ValueError, match="points has NaN or infinity"):
        minimum_spanning_tree([[np.nan]], metric="euclidean")
    with pytest.raises(ValueError, match="metric is 'cosine'"):
        minimum_spanning_tree([[1.0]], metric="cosine")
