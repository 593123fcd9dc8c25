"""Loops followed through the states of an analysis: a planted ring opens, and its points are the passages around it."""

from pathlib import Path

import numpy as np
import pytest

from topores import analyse
from topores.analysis.tracks import _kept_tracks
from topores.domain import Analysis

RING = 24
OTHERS = 30


def rows(radius: float, seed: int = 0) -> np.ndarray:
    """A ring in the first two columns, others far from it and from each other; row i is one point in all states."""
    draw = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, RING, endpoint=False)
    ring = np.zeros((RING, 40))
    ring[:, 0], ring[:, 1], ring[:, 2] = radius * np.cos(turn), radius * np.sin(turn), 1.0
    others = 0.05 * draw.normal(size=(OTHERS, 40))
    others[:, 3:] += draw.normal(size=(OTHERS, 37))
    return np.concatenate([ring, others])


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """The ring opens from almost a point, and closes again."""
    folder = tmp_path_factory.mktemp("states")
    for place, radius in enumerate((0.01, 0.3, 0.9, 0.3)):
        np.save(folder / f"{place}.npy", rows(radius))
    return analyse(*sorted(folder.glob("*.npy")), nulls="none", cache="none")


def test_the_ring_is_the_longest_track_and_is_longest_where_it_is_widest(analysis: Analysis) -> None:
    track = analysis.tracks[0]
    lengths = [0.0 if b is None or d is None else d - b for b, d in zip(track.births, track.deaths, strict=True)]
    assert max(lengths) == lengths[2] > 2 * lengths[1] > 0
    assert lengths[0] < 0.05
    assert set(track.members[2]) <= set(range(RING))
    assert len(track.members[2]) > RING / 2
    assert track.sure[1:] == (True, True)
    assert track.layers == (0,)
    assert track.stability is not None
    assert track.stability > 0.5


def test_bars_and_places_are_those_of_the_diagrams(analysis: Analysis) -> None:
    assert 1 <= len(analysis.tracks) <= 6
    for track in analysis.tracks:
        assert len(track.births) == len(track.members) == len(analysis.states) == len(track.sure) + 1
        for state, birth, death, members in zip(
            analysis.states, track.births, track.deaths, track.members, strict=True
        ):
            bars = analysis.diagrams[state.cycle, 0, "union", 1].tolist()
            assert (birth is None) == (death is None) == (not members)
            assert birth is None or [birth, death] in bars


def test_one_state_has_no_tracks(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows(0.9))
    assert analyse(tmp_path / "x.npy", nulls="none", cache="none").tracks == ()


@pytest.mark.slow
def test_a_short_loop_beyond_chance_is_followed_though_others_are_longer(tmp_path: Path) -> None:
    """A ring of radius .1 among points in all directions: long bars are chance there, and its own is not."""
    draw = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.zeros((40, 30))
    ring[:, 0], ring[:, 1], ring[:, 2] = 0.1 * np.cos(turn), 0.1 * np.sin(turn), 1.0
    points = np.concatenate([ring, draw.normal(size=(160, 30))])
    for place in range(2):
        np.save(tmp_path / f"{place}.npy", points + 1e-4 * place)
    found = analyse(*sorted(tmp_path.glob("*.npy")), nulls="none", cache="none")
    sure = [track for track in found.tracks if track.p is not None and track.p < 0.05]
    assert [set(track.members[0]) <= set(range(40)) for track in sure] == [True]
    assert len(found.tracks) == 6
    assert sure[0] is found.tracks[-1]


def test_which_tracks_are_kept() -> None:
    assert _kept_tracks([]) == []
    assert _kept_tracks([1.0] * 9) == [0, 1, 2, 3, 4, 5]
    assert _kept_tracks([1.0] * 7 + [0.01, 1.0, 0.02]) == [0, 1, 2, 3, 7, 9]
    assert _kept_tracks([0.04] * 4 + [0.01] * 12) == list(range(4, 16))
