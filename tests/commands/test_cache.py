"""What `topores cache` finds, removes and says."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from topores.commands.cache import in_words, run_cache, summary
from topores.compute.cache import Cache
from topores.compute.keys import digest
from topores.errors import UsageError

DAY = 86400


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Four results of some 2 KB, unused for 0, 10, 20 and 40 days."""
    cache = Cache(tmp_path / "kept")
    for days in (0, 10, 20, 40):
        key = digest(days=days)
        cache.put(key, {"x": np.zeros(250)})
        then = time.time() - days * DAY
        os.utime(cache.folder / key[:2] / f"{key[2:]}.result", (then, then))
    return cache.folder


def test_it_counts_and_removes_nothing_unasked(filled: Path) -> None:
    report = run_cache(folder=filled)
    assert report.removed is None
    assert report.kept.entries == 4
    assert report.kept.bytes == sum(path.stat().st_size for path in filled.rglob("*.result"))
    assert in_words(report) == f"{filled}: 4 results, {report.kept.bytes / 1000:.1f} KB"


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({}, 3),  # unused for 30 days
        ({"older_than": "15"}, 2),
        ({"older_than": 0}, 0),
        ({"larger_than": "5KB"}, 2),
        ({"larger_than": "5 kib", "older_than": "5"}, 1),
        ({"larger_than": 0}, 0),
        ({"larger_than": "1GB"}, 4),
    ],
)
def test_pruning_keeps_what_was_used_last_and_says_what_it_freed(filled: Path, limits: dict, left: int) -> None:
    before = run_cache(folder=filled).kept
    report = run_cache(True, **limits, folder=filled)
    assert report.kept.entries == left
    assert report.removed is not None
    assert report.removed.entries == 4 - left
    assert report.removed.bytes == before.bytes - report.kept.bytes
    assert in_words(report).startswith(f"Removed {4 - left} result{'' if left == 3 else 's'}, ")
    assert summary(report) == {
        "folder": str(filled), "results": left, "bytes": report.kept.bytes,
        "removed": 4 - left, "freed_bytes": report.removed.bytes,
    }  # fmt: skip


def test_a_folder_that_is_not_there_is_an_empty_cache(tmp_path: Path) -> None:
    report = run_cache(True, folder=tmp_path / "none")
    assert in_words(report) == f"Removed 0 results, 0 B.\n{tmp_path / 'none'}: 0 results, 0 B"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prune": True, "older_than": "-1"}, "--older-than is '-1'"),
        ({"prune": True, "older_than": "nan"}, "--older-than is 'nan'"),
        ({"prune": True, "larger_than": "2 hours"}, "--larger-than is '2 hours'"),
        ({"prune": True, "larger_than": "1.2.3GB", "older_than": "x"}, "--older-than is 'x'.*--larger-than is '1.2.3"),
        ({"prune": False, "older_than": "3"}, "add --prune"),
    ],
)
def test_limits_that_cannot_be_are_one_line(filled: Path, options: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run_cache(**options, folder=filled)
    assert run_cache(folder=filled).kept.entries == 4
