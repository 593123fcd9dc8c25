"""Loops: the right points, in order, round the right hole, ties included."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from topores.topology import persistent_homology, representative_loop

from .shapes import glued_circles, hamming_cube, polygon

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]
TURNED = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 40)))[0]


def in_cyclic_order(loop, expected):
    """Whether `loop` is `expected`, started anywhere and walked either way."""
    start = list(expected).index(loop[0])
    around = [*expected[start:], *expected[:start]]
    return list(loop) in (around, [around[0], *around[:0:-1]])


def longest(diagram):
    return diagram[np.argmax(diagram[:, 1] - diagram[:, 0])]


def test_unit_square():
    loop = representative_loop(SQUARE, [1, np.sqrt(2)], metric="euclidean")
    assert in_cyclic_order(loop.tolist(), [0, 1, 2, 3])
    assert loop.dtype == np.int64


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("corners", [6, 9, 30])
def test_polygon_is_its_own_loop(corners, metric):
    points = polygon(corners)
    loop = representative_loop(points, persistent_homology(points, metric=metric)[1][0], metric=metric)
    assert in_cyclic_order(loop.tolist(), list(range(corners)))


@pytest.mark.parametrize("corners", [12, 30, 60])
@pytest.mark.parametrize("rounding", [-1e-12, 0, 1e-12])
def test_a_bar_written_down_by_hand_is_found(corners, rounding):
    side = 2 * np.sin(np.pi / corners) * (1 + rounding)
    loop = representative_loop(polygon(corners), [side, np.sqrt(3)], metric="euclidean")
    assert in_cyclic_order(loop.tolist(), list(range(corners)))


def test_a_way_round_may_use_edges_of_no_length():
    ring = np.full((6, 6), 2.0)
    for corner, length in enumerate([1, 1, 0, 1, 1, 1]):
        ring[corner, corner - 1] = ring[corner - 1, corner] = length
    np.fill_diagonal(ring, 0)
    assert np.array_equal(persistent_homology(ring, metric="precomputed")[1], [[1, 2]])
    loop = representative_loop(ring, [1, 2], metric="precomputed")
    assert in_cyclic_order(loop.tolist(), list(range(6)))


def test_of_loops_born_together_the_death_tells_which():
    square, hexagon = np.array(SQUARE, dtype=float), np.add(polygon(6), [50, 0])
    points = np.vstack([square, hexagon])
    first = representative_loop(points, [1, np.sqrt(2)], metric="euclidean")
    second = representative_loop(points, [1, np.sqrt(3)], metric="euclidean")
    cut_off = representative_loop(points, [1, np.inf], metric="euclidean")
    assert in_cyclic_order(first.tolist(), [0, 1, 2, 3])
    assert in_cyclic_order(second.tolist(), [4, 5, 6, 7, 8, 9])
    assert np.array_equal(cut_off, second)


def test_hamming_cube_gives_a_face_or_longer_way_round():
    cube = hamming_cube(3)
    loop = representative_loop(cube, [1, 2], metric="precomputed")
    assert len(set(loop.tolist())) == len(loop) >= 4
    assert (cube[loop, np.roll(loop, -1)] == 1).all()


def winding(points):
    turns = np.diff(np.unwrap(np.arctan2(*np.vstack([points, points[:1]]).T[::-1])))
    return round(turns.sum() / (2 * np.pi))


@pytest.mark.parametrize("seed", range(5))
def test_noisy_circle_in_any_order_is_gone_round_once(seed):
    random = np.random.default_rng(seed)
    turn = random.uniform(0, 2 * np.pi, 80)
    points = np.column_stack([np.cos(turn), np.sin(turn)]) * random.uniform(0.9, 1.1, (80, 1))
    birth, death = longest(persistent_homology(points, metric="euclidean")[1])
    loop = representative_loop(points, (birth, death), metric="euclidean")
    edges = cdist(points, points)[loop, np.roll(loop, -1)]
    assert abs(winding(points[loop])) == 1
    assert len(set(loop.tolist())) == len(loop)
    assert edges.max() == edges[-1] == pytest.approx(birth, rel=1e-12)


def test_bars_stored_as_float32_and_doubled_points():
    points = np.vstack([polygon(24), polygon(24)])
    bar = longest(persistent_homology(points, metric="euclidean")[1]).astype(np.float32)
    loop = representative_loop(points, bar, metric="euclidean")
    assert sorted(set((loop % 24).tolist())) == list(range(24))


def test_every_bar_of_a_cloud_has_a_loop_no_longer_than_its_birth():
    points = np.random.default_rng(0).normal(size=(60, 3))
    distances = cdist(points, points)
    for bar in persistent_homology(points, metric="euclidean")[1]:
        loop = representative_loop(points, bar, metric="euclidean")
        assert distances[loop, np.roll(loop, -1)].max() == bar[0]


def test_every_tied_bar_of_two_glued_circles_has_a_loop():
    circles = glued_circles(12)
    for bar in persistent_homology(circles, metric="precomputed")[1]:
        loop = representative_loop(circles, bar, metric="precomputed")
        assert len(loop) >= 12


@pytest.mark.parametrize(
    ("bar", "said"),
    [
        ([0.7, 0.9], "bar has birth 0.7, where no edge closes a loop"),
        ([np.sqrt(2), 2], "bar has birth 1.41421, where no edge closes a loop"),
        ([1.0], r"bar has shape \(1,\); expected \(birth, death\)"),
        ([[1.0, 2.0]], r"bar has shape \(1, 2\)"),
        ([2.0, 1.0], r"bar is \(2, 1\); expected 0 <= birth < death"),
        ([np.nan, 1.0], "bar is"),
        ([np.inf, np.inf], "bar is"),
    ],
)
def test_a_bar_without_a_loop_is_named(bar, said):
    with pytest.raises(ValueError, match=said):
        representative_loop(SQUARE, bar, metric="euclidean")


@pytest.mark.parametrize("points", [np.eye(40), TURNED, [[0, 0], [np.sqrt(2), 0], [0.7, 0.1]]])
def test_an_edge_whose_loop_is_filled_at_once_closes_none(points):
    with pytest.raises(ValueError, match=r"bar has birth 1\.41421, where no edge closes"):
        representative_loop(points, [np.sqrt(2), 2], metric="euclidean")


def test_an_edge_that_merges_two_clusters_closes_no_loop():
    with pytest.raises(ValueError, match="bar has birth 9, where no edge closes a loop"):
        representative_loop([[0.0], [1.0], [10.0]], [9, 10], metric="euclidean")
