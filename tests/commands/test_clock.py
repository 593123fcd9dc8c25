"""`topores clock`: what it prints, what it refuses, and that it goes on where it was stopped."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from topores.commands.clock import in_words, run_clock, summary
from topores.config import ClockConfig
from topores.errors import RunError, UsageError

THREE = {"temperatures": "0.2,0.15,0.12", "seed": 88}


def config(tmp_path: Path, **options: object) -> ClockConfig:
    return ClockConfig.from_mapping({**THREE, "output": tmp_path / "clock", **options})


def test_literal_counts_and_the_law(tmp_path: Path) -> None:
    clock = run_clock(config(tmp_path))
    found = summary(clock)
    assert [row["cycles"] for row in found["temperatures"]] == [308, 1207, 5382]
    assert all(row["extrapolated"] is None for row in found["temperatures"])
    assert found["law"]["slope"] == pytest.approx(found["margin"], rel=0.05)
    assert json.loads((tmp_path / "clock" / "clock.json").read_text(encoding="utf-8")) == found
    assert "308" in in_words(clock)


def test_what_was_not_run_is_never_given_as_a_count(tmp_path: Path) -> None:
    clock = run_clock(config(tmp_path, temperatures="0.2,0.15,0.12,0.08", cycles=6000))
    row = summary(clock)["temperatures"][-1]
    assert row["cycles"] is None
    assert row["counts"] == []
    assert row["extrapolated"] == pytest.approx(272_559, rel=0.3)
    line = next(line for line in in_words(clock).splitlines() if line.split()[:1] == ["0.08"])
    assert "extrapolated" in line
    assert "~" in line


def test_without_a_law_nothing_is_extrapolated(tmp_path: Path) -> None:
    clock = run_clock(config(tmp_path, temperatures="0.2,0.08", cycles=1000))
    assert clock.law is None
    assert "> 1,000" in in_words(clock)
    assert "not reached" in in_words(clock)


def test_starts_have_seeds_of_their_own_and_the_median_stands_for_them(tmp_path: Path) -> None:
    found = summary(run_clock(config(tmp_path, temperatures="0.2", starts=3)))["temperatures"][0]
    assert found["counts"][0] == 308
    assert len(set(found["counts"])) == 3
    assert found["cycles"] == sorted(found["counts"])[1]


def test_the_same_call_again_computes_nothing_and_more_cycles_go_on(tmp_path: Path) -> None:
    first = run_clock(config(tmp_path, temperatures="0.1", cycles=1000))
    again = run_clock(config(tmp_path, temperatures="0.1", cycles=1000))
    assert again.runs[0].seconds == first.runs[0].seconds
    further = run_clock(config(tmp_path, temperatures="0.1", cycles=30_000))
    assert further.runs[0].reached == 25_330
    anew = run_clock(config(tmp_path, temperatures="0.1", cycles=100), force=True)
    assert anew.runs[0].cycle == 100


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "clock").mkdir()
    with FileLock(tmp_path / "clock" / ".lock"), pytest.raises(RunError, match="Another process is running the clock"):
        run_clock(config(tmp_path))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperatures": "0"}, "--temperatures has 0; give numbers from 0.01 to 1"),
        ({"temperatures": "-0.1"}, "--temperatures has -0.1"),
        ({"temperatures": "warm"}, "--temperatures is 'warm'; give numbers separated by commas"),
        ({"share": 1.5}, "--share is 1.5; give a number from"),
        ({"cycles": 0}, "--cycles is 0; give 1 or more"),
        ({"cycles": -3}, "--cycles is -3"),
        ({"cycles": "2.5"}, "--cycles is '2.5'; give a whole number"),
        ({"dim": 6}, "8 pairs can be equally far apart only in 7 dimensions or more; give --dim 7"),
        ({"loss": "info"}, "--loss is 'info'. Did you mean 'infonce'?"),
        ({"pairs": 1}, "--pairs is 1"),
    ],
)
def test_bad_input(options: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        config(tmp_path, **options)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "clock").exists()


def test_a_billion_is_a_number_of_cycles(tmp_path: Path) -> None:
    assert config(tmp_path, cycles="1e9").cycles == 10**9


@pytest.mark.slow
def test_an_interrupted_clock_goes_on_to_the_same_bits(topores: Callable, tmp_path: Path) -> None:
    options = ["--temperatures", "0.05", "--seed", "88", "--to-the-end", "-q"]
    command = [str(Path(sys.executable).parent / "topores"), "clock", *options, "--cycles", "1e9", "-o", "clock"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    state = tmp_path / "clock" / "infonce-8x8-t0.05-seed88.json"
    waited = time.monotonic()
    while not (tmp_path / "clock" / ".lock").exists() and time.monotonic() - waited < 60:
        time.sleep(0.05)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert said.count("\n") == 1
    assert "run the same command to continue" in said
    left = json.loads(state.read_text(encoding="utf-8"))["cycle"]
    assert 0 < left < 10**9
    done = topores("clock", *options, "--cycles", left + 1000, "-o", "clock", "--json")
    assert done.returncode == 0, done.stderr
    whole = run_clock(
        ClockConfig.from_mapping({
            "temperatures": "0.05", "seed": 88, "to_the_end": True, "cycles": left + 1000, "output": tmp_path / "whole"
        })
    )  # fmt: skip
    resumed = json.loads(state.read_text(encoding="utf-8"))
    assert resumed["vectors"] == whole.runs[0].vectors.tolist()
    assert json.loads(done.stdout)["temperatures"][0]["cycles_run"] == left + 1000
