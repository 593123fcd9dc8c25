"""Loops followed through the states of an analysis: a planted ring opens, and its points are the passages around it."""

from pathlib import Path

import numpy as np
import pytest

from topores import analyse
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
