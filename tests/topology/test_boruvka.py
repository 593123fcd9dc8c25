"""Certified Borůvka: lengths bit-equal to Prim's, also where near neighbours certify nothing."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topores.topology import boruvka, minimum_spanning_tree, spanning_tree
from topores.topology.distances import distance_rows
from topores.topology.neighbours import MeasuredCloud, comparable_rows

from .shapes import cross_polytope, hamming_cube, polygon

random = np.random.default_rng(0)


@contextmanager
def forced(**constants):
    """Use certified edges for every cloud, with other constants."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning_tree, "FEW", 1)
        for name, value in constants.items():
            patch.setattr(boruvka, name, value)
        yield


def row_by_row(points, metric):
    count, distances_of = distance_rows(points, metric)
    return np.array([distances_of(index) for index in range(count)])


def by_prim(points, metric):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning_tree, "FEW", len(points))
        return minimum_spanning_tree(points, metric=metric).lengths


def two_clusters(size, spread=1e-3, dim=5):
    return np.vstack([centre + spread * random.normal(size=(size, dim)) for centre in (np.eye(dim)[0], np.eye(dim)[1])])


CLOUDS = {
    "gaussian": random.normal(size=(300, 30)),
    "two clusters": two_clusters(100),
    "ten clusters": np.vstack([c + 0.05 * random.normal(size=(30, 12)) for c in random.normal(size=(10, 12))]),
    "on a line": np.outer(random.permutation(200) + 1.0, [1.0, 2.0]),
    "polygon": polygon(120),
    "grid": np.stack(np.meshgrid(*[np.arange(1.0, 15)] * 2), axis=-1).reshape(-1, 2),
    "cube": (np.arange(256)[:, None] >> np.arange(8) & 1) - 0.5,
    "cross polytope": cross_polytope(40),
    "copies": np.repeat(random.normal(size=(20, 6)), 10, axis=0),
    "near copies": np.repeat(random.normal(size=(20, 6)), 10, axis=0) * (1 + 1e-12 * random.normal(size=(200, 6))),
    "float32 sees noise": two_clusters(120, spread=1e-5),
    "float64 sees noise": two_clusters(60, spread=1e-10),
    "far from the origin": 1e7 + random.normal(size=(200, 4)),
    "one far point": np.vstack([random.normal(size=(150, 4)), np.full((1, 4), 1e8)]),
    "all sizes": random.normal(size=(150, 6)) * 10.0 ** random.uniform(-200, 0, size=(150, 1)),
    "poles": np.vstack([two_clusters(60)[:60], -two_clusters(60)[:60]]),
    "opposite points": np.vstack([(half := random.normal(size=(60, 200))), -half]),
}
FORCED = {
    "as it is": {},
    "one neighbour": {"NEAR": 1},
    "two neighbours, small blocks": {"NEAR": 2, "PAIRS_AT_ONCE": 1000},
    "one neighbour, float64": {"NEAR": 1, "IN_DOUBT": 0},
    "everything may be measured": {"NEAR": 1, "MEASURED": 10**6},
}


@pytest.mark.slow
@pytest.mark.parametrize("constants", FORCED.values(), ids=FORCED)
@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("name", CLOUDS)
def test_lengths_are_prims_to_the_bit(name, metric, constants):
    points = CLOUDS[name]
    with forced(**constants):
        edges, lengths = minimum_spanning_tree(points, metric=metric)
    assert np.array_equal(lengths, by_prim(points, metric))
    assert np.array_equal(lengths, row_by_row(points, metric)[edges[:, 0], edges[:, 1]])
    assert (edges[:, 0] < edges[:, 1]).all()
    # As many edges as points less one, in one piece: a tree.
    group = np.arange(len(points))
    for a, b in edges:
        group[group == group[a]] = group[b]
    assert (group == group[0]).all()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=2, max_size=40),
    st.sampled_from([1.0, 1e-9, 1e200, 2.0**-1030]),
    st.sampled_from([0.0, 1.0, 1e6]),
    st.sampled_from(["angle", "euclidean"]),
    st.integers(1, 3),
)
def test_any_cloud_with_ties_and_copies_has_prims_lengths(rows, scale, offset, metric, near):
    points = (np.array(rows, dtype=float) + offset) * scale
    if metric == "angle":
        points = points[points.any(axis=1)]
    if len(points) < 2:
        return
    with forced(NEAR=near):
        lengths = minimum_spanning_tree(points, metric=metric).lengths
    assert np.array_equal(lengths, by_prim(points, metric))


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_permutation_changes_no_length(metric):
    points = CLOUDS["ten clusters"]
    with forced(NEAR=2):
        lengths = minimum_spanning_tree(points, metric=metric).lengths
        for seed in range(3):
            mixed = np.random.default_rng(seed).permutation(points)
            assert np.array_equal(minimum_spanning_tree(mixed, metric=metric).lengths, lengths)


def test_regular_polygon_has_its_sides():
    with forced(NEAR=1):
        lengths = minimum_spanning_tree(polygon(360), metric="angle").lengths
    assert lengths == pytest.approx(np.full(359, 2 * np.pi / 360), rel=1e-12)


def test_grid_has_its_steps():
    with forced(NEAR=2):
        lengths = minimum_spanning_tree(np.argwhere(np.ones((30, 40))) * 0.25, metric="euclidean").lengths
    assert lengths.tolist() == [0.25] * 1199


def test_cube_has_an_edge_a_corner():
    corners = (np.arange(512)[:, None] >> np.arange(9) & 1) * 1.0
    with forced(NEAR=1):
        assert minimum_spanning_tree(corners, metric="euclidean").lengths.tolist() == [1] * 511
    assert by_prim(hamming_cube(9), "precomputed").tolist() == [1] * 511


def test_two_lines_have_the_known_bridge():
    points = np.vstack([np.arange(300.0)[:, None], np.arange(500.0, 800)[:, None]])
    with forced(NEAR=3):
        edges, lengths = minimum_spanning_tree(points, metric="euclidean")
    assert lengths.tolist() == [1] * 598 + [201]
    assert edges[-1].tolist() == [299, 300]


def test_float32_rows_of_a_large_cloud_have_prims_lengths():
    centres = random.normal(size=(30, 64))
    points = (centres[random.integers(30, size=3200)] + 0.2 * random.normal(size=(3200, 64))).astype(np.float32)
    for metric in ("angle", "euclidean"):
        assert len(points) > spanning_tree.FEW
        assert np.array_equal(minimum_spanning_tree(points, metric=metric).lengths, by_prim(points, metric))


def test_points_too_close_for_their_distance_from_others_are_refused_rather_than_measured_pair_by_pair():
    rows, _ = comparable_rows(two_clusters(400, spread=1e-10), "euclidean")
    with pytest.raises(boruvka.TooClose, match="more than 64 pairs per point look equally short"):
        boruvka.certified_tree(MeasuredCloud(rows, "euclidean"))


def compared_with_all(points, metric="euclidean"):
    compared = []
    least_squares = MeasuredCloud.least_squares
    with forced(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(MeasuredCloud, "least_squares", lambda *a: compared.extend(a[1].tolist()) or least_squares(*a))
        minimum_spanning_tree(points, metric=metric)
    return set(compared)


def test_largest_cluster_is_not_compared_with_all_points():
    points = np.vstack([two_clusters(40, dim=8)[:40], 3 + random.normal(size=(2000, 8))])
    compared = compared_with_all(points)
    assert compared
    assert compared <= set(range(40))


def test_neighbours_prove_a_tree_without_clusters_far_from_the_origin_and_with_many_copies():
    points = random.normal(size=(300, 5))
    assert not compared_with_all(points)
    assert not compared_with_all(points + 1e5)
    assert not compared_with_all(np.repeat(points[:50], 40, axis=0))
