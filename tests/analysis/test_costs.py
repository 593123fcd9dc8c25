"""Estimates look at the distances, count what is kept, and refuse what would not end."""

import logging
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest

from topores.analysis import costs, memory
from topores.analysis.cells import Protocol
from topores.analysis.nulls import _ground
from topores.analysis.nulls._ground import Draw
from topores.analysis.sources import ArraySource
from topores.errors import ResourceError


def protocol(**changed: int) -> Protocol:
    usual = {"max_degree": 1, "max_points": 5000, "subsamples": 20, "subsample_size": 500, "resamples": 0, "seed": 0}
    return Protocol("angle", **{**usual, **changed})


def source(folder: Path, rows: np.ndarray, states: int = 2) -> ArraySource:
    np.save(folder / "a.npy", rows)
    return ArraySource([folder / "a.npy"] * states)


@pytest.fixture
def sphere() -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(560, 384))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.slow
def test_what_would_not_end_is_refused_with_a_plan(
    tmp_path: Path, sphere: np.ndarray, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # As if 3,000 points of the sphere were there, of which the first 560 are tried.
    own = source(tmp_path, np.vstack([sphere] * 6), states=12)
    with pytest.raises(ResourceError, match=r"would take about .* would fit. Lower --max-points"):
        costs.announce_time(own, protocol(), 1, sphere, force=False)
    with caplog.at_level(logging.INFO, logger="topores"):
        costs.announce_time(own, protocol(), 1, sphere, force=True)
    assert "Homology of 12 clouds will take about" in caplog.text
    monkeypatch.setattr(costs, "MOST_SECONDS", 1e9)
    costs.announce_time(own, protocol(), 1, sphere, force=False)


def test_small_clouds_are_not_tried(tmp_path: Path, sphere: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "trial", lambda *_, **__: pytest.fail("tried"))
    costs.announce_time(source(tmp_path, sphere[:150]), protocol(), 1, sphere[:150], force=False)


def test_kept_rows_and_rtd_are_counted(tmp_path: Path, sphere: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    one, many = (source(tmp_path, sphere, states) for states in (1, 14))
    assert memory.kept_bytes(many, 14, 384) == 14 * memory.kept_bytes(one, 1, 384) == 14 * 560 * 384 * (4 + 8)
    assert memory.rtd_bytes(one, protocol()) == 0
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    # Two at once, each of the two clouds' distances, of both doubled, and of their copies.
    assert memory.rtd_bytes(many, protocol()) == 2 * 200 * 560**2
    found = memory.needed_memory(many, protocol(), 1, 384)
    assert found.rows == 3 * 8 * 384 * 560 + 2**27
    needed = found.total
    monkeypatch.setattr(costs, "available_memory", lambda: 0.9 * needed)
    with pytest.raises(ResourceError, match=r"An analysis of 14 states like these needs about .* \(rows .*, kept for"):
        costs.announce(many, protocol(), "last", force=False)
    costs.announce(many, protocol(), "last", force=True)
    monkeypatch.setattr(costs, "available_memory", lambda: 1.1 * needed)
    costs.announce(many, protocol(), "last", force=False)


def test_wide_rows_and_many_layers_are_counted_when_they_are_known(
    tmp_path: Path, sphere: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = source(tmp_path, sphere, states=3)
    few, many = (memory.needed_memory(own, protocol(), layers, 4096) for layers in (1, 30))
    assert many.rows - few.rows == 29 * 3 * 8 * 4096 * 560
    monkeypatch.setattr(costs, "available_memory", lambda: many.total / 2)
    costs.announce_time(own, protocol(), 1, np.zeros((560, 384)) + 1, force=True)
    with pytest.raises(ResourceError, match="An analysis of 3 states like these needs about"):
        costs.announce_time(own, protocol(), 30, np.ones((560, 4096)), force=False)


def test_draws_of_a_null_are_measured_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def draws() -> Iterator[Draw]:
        for number in range(5):
            made.append(number)
            yield Draw(number, 0, {"union": np.ones((10, 8))}, twin={"union": np.ones((10, 8))})

    monkeypatch.setattr(_ground, "DRAWN_AT_ONCE", 2 * 2 * 10 * 8 * 8)
    batches, held = _ground._batches(draws()), []
    for batch in batches:
        held.append(([draw.replicate for draw in batch], len(made)))
    # No more than one draw is made before the batch before it is measured.
    assert held == [([0, 1], 3), ([2, 3], 5), ([4], 5)]
