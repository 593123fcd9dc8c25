"""Homology: shapes with proven diagrams, a slow reference, two engines that agree to the bit, and stability."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from topores.topology import (
    Filtration,
    angles,
    bottleneck_distance,
    choose_engine,
    pairwise_distances,
    persistent_homology,
)

from .shapes import cross_polytope, glued_circles, hamming_cube, polygon, projective_plane, slow_homology

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]
ENGINES = ["redzed", "ripser"]


@pytest.mark.parametrize("engine", ENGINES)
def test_unit_square(engine):
    clusters, loops = persistent_homology(SQUARE, metric="euclidean", engine=engine)
    assert np.array_equal(clusters, [[0, 1], [0, 1], [0, 1], [0, np.inf]])
    assert np.array_equal(loops, [[1, np.sqrt(2)]])
    assert clusters.dtype == loops.dtype == np.float64


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("corners", [6, 9, 12, 30, 60])
def test_polygon_has_one_loop_from_its_side_to_a_third_of_the_circle(corners, engine):
    """Adamaszek and Adams 2017, The Vietoris-Rips complexes of a circle."""
    chords = persistent_homology(polygon(corners), metric="euclidean", engine=engine)
    turns = persistent_homology(polygon(corners), metric="angle", engine=engine)
    assert chords[1] == pytest.approx(np.array([[2 * np.sin(np.pi / corners), np.sqrt(3)]]), rel=1e-12)
    assert turns[1] == pytest.approx(np.array([[2 * np.pi / corners, 2 * np.pi / 3]]), rel=1e-12)
    assert chords[0][:-1] == pytest.approx(np.full((corners - 1, 2), [0, 2 * np.sin(np.pi / corners)]), rel=1e-12)


def test_regular_simplex_merges_at_once_and_has_no_loop():
    clusters, *higher = persistent_homology(np.eye(12), metric="euclidean", max_degree=3)
    assert np.array_equal(clusters, [*[[0, np.sqrt(2)]] * 11, [0, np.inf]])
    assert [len(bars) for bars in higher] == [0, 0, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_ties_that_rounding_breaks_make_no_bars(engine):
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 40)))[0]
    assert len(np.unique(pairwise_distances(turned, "euclidean"))) > 2
    assert [len(bars) for bars in persistent_homology(turned, max_degree=2, engine=engine)] == [40, 0, 0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_cross_polytope_is_a_sphere_until_opposite_corners_meet(dimension, engine):
    _, *higher = persistent_homology(cross_polytope(dimension), metric="euclidean", max_degree=3, engine=engine)
    for degree, bars in enumerate(higher, start=1):
        assert np.array_equal(bars, [[np.sqrt(2), 2]] if degree == dimension - 1 else np.empty((0, 2)))


def test_hamming_cube():
    """At 1 a graph of 8 corners and 12 edges: 5 loops. At 2 the boundary of a cross-polytope: a 3-sphere."""
    clusters, loops, voids, third = persistent_homology(hamming_cube(3), metric="precomputed", max_degree=3)
    assert np.array_equal(clusters, [*[[0, 1]] * 7, [0, np.inf]])
    assert np.array_equal(loops, [[1, 2]] * 5)
    assert len(voids) == 0
    assert np.array_equal(third, [[2, 3]])


def test_two_circles_glued_at_a_point_have_both_loops():
    """Adamaszek et al. 2020, On homotopy types of Vietoris-Rips complexes of metric gluings: a wedge."""
    loops = persistent_homology(glued_circles(12), metric="precomputed")[1]
    assert loops == pytest.approx(np.array([[2 * np.sin(np.pi / 12), np.sqrt(3)]] * 2), rel=1e-12)


def test_figure_eight_in_the_plane_has_two_long_loops():
    right = np.add(polygon(60), [1, 0])
    eight = np.vstack([right, right * [-1, 1]])
    loops = persistent_homology(eight, metric="euclidean")[1]
    lengths = np.sort(loops[:, 1] - loops[:, 0])
    assert (lengths[-2:] > 1.4).all()
    assert (lengths[:-2] < 0.2).all()


def test_two_clusters_live_as_long_as_the_gap_between_them():
    clusters = persistent_homology([[0.0], [1.0], [10.0], [11.5]], metric="euclidean")[0]
    assert np.array_equal(clusters, [[0, 1], [0, 1.5], [0, 9], [0, np.inf]])


@pytest.mark.parametrize(("field", "higher"), [(2, [[[1, 2]], [[1, 2]]]), (3, [[], []]), (127, [[], []])])
def test_projective_plane_has_its_loop_modulo_2_alone(field, higher):
    diagrams = persistent_homology(projective_plane(), metric="precomputed", max_degree=2, field=field)
    for bars, expected in zip(diagrams[1:], higher, strict=True):
        assert np.array_equal(bars, np.reshape(expected, (-1, 2)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(8))
def test_small_clouds_against_the_whole_boundary_matrix(seed, engine):
    random = np.random.default_rng(seed)
    # Half of the clouds on a grid: ties and duplicates.
    points = random.integers(0, 3, (8, 3)) if seed % 2 else random.normal(size=(8, 3))
    expected = slow_homology(pairwise_distances(points, "euclidean"), 2)
    for bars, wanted in zip(
        persistent_homology(points, metric="euclidean", max_degree=2, engine=engine), expected, strict=True
    ):
        assert np.array_equal(bars, wanted)


@pytest.mark.parametrize("shape", [(60, 2), (40, 5), (30, 100)])
def test_the_engines_agree_to_the_bit(shape):
    points = np.random.default_rng(4).normal(size=shape)
    for fast, reference in zip(
        persistent_homology(points, max_degree=2, engine="redzed"),
        persistent_homology(points, max_degree=2, engine="ripser"),
        strict=True,
    ):
        assert np.array_equal(fast, reference)


grids = arrays(np.float64, st.tuples(st.integers(2, 14), st.integers(1, 3)), elements=st.integers(0, 3).map(float))
free = arrays(np.float64, st.tuples(st.integers(2, 14), st.integers(1, 3)), elements=st.floats(-1e6, 1e6))


@settings(max_examples=60)
@given(st.one_of(grids, free), st.sampled_from([None, 1.0, 1.5]))
def test_the_engines_agree_to_the_bit_on_ties_and_duplicates(points, threshold):
    options = {"metric": "euclidean", "max_degree": 2, "threshold": threshold}
    for fast, reference in zip(
        persistent_homology(points, engine="redzed", **options),
        persistent_homology(points, engine="ripser", **options),
        strict=True,
    ):
        assert np.array_equal(fast, reference)


def test_every_end_of_a_bar_is_a_distance_in_full_precision():
    distances = angles(np.random.default_rng(5).normal(size=(50, 4)))
    for bars in persistent_homology(distances, metric="precomputed"):
        assert np.isin(bars[np.isfinite(bars)], distances).all()


def test_bars_are_sorted_by_birth_then_death():
    bars = persistent_homology(hamming_cube(4) + 0.0, metric="precomputed", max_degree=2)
    for diagram in [*bars, persistent_homology(np.random.default_rng(6).normal(size=(80, 3)))[1]]:
        assert np.array_equal(diagram, diagram[np.lexsort((diagram[:, 1], diagram[:, 0]))])


@pytest.mark.parametrize("scale", [2.0**-1000, 1e-40, 1e-12, 1e12, 1e40, 2.0**1000])
def test_scale_of_the_points_is_scale_of_the_bars(scale):
    points = np.random.default_rng(7).normal(size=(30, 3))
    for bars, scaled in zip(
        persistent_homology(points, metric="euclidean"),
        persistent_homology(points * scale, metric="euclidean"),
        strict=True,
    ):
        assert scaled / scale == pytest.approx(bars, rel=1e-12)


def test_one_point_two_points_and_duplicates():
    assert [d.tolist() for d in persistent_homology([[3.0, 4.0]], max_degree=2)] == [[[0, np.inf]], [], []]
    assert [d.tolist() for d in persistent_homology([[0.0], [2.0]], metric="euclidean")] == [[[0, 2], [0, np.inf]], []]
    assert [d.shape for d in persistent_homology([[1.0]] * 5, metric="euclidean", max_degree=3)] == [
        (1, 2), (0, 2), (0, 2), (0, 2),
    ]  # fmt: skip
    twice = persistent_homology(SQUARE + SQUARE, metric="euclidean")
    for once, doubled in zip(persistent_homology(SQUARE, metric="euclidean"), twice, strict=True):
        assert np.array_equal(once, doubled)


def test_points_on_a_line_merge_and_nothing_else():
    clusters, loops, voids = persistent_homology(np.arange(10.0)[:, None], metric="euclidean", max_degree=2)
    assert np.array_equal(clusters, [*[[0, 1]] * 9, [0, np.inf]])
    assert len(loops) == len(voids) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bar_alive_at_the_threshold_does_not_die(engine):
    def cut(threshold):
        return [
            bars.tolist()
            for bars in persistent_homology(SQUARE, metric="euclidean", threshold=threshold, engine=engine)
        ]

    assert cut(0.5) == [[[0, np.inf]] * 4, []]
    assert cut(1) == [[[0, 1]] * 3 + [[0, np.inf]], [[1, np.inf]]]
    assert cut(np.sqrt(2)) == cut(None) == cut(np.inf) == [[[0, 1]] * 3 + [[0, np.inf]], [[1, np.sqrt(2)]]]
    assert cut(0) == [[[0, np.inf]] * 4, []]


def test_a_matrix_computed_once_gives_the_same_bars():
    points = np.random.default_rng(8).normal(size=(40, 6))
    for metric in ("angle", "euclidean"):
        for direct, reused in zip(
            persistent_homology(points, metric=metric),
            persistent_homology(pairwise_distances(points, metric), metric="precomputed"),
            strict=True,
        ):
            assert np.array_equal(direct, reused)


def test_past_24_bits_of_ranks_neighbouring_distances_are_merged(monkeypatch):
    points = np.random.default_rng(9).normal(size=(50, 3))
    exact = persistent_homology(points)
    monkeypatch.setattr("topores.topology.ranking.EXACT_INTEGERS", 600)
    lengths = np.unique(angles(points))
    for bars, merged in zip(exact, persistent_homology(points), strict=True):
        widest = (lengths[3:] - lengths[:-3]).max()
        assert bottleneck_distance(bars, merged) <= widest


clouds = arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(2, 4)), elements=st.floats(-1, 1, width=16))


@settings(max_examples=40, deadline=None)
@given(clouds, st.integers(0, 2**32 - 1))
def test_renaming_points_changes_nothing(points, seed):
    order = np.random.default_rng(seed).permutation(len(points))
    for bars, renamed in zip(
        persistent_homology(points, metric="euclidean", max_degree=2),
        persistent_homology(points[order], metric="euclidean", max_degree=2),
        strict=True,
    ):
        assert np.array_equal(bars, renamed)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_turning_and_moving_the_cloud_changes_nothing(seed):
    random = np.random.default_rng(seed)
    points = random.normal(size=(20, 4))
    turned = points @ np.linalg.qr(random.normal(size=(4, 4)))[0]
    for degree in (0, 1):
        moved = persistent_homology(turned + 1, metric="euclidean")[degree]
        assert moved == pytest.approx(persistent_homology(points, metric="euclidean")[degree], abs=1e-12)
        assert persistent_homology(turned)[degree] == pytest.approx(persistent_homology(points)[degree], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["angle", "euclidean"]), st.floats(0.001, 1))
def test_bars_move_no_further_than_distances(seed, metric, noise):
    """Cohen-Steiner, Edelsbrunner and Harer 2007, Stability of persistence diagrams."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(20, 3))
    before, after = (pairwise_distances(p, metric) for p in (points, points + noise * random.normal(size=(20, 3))))
    for bars, moved in zip(
        persistent_homology(before, metric="precomputed"), persistent_homology(after, metric="precomputed"), strict=True
    ):
        assert bottleneck_distance(bars, moved) <= np.abs(before - after).max() * (1 + 1e-12)


def test_which_engine():
    assert choose_engine() == choose_engine("redzed", 2) == "redzed"
    assert choose_engine("auto", 3) == choose_engine("ripser", 2) == "ripser"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_degree": -1}, "max_degree is -1; expected 0 or more"),
        ({"engine": "gudhi"}, r"engine is 'gudhi'\. Choose one of: auto, redzed, ripser"),
        ({"metric": "cosine"}, "metric is 'cosine'"),
        ({"field": 4}, "field is 4; expected a prime from 2 to 127"),
        ({"field": 1}, "field is 1"),
        ({"field": 131}, "field is 131; expected a prime from 2 to 127"),
        ({"field": 3, "engine": "redzed"}, "field is 3, but engine 'redzed' supports field 2 only"),
        ({"threshold": -1}, "threshold is -1.0; expected a length of 0 or more"),
        ({"threshold": np.nan}, "threshold is nan"),
    ],
)
def test_unusable_options_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        persistent_homology(np.eye(3), **options)


def test_rows_of_a_filtration_are_clouds_of_their_own():
    draw = np.random.default_rng(10)
    points = np.vstack([draw.normal(size=(150, 5)), np.zeros((2, 5)) + 1.0])
    for metric in ("angle", "euclidean"):
        filtration = Filtration(points, metric=metric)
        rows = draw.integers(0, len(points), len(points))
        distances = pairwise_distances(points, metric)[np.ix_(np.unique(rows), np.unique(rows))]
        wanted = persistent_homology(distances, metric="precomputed", max_degree=2, threshold=1.2)
        for engine in ENGINES:
            found = filtration.diagrams(rows=rows, max_degree=2, threshold=1.2, engine=engine)
            assert [d.tolist() for d in found] == [d.tolist() for d in wanted]
    assert [d.shape for d in filtration.diagrams(rows=[3, 3])] == [(1, 2), (0, 2)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [([0, 4], "rows has 4; expected 0 to 3"), ([-1], "rows has -1"), ([], "shape"), ([0.5], "whole numbers")],
)
def test_rows_that_are_not_there_are_named(rows, said):
    with pytest.raises(ValueError, match=said):
        Filtration(SQUARE, metric="euclidean").diagrams(rows=rows)


@pytest.mark.parametrize("threshold", [None, 0.4])
def test_degree_0_alone_is_that_of_the_engines(threshold):
    points = np.random.default_rng(11).integers(0, 4, (60, 3)) + 1
    whole = persistent_homology(points, threshold=threshold, engine="redzed")[0]
    alone = persistent_homology(points, max_degree=0, threshold=threshold)
    assert len(alone) == 1
    assert alone[0] == pytest.approx(whole, rel=1e-12)
    assert choose_engine(max_degree=0) == "spanning tree"


def test_angles_of_a_large_cloud_are_exact_near_0_and_near_pi():
    draw = np.random.default_rng(12)
    points = draw.normal(size=(200, 30))
    points[100:] = points[:100] * np.where(np.arange(100) % 2, -1, 1)[:, None]
    points[100:] += 1e-9 * draw.normal(size=(100, 30))
    whole = angles(points)
    for i in (0, 1, 40, 41):
        assert whole[i, 100 + i] == pytest.approx(angles(points[[i, 100 + i]])[0, 1], rel=1e-12)
    assert whole[:90, :90] == pytest.approx(angles(points[:90]), rel=1e-13)
