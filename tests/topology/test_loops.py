"""Loops: the right points, in order, around the right hole, also with ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ripser import ripser
from scipy.spatial.distance import cdist, squareform

from topores.topology import angles, crossings, persistent_homology, representative_loop

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


def round_length(distances, loop):
    return distances[loop, np.roll(loop, -1)].sum()


def ripsers_cocycles(distances):
    """Birth, death and cocycle of each bar, with ties broken by index."""
    lengths = squareform(distances, checks=False)
    ranks = np.empty(len(lengths))
    ranks[np.argsort(lengths, kind="stable")] = np.arange(1, len(lengths) + 1)
    found = ripser(squareform(ranks, checks=False), maxdim=1, do_cocycles=True, distance_matrix=True)
    ends = np.sort(lengths)[found["dgms"][1].astype(int) - 1]
    return zip(*ends.T, found["cocycles"][1], strict=True)


def crosses_oddly(loop, cocycle):
    crossed = {frozenset(edge) for edge in cocycle[:, :2].tolist()}
    return sum(frozenset(edge) in crossed for edge in zip(loop, np.roll(loop, -1), strict=True)) % 2 == 1


coordinates = st.integers(0, 12), st.floats(0, 1, width=32)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.lists(st.tuples(c, c), min_size=5, max_size=18) for c in coordinates))
def test_every_loop_of_every_cloud_crosses_ripsers_cocycle_an_odd_number_of_times(points):
    distances = cdist(points, points)
    bars = persistent_homology(distances, metric="precomputed")[1]
    cocycles = list(ripsers_cocycles(distances))
    for bar in bars:
        mine = [cocycle for birth, death, cocycle in cocycles if np.allclose((birth, death), bar, rtol=1e-9)]
        birth = representative_loop(distances, bar, metric="precomputed")
        assert any(crosses_oddly(birth, cocycle) for cocycle in mine)
        for at in (0.3, 0.9):
            tight = representative_loop(distances, bar, metric="precomputed", at=at)
            longest_edge = distances[tight, np.roll(tight, -1)].max()
            assert any(crosses_oddly(tight, cocycle) for cocycle in mine)
            assert len(set(tight.tolist())) == len(tight) >= 4
            assert longest_edge <= bar[0] + at * (bar[1] - bar[0]) + 1e-12
            assert round_length(distances, tight) <= round_length(distances, birth) * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_tight_loop_of_a_circle_in_384_dimensions(seed):
    random = np.random.default_rng(seed)
    turn = random.uniform(0, 2 * np.pi, 150)
    points = random.normal(size=(200, 384)) * 0.1 / np.sqrt(384)
    points[:150, :2] += np.column_stack([np.cos(turn), np.sin(turn)])
    # 50 points far off, where nothing goes round.
    points[150:, 5] += 20
    points = points[random.permutation(200)]
    bar = longest(persistent_homology(points, metric="euclidean")[1])
    wide, tight = (representative_loop(points, bar, metric="euclidean", at=at) for at in (0, 0.9))
    distances = cdist(points, points)
    assert round_length(distances, tight) < round_length(distances, wide) * 0.8
    assert len(tight) < 8 < len(wide)
    assert (points[tight, 5] < 10).all()
    assert abs(winding(points[wide, :2])) == abs(winding(points[tight, :2])) == 1
    mine = [c for birth, death, c in ripsers_cocycles(distances) if np.allclose((birth, death), bar, rtol=1e-9)]
    assert crosses_oddly(tight, mine[0])


def test_each_loop_of_a_figure_eight_stays_in_its_lobe():
    points = np.vstack([polygon(24), 1.2 * polygon(30) + [2.6, 0]])
    bars = persistent_homology(points, metric="euclidean")[1]
    long_bars = bars[np.argsort(bars[:, 0] - bars[:, 1])[:2]]
    lobes = []
    for bar in long_bars:
        for at in (0, 0.5, 0.9):
            loop = representative_loop(points, bar, metric="euclidean", at=at)
            assert len(set((loop < 24).tolist())) == 1
            lobes.append(int(loop[0] < 24))
    assert lobes == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("corners", [12, 30])
def test_the_tight_loop_of_a_polygon_by_hand(corners):
    """At t = 1.5 of chords up to sqrt 3 the shortest way round has as few corners as the chord allows."""
    points = polygon(corners)
    side = 2 * np.sin(np.pi / corners)
    loop = representative_loop(points, [side, np.sqrt(3)], metric="euclidean", at=(1.5 - side) / (np.sqrt(3) - side))
    step = int(np.arcsin(0.75) * corners / np.pi)
    rest = corners - 3 * step
    chords = 3 * np.sin(np.pi * step / corners) + np.sin(np.pi * rest / corners)
    assert len(loop) == 4
    assert round_length(cdist(points, points), loop) == pytest.approx(2 * chords, rel=1e-12)


def slow_shortest_odd_loop(matrix, allowed, odd):
    """Length of the shortest way from a point to its twin, by Floyd and Warshall over the double cover."""
    count = len(matrix)
    even, crossing = (np.where(allowed & mask, matrix, np.inf) for mask in (~odd, odd))
    ways = np.block([[even, crossing], [crossing, even]])
    for middle in range(2 * count):
        ways = np.minimum(ways, ways[:, [middle]] + ways[middle])
    return ways[np.arange(count), np.arange(count) + count].min()


@pytest.mark.parametrize("at_once", [1, 16])
@pytest.mark.parametrize("seed", range(10))
def test_shortest_of_all_odd_loops(seed, at_once, monkeypatch):
    monkeypatch.setattr(crossings, "SOURCES_AT_ONCE", at_once)
    random = np.random.default_rng(seed)
    matrix = cdist(*[random.normal(size=(25, 2))] * 2)
    allowed, odd = (np.triu(random.random((25, 25)) < share, k=1) for share in (0.3, 0.4))
    allowed, odd = allowed | allowed.T, odd | odd.T
    loop = crossings.shortest_odd_loop(matrix, allowed, odd & allowed)
    edges = loop, np.roll(loop, -1)
    assert allowed[edges].all()
    assert (odd & allowed)[edges].sum() % 2 == 1
    assert matrix[edges].sum() == pytest.approx(slow_shortest_odd_loop(matrix, allowed, odd), rel=1e-12)


def test_a_ready_matrix_a_threshold_and_float32_give_the_same_tight_loop():
    random = np.random.default_rng(3)
    points = np.column_stack([polygon(40), np.zeros((40, 3))]) + random.normal(size=(40, 5)) * 0.05
    bar = longest(persistent_homology(points, metric="angle", threshold=2.4)[1])
    loop = representative_loop(points, bar, at=0.9)
    ready = representative_loop(angles(points), bar.astype(np.float32), metric="precomputed", at=0.9)
    assert np.array_equal(loop, ready)


def test_tight_loop_among_tied_births_and_doubled_points():
    square, hexagon = np.array(SQUARE, dtype=float), np.add(polygon(6), [50, 0])
    points = np.vstack([square, hexagon, square, hexagon])
    first = representative_loop(points, [1, np.sqrt(2)], metric="euclidean", at=0.9)
    second = representative_loop(points, [1, np.sqrt(3)], metric="euclidean", at=0.9)
    assert sorted(set((first % 10).tolist())) == [0, 1, 2, 3]
    assert sorted(set((second % 10).tolist())) == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("bar", "at", "said"),
    [
        ([1, np.sqrt(2)], 1, "at is 1; expected 0 or more, and less than 1"),
        ([1, np.sqrt(2)], -0.1, "at is -0.1"),
        ([1, np.sqrt(2)], np.nan, "at is nan"),
        ([1, np.inf], 0.9, "at is 0.9, but bar has no finite death"),
        ([1, 3], 0.9, "bar dies before its given death"),
    ],
)
def test_an_unusable_share_or_death_is_named(bar, at, said):
    with pytest.raises(ValueError, match=said):
        representative_loop(SQUARE, bar, metric="euclidean", at=at)


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
