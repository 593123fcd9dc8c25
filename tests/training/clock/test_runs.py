"""Runs of the clock: measurements, the exact cycle, and bit-exact resume from files."""

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from topores.errors import RunError
from topores.training.clock import runs
from topores.training.clock.kernel import compile_cycles
from topores.training.clock.runs import ClockRun, Setting, advance, new_run, read_run, write_run
from topores.training.clock.vectors import margin

MARGIN = 0.9 * (1 + 1 / 7)


def setting(temperature: float = 0.2, seed: int = 88, loss: str = "infonce") -> Setting:
    return Setting(loss, temperature, 8, 8, seed, MARGIN)


def to(run: ClockRun, cycles: int, *, to_the_end: bool = False) -> ClockRun:
    for _ in advance(run, cycles, to_the_end=to_the_end):
        pass
    return run


def test_the_first_cycle_with_the_margin_is_the_one_that_is_named() -> None:
    run = to(new_run(setting()), 10**6)
    one_by_one, cycle = new_run(setting()).vectors, 0
    while margin(one_by_one) < MARGIN:
        compile_cycles(8, 8, "infonce")(one_by_one, 0.2, 1)
        cycle += 1
    assert run.reached == run.cycle == cycle
    assert np.array_equal(run.vectors, one_by_one)


@pytest.mark.parametrize(("temperature", "published"), [(0.2, 303), (0.15, 1178), (0.12, 5246), (0.1, 24_772)])
def test_published_counts(temperature: float, published: int) -> None:
    assert to(new_run(setting(temperature)), 10**6).reached == pytest.approx(published, rel=0.05)


def test_decoupled_does_not_freeze() -> None:
    assert to(new_run(setting(0.05, loss="decoupled")), 1000).reached in range(15, 31)


def test_looks_are_at_one_two_five_with_the_hash_of_the_vectors() -> None:
    run = to(new_run(setting()), 700, to_the_end=True)
    at = [look["cycle"] for look in run.looks]
    assert at == sorted({0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 700})
    assert run.reached < 700
    assert run.looks[-1]["sha256"] == hashlib.sha256(run.vectors.tobytes()).hexdigest()
    assert all(a["margin"] < b["margin"] for a, b in itertools.pairwise(run.looks[3:]))


@pytest.mark.parametrize("stop", [1, 37, 200, 299, 308, 500])
def test_a_run_that_was_left_ends_in_the_bits_of_one_that_was_not(stop: int, tmp_path: Path, monkeypatch) -> None:
    whole = to(new_run(setting()), 600, to_the_end=True)
    monkeypatch.setattr(runs, "WORK_AT_ONCE", 37 * 16 * 16 * 16)  # stretches of 37 cycles
    left = new_run(setting())
    for _ in advance(left, 600, to_the_end=True):
        if left.cycle >= stop:
            break
    write_run(left, tmp_path)
    again = read_run(setting(), tmp_path)
    assert again is not None
    assert again.cycle == left.cycle < 600
    to(again, 600, to_the_end=True)
    assert np.array_equal(again.vectors, whole.vectors)
    assert (again.cycle, again.reached) == (whole.cycle, whole.reached)
    assert [look for look in again.looks if look in whole.looks] == whole.looks


def test_no_file_is_no_run(tmp_path: Path) -> None:
    assert read_run(setting(), tmp_path) is None


@pytest.mark.parametrize("change", ["cycle", "vectors", "looks", "reached"])
def test_a_changed_file_is_refused(change: str, tmp_path: Path) -> None:
    write_run(to(new_run(setting()), 50), tmp_path)
    path = tmp_path / f"{setting().name}.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    if change == "vectors":
        facts["vectors"][0][0] += 1e-15
    else:
        facts[change] = {"cycle": 51, "looks": facts["looks"][:-1], "reached": 3}[change]
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(
        RunError, match=r"is damaged: its checksum does not match; remove it to start that run again\.$"
    ):
        read_run(setting(), tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cycle": 3}'])
def test_a_file_that_is_no_run_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / f"{setting().name}.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match="remove it to start that run again"):
        read_run(setting(), tmp_path)


def test_a_run_to_another_margin_is_refused(tmp_path: Path) -> None:
    write_run(new_run(setting()), tmp_path)
    other = Setting("infonce", 0.2, 8, 8, 88, 0.5)
    with pytest.raises(RunError, match=r"has the target margin 1\.02857, not 0\.5; give another --output\.$"):
        read_run(other, tmp_path)
