"""A run folder: its metrics have neither gaps nor repeats nor damage, and nothing of a former run is left in it."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from topores.errors import ResourceError, RunError
from topores.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path)
    for cycle in range(4):
        # No decimal fraction of base 2: it must come back as it was.
        run.append_metrics({"cycle": cycle, "loss": 0.1 + cycle / 3, "name": "текст"})
    return run


def test_metrics_are_read_as_they_were_written(run: Run) -> None:
    assert [(line["cycle"], line["loss"]) for line in run.metrics] == [(c, 0.1 + c / 3) for c in range(4)]
    assert Run(run.folder / "nothing").metrics == []


def test_a_line_is_on_the_disk_before_the_next_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_size))
    run.append_metrics({"cycle": 4})
    assert flushed == [(run.folder / "metrics.jsonl").stat().st_size]


def test_lines_after_a_cycle_are_dropped_and_the_others_keep_their_bytes(run: Run) -> None:
    before = (run.folder / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    run.keep_metrics_until(2)
    assert (run.folder / "metrics.jsonl").read_bytes() == b"".join(before[:3])
    run.append_metrics({"cycle": 3, "loss": 1.0})
    assert [line["cycle"] for line in run.metrics] == [0, 1, 2, 3]
    run.keep_metrics_until(-1)
    assert run.metrics == []


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_cut_short_is_no_line_and_nothing_is_added_to_it(run: Run, cut: int) -> None:
    path = run.folder / "metrics.jsonl"
    os.truncate(path, path.stat().st_size - cut)
    assert [line["cycle"] for line in run.metrics] == [0, 1, 2]
    run.keep_metrics_until(2)
    run.append_metrics({"cycle": 3})
    assert [line["cycle"] for line in run.metrics] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "line", [b"{]", b"[]", b"null", b"3", b'"x"', b'{"loss": 1}', b'{"cycle": "1"}', b"\xff\xfe", b""]
)
def test_a_damaged_line_is_said_in_one_line(run: Run, line: bytes) -> None:
    path = run.folder / "metrics.jsonl"
    path.write_bytes(line + b"\n" + path.read_bytes())
    for read in (lambda: run.metrics, lambda: run.keep_metrics_until(3)):
        with pytest.raises(RunError, match=r"metrics\.jsonl' is damaged \(.*\); train the run again") as fault:
            read()
        assert "\n" not in str(fault.value)


def test_nothing_of_a_former_run_is_left(run: Run) -> None:
    for name in ("run.json", "checkpoints/cycle-000000000001/model", "state/step-1/x", "topology/y/z"):
        (run.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (run.folder / name).write_text("", encoding="utf-8")
    run.clear()
    assert list(run.folder.iterdir()) == []


def test_what_cannot_be_removed_is_not_taken_for_the_new_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.checkpoint_path(7).mkdir(parents=True)

    def refuse(*_: object, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(ResourceError, match="cannot be written"):
        run.clear()


def test_what_a_killed_writer_left_is_cleared_by_the_next_one(run: Run) -> None:
    half = [run.checkpoint_path(3), run.folder / "state" / "step-000000000000009", run.folder / "run.json"]
    for path in half:
        (path.parent / f".{path.name}.abcd1234.aside" / path.name).mkdir(parents=True)
    moved = run.folder / "checkpoints" / ".cycle-000000000002.abcd1234.aside"
    (moved / "replaced" / "weights").mkdir(parents=True)
    (moved / "cycle-000000000002" / "half").mkdir(parents=True)
    assert list(run.checkpoints) == []
    with run.written_by_us_alone():
        assert list(run.checkpoints) == [2]
        assert [p.name for p in run.checkpoints[2].iterdir()] == ["weights"]
    assert [p.name for p in run.folder.rglob("*.aside")] == []


def test_a_second_writer_clears_nothing(run: Run) -> None:
    writing = run.folder / "state" / ".step-000000000000009.abcd1234.aside"
    with run.written_by_us_alone():
        writing.mkdir(parents=True)
        with pytest.raises(RunError, match="Another process is writing"), run.written_by_us_alone():
            pass
        assert writing.is_dir()
