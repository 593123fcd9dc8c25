"""Estimates look at the distances, count what is kept, and refuse what would not end."""

import logging
from pathlib import Path

import numpy as np
import pytest

from topores.analysis import costs
from topores.analysis.cells import Protocol
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
    with caplog.at_level(logging.INFO):
        costs.announce_time(own, protocol(), 1, sphere, force=True)
    assert "Homology of 12 clouds will take about" in caplog.text
    monkeypatch.setattr(costs, "MOST_SECONDS", 1e9)
    costs.announce_time(own, protocol(), 1, sphere, force=False)


def test_small_clouds_are_not_tried(tmp_path: Path, sphere: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "trial", lambda *_, **__: pytest.fail("tried"))
    costs.announce_time(source(tmp_path, sphere[:150]), protocol(), 1, sphere[:150], force=False)


def test_kept_rows_and_rtd_are_counted(tmp_path: Path, sphere: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    one, many = (source(tmp_path, sphere, states) for states in (1, 14))
    assert costs.kept_bytes(many, "last") == 14 * costs.kept_bytes(one, "last") == 14 * 560 * 384 * (4 + 8)
    assert costs.rtd_bytes(one, protocol()) == 0
    assert costs.rtd_bytes(many, protocol()) > 1e7
    needed = costs.kept_bytes(many, "last") + costs.rtd_bytes(many, protocol())
    monkeypatch.setattr(costs, "available_memory", lambda: 0.9 * needed)
    with pytest.raises(ResourceError, match="Maps, tracks and RTD of 14 states need about"):
        costs.announce(many, protocol(), "last", force=False)
    costs.announce(many, protocol(), "last", force=True)
    monkeypatch.setattr(costs, "available_memory", lambda: 1.1 * needed)
    costs.announce(many, protocol(), "last", force=False)
