"""Killed anywhere, a run that is resumed ends with the bits of the run that was never stopped."""

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from topores.runs import Run, is_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and reads /proc"),
]

KILLED, STOPPED = -signal.SIGKILL, -signal.SIGSTOP

START = [
    ("os.rename .passages.parquet.aside/passages.parquet", 1),
    ("os.rename .run.json.aside/run.json", 1),
    ("os.rename checkpoints/.cycle-N.aside/cycle-N", 1),
    ("open metrics.jsonl a", 1),
    ("os.mkdir state/.step-N.aside", 1),
    ("os.rename state/.step-N.aside/step-N", 1),
]
"""Steps of writing before the first state stands, in their order; each is about to happen, for the n-th time."""

LINE_OF_1 = ("open metrics.jsonl a", 2)
STATE_OF_1 = ("os.mkdir state/.step-N.aside", 2)
"""Checkpoint and line of cycle 1 stand: a run that is resumed here writes them again."""

RESUMED = [
    ("os.rename .metrics.jsonl.aside/metrics.jsonl", 1),
    ("open checkpoints/.cycle-N.aside/cycle-N/model.safetensors r+", 1),
    ("os.rename checkpoints/cycle-N", 1),
    ("os.rename checkpoints/.cycle-N.aside/cycle-N", 1),
    ("shutil.rmtree checkpoints/.cycle-N.aside", 1),
    ("open metrics.jsonl a", 1),
    ("open state/.step-N.aside/step-N/progress.json w", 1),
    ("os.rename state/.step-N.aside/step-N", 1),
    ("shutil.rmtree state/.step-N.aside", 1),
    ("shutil.rmtree state/step-N", 1),
    ("os.remove state/step-N/progress.json", 1),
]
"""Steps of writing of a run that is resumed there, and again after each of them."""


class Processes:
    """Training processes on two tiny texts; the first run, `whole`, is never stopped."""

    def __init__(self, options: dict[str, Any], folder: Path) -> None:
        self.folder, self.options, self.whole = folder, options, Run(folder / "whole")
        self.said, self.points = folder / "said.txt", folder / "points.txt"
        # One thread, and no bars: the first is what a fork needs.
        alone = {"OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false", "TQDM_DISABLE": "1"}
        self.server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("training_processes.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **alone},
        )  # fmt: skip
        assert self._ask({"arguments": self.start(self.whole.folder)}) == "0"

    def start(self, folder: Path, **changes: Any) -> list[str]:
        """Arguments that start a run in `folder`."""
        options = {**self.options, "output": folder, **changes}
        texts = [str(options.pop(name)) for name in ("article", "meta_analysis")]
        return texts + [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]

    def begin(self, folder: Path, arguments: list[str] | None = None, **how: Any) -> int:
        """A process that resumes the run in `folder`, or starts it where there is none."""
        if arguments is None:
            arguments = ["--resume", f"--output={folder}"] if is_run(folder) else self.start(folder)
        places = {"folder": str(folder), "said": str(self.said), "points": str(self.points)}
        return int(self._ask({"arguments": arguments, **places, **how}))

    def end(self, process: int) -> int:
        """The exit code of a process, or less than 0: its signal."""
        return int(self._ask({"wait": process}))

    def run(self, folder: Path, arguments: list[str] | None = None, **how: Any) -> int:
        return self.end(self.begin(folder, arguments, **how))

    def lines(self) -> list[str]:
        """What the last process said."""
        return self.said.read_text(encoding="utf-8").splitlines()

    def finish(self, folder: Path) -> None:
        """Let the run go on to its end, and see that nothing tells it from the run that was never stopped."""
        assert self.run(folder) == 0, self.said.read_text(encoding="utf-8")
        assert_same(Run(folder), self.whole)

    def _ask(self, order: dict[str, Any]) -> str:
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return self.server.stdout.readline().strip()


@pytest.fixture(scope="module")
def processes(tiny_options: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    few = {"cycles": 3, "batch_size": 16, "checkpoints": "every:1"}
    served = Processes({**tiny_options, **few}, tmp_path_factory.mktemp("crashes").resolve())
    yield served
    served.server.kill()
    served.server.communicate()


def contents(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """Hash of each file below a folder."""
    files = (path for path in folder.glob(pattern) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def without_time(run: Run) -> list[dict]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in run.metrics]


def assert_same(run: Run, whole: Run) -> None:
    assert contents(run.folder / "checkpoints") == contents(whole.folder / "checkpoints")
    assert list(run.checkpoints) == list(whole.checkpoints)
    assert without_time(run) == without_time(whole)
    for name in ("passages.parquet", "pairs.parquet"):
        assert contents(run.folder)[name] == contents(whole.folder)[name]
    newest, expected = (max((r.folder / "state").iterdir()) for r in (run, whole))
    assert newest.name == expected.name
    for name in ("weights.safetensors", "optimizer.safetensors"):
        assert contents(newest)[name] == contents(expected)[name]
    hidden = [path.name for path in run.folder.rglob(".*")]
    assert hidden in ([], [".lock"])


def test_killed_at_twenty_random_moments(processes: Processes, tmp_path: Path) -> None:
    draw, killed, folder = random.Random(0), 0, tmp_path / "run"
    began = time.monotonic()
    assert processes.run(folder) == 0
    whole_life = time.monotonic() - began
    shutil.rmtree(folder)
    while killed < 20:
        # Every other process saves its state after each step, so that it is resumed within a cycle too.
        process = processes.begin(folder, state_every=120 * draw.randint(0, 1))
        time.sleep(draw.uniform(0, whole_life))
        os.kill(process, signal.SIGKILL)
        ended = processes.end(process)
        if ended == KILLED:
            killed += 1
        else:
            assert ended == 0, processes.lines()
            assert_same(Run(folder), processes.whole)
            shutil.rmtree(folder)
    processes.finish(folder)


def test_killed_at_each_step_of_writing(processes: Processes, tmp_path: Path) -> None:
    """One run, killed at one step after the other; whatever stands is whole all the time."""
    folder = tmp_path / "run"
    for at in (*START, STATE_OF_1, *RESUMED):
        assert processes.run(folder, at=at) == KILLED, (at, processes.lines())
        assert_all_whole(Run(folder), processes.whole)
    processes.finish(folder)


def test_killed_at_any_step_of_writing_it_ends_the_same(processes: Processes, tmp_path: Path) -> None:
    """Each step for itself: killed there, then never again."""
    stood, folder = tmp_path / "stood" / "run", tmp_path / "run"
    assert processes.run(stood, at=STATE_OF_1) == KILLED
    shutil.copytree(stood, folder)
    processes.finish(folder)
    points = dict.fromkeys(processes.points.read_text(encoding="utf-8").splitlines())
    chosen = [p for p in points if "cycle-N/" not in p or "model.safetensors" in p or "tokenizer.json" in p]
    assert {point for point, _ in RESUMED} <= set(chosen)
    for point in chosen:
        shutil.rmtree(folder)
        shutil.copytree(stood, folder)
        assert processes.run(folder, at=(point, 1)) == KILLED, point
        processes.finish(folder)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fails_at_each_step_of_writing(processes: Processes, tmp_path: Path, number: int) -> None:
    folder = tmp_path / "run"
    assert processes.run(folder, at=STATE_OF_1) == KILLED
    # Half of the steps for each fault.
    for at in RESUMED[number == errno.EROFS :: 2]:
        before = contents(folder / "checkpoints", "cycle-*/**/*")
        assert processes.run(folder, at=at, then=-number) == 5, (at, processes.lines())
        assert processes.lines()[-1].startswith("topores: ")
        assert "Traceback" not in processes.said.read_text(encoding="utf-8")
        assert before.items() <= contents(folder / "checkpoints").items(), at
        assert_all_whole(Run(folder), processes.whole)
    processes.finish(folder)


def test_a_disk_that_is_full_in_the_middle_of_a_file(processes: Processes, tmp_path: Path) -> None:
    """The writer of tensors has errors of its own; the state before stays, and no part of the new one."""
    folder = tmp_path / "run"
    size = max(path.stat().st_size for path in processes.whole.folder.rglob("optimizer.safetensors"))
    assert processes.run(folder, file_limit=size - 1) == 5
    assert processes.lines()[-1].startswith("topores: '")
    assert "cannot be written (file too large)" in processes.lines()[-1]
    assert [path.name for path in (folder / "state").iterdir()] == ["step-000000000000000"]
    processes.finish(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with room for a few checkpoints."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", place], check=False).returncode
    ):
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_small_disk_that_fills_up_and_one_that_is_read_only(processes: Processes, small_disk: Path) -> None:
    folder = small_disk / "run"
    assert processes.run(folder) == 5
    assert processes.lines()[-1].startswith(f"topores: The disk that holds '{folder}/")
    assert_all_whole(Run(folder), processes.whole)
    assert [path for path in folder.rglob(".*") if path.name != ".lock"] == []

    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    before = contents(folder)
    assert processes.run(folder) == 5
    assert "cannot be written (read-only file system)" in processes.lines()[-1]
    assert contents(folder) == before

    subprocess.run(["mount", "-o", "remount,rw,size=20m", small_disk], check=True)
    processes.finish(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_with_130(processes: Processes, tmp_path: Path, number: int) -> None:
    folder = tmp_path / "run"
    process = processes.begin(folder, at=LINE_OF_1, then=signal.SIGSTOP)
    assert processes.end(process) == STOPPED
    os.kill(process, number)
    os.kill(process, signal.SIGCONT)
    assert processes.end(process) == 130
    assert processes.lines()[-1] == "topores: Stopped in cycle 2 of 3 and saved; continue with --resume."
    processes.finish(folder)


def test_one_run_has_one_writer(processes: Processes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = processes.begin(folder, at=LINE_OF_1, then=signal.SIGSTOP)
    assert processes.end(first) == STOPPED
    before = contents(folder)
    for arguments in (None, [*processes.start(folder), "--force"], ["--resume", f"--output={folder}", "--cycles=9"]):
        assert processes.run(folder, arguments) == 4
        assert processes.lines()[-1].startswith(f"topores: Another process is writing to '{folder}'; ")
    assert contents(folder) == before
    os.kill(first, signal.SIGCONT)
    assert processes.end(first) == 0
    assert_same(Run(folder), processes.whole)


def test_resume_reads_no_pickle(processes: Processes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert processes.run(folder, at=STATE_OF_1) == KILLED
    assert processes.run(folder, no_pickle=True) == 0, processes.lines()
    assert_same(Run(folder), processes.whole)


def test_a_damaged_newest_state_and_then_both(processes: Processes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert processes.run(folder, at=("open metrics.jsonl a", 3)) == KILLED
    older, newest = sorted((folder / "state").glob("step-*"))
    _cut_short(newest / "weights.safetensors")
    spare = shutil.copytree(folder, tmp_path / "spare")
    processes.finish(folder)

    _cut_short(spare / "state" / older.name / "optimizer.safetensors")
    before = contents(spare)
    assert processes.run(spare) == 4
    assert len(processes.lines()) == 1
    assert processes.lines()[0].startswith(f"topores: '{spare}/state' has no readable state (")
    assert contents(spare) == before


def test_a_state_that_counts_on_lines_that_were_lost_is_passed_over(processes: Processes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert processes.run(folder, at=("open metrics.jsonl a", 3)) == KILLED
    metrics = folder / "metrics.jsonl"
    _cut_short(metrics)
    assert [line["cycle"] for line in Run(folder).metrics] == [0]
    process = processes.begin(folder)
    assert processes.end(process) == 0
    assert any("metrics.jsonl holds 1 of the 2 lines" in line for line in processes.lines())
    assert_same(Run(folder), processes.whole)


def assert_all_whole(run: Run, whole: Run) -> None:
    """What stands of a run is as in the run that was never stopped, and its newest state can be gone on from."""
    assert (
        contents(run.folder / "checkpoints", "cycle-*/**/*").items() <= contents(whole.folder / "checkpoints").items()
    )
    assert without_time(run) == without_time(whole)[: len(run.metrics)]


def _cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 5)
