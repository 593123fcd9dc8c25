"""What the options of training do to a run: watches, trackers, precision, pieces, temperature, weights."""

import json
from pathlib import Path

import pytest

from topores import load_run, train
from topores.compute.devices import choose_precision
from topores.errors import FailedOn, UsageError
from topores.runs import Run
from topores.training.state import PROGRESS


def flags(options: dict) -> list[str]:
    named = {k: v for k, v in options.items() if k not in ("article", "meta_analysis")}
    texts = [str(options["article"]), str(options["meta_analysis"])]
    return texts + [f"--{name.replace('_', '-')}={value}" for name, value in named.items()]


@pytest.fixture
def collapsing(tiny_options: dict) -> dict:
    """A learning rate far too large: every passage ends in one place."""
    return {**tiny_options, "learning_rate": 3e-2, "cycles": 12}


@pytest.mark.slow
def test_fail_on_collapse_stops_with_the_state_saved(collapsing: dict, tmp_path: Path) -> None:
    with pytest.raises(FailedOn, match=r"^Collapsed at cycle \d+: .* Stopped here because of --fail-on\.$"):
        train(**collapsing, fail_on=["collapse"], output=tmp_path / "run")
    run = load_run(tmp_path / "run")
    stopped = run.metrics[-1]["cycle"]
    assert 0 < stopped < 12
    assert run.metrics[-1]["uniformity"] > -0.5
    newest = max((run.folder / "state").glob("step-*"))
    assert json.loads((newest / PROGRESS).read_text())["progress"]["logged"] == stopped + 1
    resumed = train(resume=True, output=run.folder, fail_on=[""], cycles=13)
    assert [line["cycle"] for line in resumed.metrics] == list(range(14))


@pytest.mark.slow
def test_fail_on_is_exit_code_1_with_one_line_and_the_object(collapsing: dict, topores) -> None:
    done = topores("train", *flags(collapsing), "--fail-on", "collapsed,frozen", "--output", "run", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["metrics"]["uniformity"] > -0.5
    assert "Traceback" not in done.stderr
    assert "Stopped here because of --fail-on." in done.stderr


@pytest.mark.slow
def test_a_run_that_does_nothing_wrong_is_not_stopped(tiny_options: dict, tmp_path: Path) -> None:
    options = {**tiny_options, "learning_rate": 1e-5}
    run = train(**options, fail_on=["collapse", "freeze,memorise"], output=tmp_path / "run")
    assert run.metrics[-1]["cycle"] == 4


@pytest.mark.slow
def test_tensorboard_stands_within_the_run_folder(tiny_options: dict, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    options = {**tiny_options, "cycles": 2, "checkpoints": "none"}
    run = train(**options, track=["tensorboard"], output=tmp_path / "run")
    assert list((run.folder / "tracking").rglob("events.out.tfevents.*"))
    again = train(**options, track=["tensorboard"], output=tmp_path / "run", force=True)
    assert len(again.metrics) == 3


def test_a_tracker_that_is_not_installed_is_told_before_anything_is_read(
    tiny_options: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("topores.training.tracking.NEEDS", {"trackio": ("no_such_module",)})
    with pytest.raises(UsageError, match=r"--track is trackio, which needs no_such_module; pip install"):
        train(**tiny_options, track=["trackio"], output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_precision_that_auto_meant_is_kept_with_the_run(tiny_options: dict, tiny_run: Run, tmp_path: Path) -> None:
    assert tiny_run.options.precision == choose_precision("auto", "cpu")
    assert tiny_run.facts["layout"] == "packed"
    run = train(**{**tiny_options, "cycles": 2}, precision="bf16", output=tmp_path / "run")
    assert run.options.precision == "bf16"
    resumed = train(resume=True, output=run.folder, precision="auto", cycles=3)
    assert resumed.options.precision == "bf16"
    assert resumed.metrics[-1]["loss"] == pytest.approx(tiny_run.metrics[3]["loss"], abs=0.1)


@pytest.mark.slow
def test_pieces_train_too_and_resume_to_the_same_bits(tiny_options: dict, tmp_path: Path) -> None:
    options = {**tiny_options, "micro_batch_size": 5, "checkpoints": "none"}
    whole = train(**options, output=tmp_path / "whole")
    train(**{**options, "cycles": 2}, output=tmp_path / "half")
    half = train(resume=True, output=tmp_path / "half", cycles=4)
    assert whole.metrics[-1]["loss"] == half.metrics[-1]["loss"]
    assert whole.metrics[-1]["loss"] < whole.metrics[0]["loss"]


@pytest.mark.slow
def test_a_learned_temperature_moves_within_its_bounds(tiny_options: dict, tmp_path: Path) -> None:
    options = {**tiny_options, "temperature": 0.2, "learn_temperature": True, "temperature_bounds": "0.15,0.25"}
    run = train(**options, output=tmp_path / "run")
    learned = [line["temperature"] for line in run.metrics]
    assert learned[0] == pytest.approx(0.2)
    assert learned[-1] != pytest.approx(0.2, abs=1e-3)
    assert all(0.15 - 1e-6 <= value <= 0.25 + 1e-6 for value in learned)
    resumed = train(resume=True, output=run.folder, cycles=5)
    assert resumed.metrics[-1]["temperature"] != 0.2


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["gte", "supcon"])
def test_every_loss_trains(tiny_options: dict, tmp_path: Path, loss: str) -> None:
    run = train(**tiny_options, loss=loss, checkpoints="none", output=tmp_path / "run")
    assert run.metrics[-1]["loss"] < run.metrics[0]["loss"]


@pytest.mark.slow
def test_a_pairing_of_weight_0_is_not_trained(tiny_options: dict, tmp_path: Path) -> None:
    """Its loss is logged; only the others are lowered by as much."""
    none = train(**tiny_options, weights="1to2=0,2to1=0", checkpoints="none", output=tmp_path / "none")
    cross = train(**tiny_options, weights="1to1=0,2to2=0", checkpoints="none", output=tmp_path / "cross")
    fell = {run.folder.name: run.metrics[0]["loss_1to2"] - run.metrics[-1]["loss_1to2"] for run in (none, cross)}
    assert fell["cross"] > fell["none"] + 0.05
