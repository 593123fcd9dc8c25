"""What the report's map is drawn from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from topores.analysis import maps
from topores.analysis.analyse import analyse_source
from topores.analysis.opening import open_source
from topores.analysis.store import read_results, write_results
from topores.config import TopologyConfig
from topores.domain import Analysis
from topores.topology import pairwise_distances, representative_loop


def analysed(folder: Path, *states: np.ndarray, **options: object) -> Analysis:
    paths = []
    for number, state in enumerate(states):
        paths.append(folder / f"state{number}.npy")
        np.save(paths[-1], state)
    config = TopologyConfig(checkpoint=tuple(map(str, paths)), nulls="none", **options)
    return analyse_source(open_source(config), config, cache=None)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """A ring of 24 points that is turned, then squeezed."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.column_stack([np.cos(turn), np.sin(turn), np.full(24, 0.5)])
    return analysed(tmp_path_factory.mktemp("ring"), points, points[:, [2, 0, 1]], points * [1, 0.5, 1])


def test_a_turn_moves_nothing_on_the_map_and_a_squeeze_does(ring: Analysis) -> None:
    (one,) = ring.maps
    assert one.rows.tolist() == list(range(24))
    np.testing.assert_allclose(one.places[1], one.places[0], atol=1e-5)
    assert np.abs(one.places[2] - one.places[0]).max() > 0.1


def test_the_longest_bar_of_each_state_has_its_passages(ring: Analysis) -> None:
    for state in ring.states:
        (longest, *_) = ring.outlines[state.cycle, 0, "union"]
        bars = ring.diagrams[state.cycle, 0, "union", 1]
        assert longest.death - longest.birth == pytest.approx((bars[:, 1] - bars[:, 0]).max())
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.column_stack([np.cos(turn), np.sin(turn), np.full(24, 0.5)])
    first = ring.outlines[0, 0, "union"][0]
    wanted = representative_loop(pairwise_distances(points), (first.birth, first.death), metric="precomputed")
    assert set(first.members) == set(wanted.tolist())


def test_without_two_texts_neighbours_are_those_of_all(ring: Analysis) -> None:
    near = ring.neighbours
    assert near is not None
    assert set(near.nearest[0, 5, :2].tolist()) == {4, 6}
    points = np.array([[1, 0, 0.5], [np.cos(np.pi / 12), np.sin(np.pi / 12), 0.5]])
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert near.distances[0, 5, 0] == pytest.approx(np.arccos(unit[0] @ unit[1]), rel=1e-5)


def test_neighbours_of_two_texts_are_of_the_other_one() -> None:
    rows = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    nearest, distances = maps._nearest(rows, np.array([0, 0, 1, 1]), "angle")
    assert nearest.tolist() == [[3, 2, -1], [3, 2, -1], [1, 0, -1], [1, 0, -1]]
    assert np.isnan(distances[:, 2]).all()
    assert distances[0, 0] == pytest.approx(np.arccos(rows[0] @ rows[3]), rel=1e-5)


def test_a_large_cloud_is_drawn_by_some_of_its_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST_ROWS", 10)
    monkeypatch.setattr(maps, "MOST_NEIGHBOURS", 15)
    rng = np.random.default_rng(0)
    found = analysed(tmp_path, *rng.normal(size=(3, 40, 5)))
    (one,) = found.maps
    assert len(one.rows) == len(set(one.rows.tolist())) == 10
    assert one.places.shape == (3, 10, 2)
    assert found.neighbours is not None
    assert found.neighbours.states.tolist() == [0, 2]


def test_maps_come_back_from_the_folder(ring: Analysis, tmp_path: Path) -> None:
    write_results(ring, tmp_path)
    back = read_results(tmp_path, None)
    for wanted, got in zip(ring.maps, back.maps, strict=True):
        for name, value in dataclasses.asdict(wanted).items():
            np.testing.assert_array_equal(getattr(got, name), value)
    assert back.outlines == ring.outlines
    assert back.neighbours is not None
    assert ring.neighbours is not None
    np.testing.assert_array_equal(back.neighbours.nearest, ring.neighbours.nearest)
    np.testing.assert_array_equal(back.neighbours.distances, ring.neighbours.distances)
