"""Planted rings, or none, through the whole analysis: what the verdict says of loops."""

from pathlib import Path

import numpy as np
import pytest

from topores import analyse
from topores.domain import Analysis


def ring(points: int, columns: int = 6) -> np.ndarray:
    turn = 2 * np.pi * np.arange(points) / points
    rows = np.zeros((points, columns))
    rows[:, 0], rows[:, 1], rows[:, 2] = np.cos(turn), np.sin(turn), 1.0
    return rows


def scattered(points: int, columns: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(points, columns))


def analysed(folder: Path, *states: np.ndarray) -> Analysis:
    for place, rows in enumerate(states):
        np.save(folder / f"{place:02d}.npy", rows)
    return analyse(*sorted(folder.glob("*.npy")), nulls="none", cache="none")


def said(folder: Path, *states: np.ndarray) -> str:
    return analysed(folder, *states).verdict.sentence


def test_a_perfect_ring_of_sixty_is_found(tmp_path: Path) -> None:
    verdict = analysed(tmp_path, ring(60)).verdict
    assert "1 loop is longer than chance would produce (p = " in verdict.sentence
    assert verdict.headline == "One state; 1 significant loop"


def test_two_perfect_rings_are_found(tmp_path: Path) -> None:
    rows = np.zeros((120, 6))
    rows[:60, :2] = rows[60:, 2:4] = ring(60)[:, :2]
    rows[:60, 4] = rows[60:, 5] = 1
    assert "2 loops are longer than chance would produce (p = " in said(tmp_path, rows)


def test_a_ring_of_seven_is_not_denied_and_its_order_is_seen(tmp_path: Path) -> None:
    verdict = analysed(tmp_path, ring(7)).verdict
    assert "this test could not see a loop among so few passages (7; " in verdict.sentence
    assert "in their given order the passages lie around a ring (neighbours " in verdict.sentence
    assert "no loop" not in verdict.sentence
    assert verdict.headline == "One state; a loop could not be seen"
    order = next(claim for claim in verdict.claims if claim.null_of == "orders")
    assert order.p == pytest.approx(1 / 360)
    assert order.value < order.null


def test_what_would_count_is_told_where_no_loop_is_found(tmp_path: Path) -> None:
    found = analysed(tmp_path, scattered(80))
    assert "no loop is longer than chance would produce (p = " in found.verdict.sentence
    assert " would count)" in found.verdict.sentence
    best = min(found.loops, key=lambda loop: loop.p)
    assert best.visible is not None
    assert best.death / best.birth < best.visible
    assert not best.blind


def test_rows_in_a_random_order_are_in_no_order(tmp_path: Path) -> None:
    assert "their given order is not nearer to a ring than a random one (neighbours " in said(tmp_path, scattered(20))


def test_no_bar_is_no_loop(tmp_path: Path) -> None:
    assert "no loop forms at any distance" in said(tmp_path, np.eye(6))


def test_the_last_state_is_asked_alone_however_many_others_are_kept(tmp_path: Path) -> None:
    """The same last state has the same p after one other state and after five."""
    few, many = tmp_path / "few", tmp_path / "many"
    last = ring(60) + 0.16 * scattered(60)
    p = []
    for folder, others in ((few, 1), (many, 5)):
        folder.mkdir()
        found = analysed(folder, *[scattered(60, seed=seed) for seed in range(others)], last)
        p.append(min(loop.p for loop in found.loops if loop.cycle == found.last.cycle))
        assert "1 loop is longer than chance would produce (p = " in found.verdict.sentence
    assert p[0] == p[1] < 0.05


def test_a_loop_that_came_and_went_is_told(tmp_path: Path) -> None:
    ends = scattered(60)
    found = analysed(tmp_path, ends, scattered(60, seed=1), ring(60), ends).verdict
    assert "every passage is back where it was, though not in between: 01.npy is furthest away" in found.sentence
    assert "in between there was a loop, at 02.npy (p = " in found.sentence
    assert "corrected over 2 states)" in found.sentence
    assert found.headline == "Back where it began"
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = said(other, ends, ring(60), scattered(60, seed=1))
    assert "in between there was a loop, at 01.npy (p = " in elsewhere


def test_no_loop_between_is_no_words(tmp_path: Path) -> None:
    found = analysed(tmp_path, *[scattered(40, seed=seed) for seed in range(3)]).verdict
    assert "in between" not in found.sentence
    claim = next(
        c for c in found.claims if c.what == "smallest p of a loop between the first and the last state, over 1 states"
    )
    assert claim.p > 0.05
