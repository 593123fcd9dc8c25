"""The runs beside a run: what they share with it, what they lack, and that nothing else differs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

from topores import load_run, train
from topores.cli import main
from topores.config import TrainConfig
from topores.errors import Interrupted, RunError
from topores.runs import Run
from topores.text.fingerprint import corpus_sha256, passages_sha256
from topores.training import loop
from topores.training.monitors import Watch
from topores.training.nulls import Null, nulls_of


def options(two_texts: tuple[Path, Path], model: Path, **more: Any) -> dict[str, Any]:
    return {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(model), "passage_tokens": 16,
        "batch_size": 16, "device": "cpu", "cycles": 2, "learning_rate": 1e-3, **more,
    }  # fmt: skip


@pytest.fixture
def run(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path) -> Run:
    asked = options(two_texts, tiny_model, null="shuffled,frozen", seeds=2, output=tmp_path / "run")
    return train(**asked)


def weights(run: Run, cycle: int) -> dict[str, Any]:
    return load_file(next(run.checkpoints[cycle].rglob("model.safetensors")))


def test_which_runs_are_asked_for() -> None:
    def names(**given: Any) -> list[str]:
        return [null.name for null in nulls_of(TrainConfig.from_mapping({"pairs": "p.csv", **given}))]

    assert names() == []
    assert names(null="shuffled") == ["shuffled-1", "shuffled-2", "shuffled-3"]
    assert names(null=["frozen", "shuffled"], seeds=1) == ["shuffled-1", "frozen"]
    assert nulls_of(TrainConfig.from_mapping({"pairs": "p.csv", "null": "frozen"})) == [Null("frozen", 0)]


def test_each_null_is_a_run_that_differs_in_one_thing(run: Run) -> None:
    assert list(run.nulls) == ["frozen", "shuffled-1", "shuffled-2"]
    for name, null in run.nulls.items():
        assert [line["cycle"] for line in null.metrics] == [line["cycle"] for line in run.metrics]
        assert list(null.checkpoints) == list(run.checkpoints)
        assert null.facts["null"] == {"kind": name.split("-")[0], "seed": int(name.partition("-")[2] or 0)}
        shuffled = {"corpus": corpus_sha256(null.corpus), "parent_corpus": corpus_sha256(run.corpus)}
        own = {**shuffled, "parent_passages": passages_sha256(run.corpus)} if name != "frozen" else {}
        assert null.facts["sha256"] == {**run.facts["sha256"], **own}
        differ = {
            field.name
            for field in dataclasses.fields(TrainConfig)
            if getattr(null.options, field.name) != getattr(run.options, field.name)
        }
        assert differ == {"output", "null"} | ({"learning_rate"} if name == "frozen" else set())
        assert null.corpus.t1 == run.corpus.t1
        assert null.corpus.split_2 == run.corpus.split_2
        same = np.array_equal(null.corpus.pairs.t2, run.corpus.pairs.t2)
        assert same == (name == "frozen")
    one, other = (run.nulls[f"shuffled-{seed}"].corpus.pairs.t2 for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert "null" not in run.facts


@pytest.mark.slow
def test_a_frozen_run_keeps_every_bit(run: Run) -> None:
    frozen = run.nulls["frozen"]
    first, last = weights(frozen, 0), weights(frozen, 2)
    assert all(first[name].equal(last[name]) for name in first)
    for name in ("held_out_mrr_1to2", "train_mrr_2to1", "uniformity", "rank_me"):
        assert frozen.metrics[0][name] == frozen.metrics[-1][name] == run.metrics[0][name]
    moved = weights(run.nulls["shuffled-1"], 2)
    assert not all(first[name].equal(moved[name]) for name in first)


@pytest.mark.slow
def test_nulls_begin_where_the_run_begins(run: Run) -> None:
    for null in run.nulls.values():
        assert null.metrics[0]["held_out_mrr_1to2"] == run.metrics[0]["held_out_mrr_1to2"]
        ours, theirs = weights(run, 0), weights(null, 0)
        assert all(ours[name].equal(theirs[name]) for name in ours)


@pytest.mark.slow
def test_faults_of_a_null_are_not_said(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Permuted pairs are learned by heart if at all, and learning rate 0 stands still: no user should mend that."""
    for says, expected in ((True, 1), (False, 0)):
        watch = Watch([{**run.metrics[0], "uniformity": -2.0}], says=says)
        with caplog.at_level("WARNING", logger="topores"):
            assert watch.see({**run.metrics[0], "cycle": 1, "uniformity": -0.1})
        assert len(caplog.messages) == expected
        caplog.clear()


@pytest.mark.slow
def test_they_can_be_asked_for_later_and_go_on_with_the_run(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path, run: Run
) -> None:
    later = train(**options(two_texts, tiny_model, output=tmp_path / "later", cycles=1))
    assert not later.nulls
    later = train(resume=True, output=later.folder, null="shuffled", seeds=1)
    assert list(later.nulls) == ["shuffled-1"]
    later = train(resume=True, output=later.folder, null="shuffled,frozen", seeds=2, cycles=2)
    assert list(later.nulls) == list(run.nulls)
    for name, null in later.nulls.items():
        ours, theirs = weights(null, 2), weights(run.nulls[name], 2)
        assert all(ours[key].equal(theirs[key]) for key in ours), name


@pytest.mark.slow
def test_a_stop_within_a_null_is_resumed_to_the_same_bits(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, taken = tmp_path / "stopped", []
    take_step = loop.take_step

    def stopping(trainee: loop.Trainee) -> dict[str, float]:
        taken.append(trainee.run.folder.name)
        if taken.count("shuffled-2") == 2:
            raise Interrupted("as Ctrl-C does, but at once")
        return take_step(trainee)

    monkeypatch.setattr(loop, "take_step", stopping)
    asked = options(two_texts, tiny_model, null="shuffled,frozen", seeds=2, output=folder)
    with pytest.raises(Interrupted):
        train(**asked)
    monkeypatch.setattr(loop, "take_step", take_step)
    done = train(resume=True, output=folder)
    assert list(done.nulls) == list(run.nulls)
    for name, null in done.nulls.items():
        ours, theirs = weights(null, 2), weights(run.nulls[name], 2)
        assert all(ours[key].equal(theirs[key]) for key in ours), name


@pytest.mark.slow
def test_what_is_done_is_not_trained_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr(loop, "take_step", refuse)
    before = {name: null.facts["started"] for name, null in run.nulls.items()}
    again = train(resume=True, output=run.folder)
    assert {name: null.facts["started"] for name, null in again.nulls.items()} == before


@pytest.mark.slow
def test_a_new_run_in_the_folder_takes_them_away(two_texts: tuple[Path, Path], tiny_model: Path, run: Run) -> None:
    asked = options(two_texts, tiny_model, output=run.folder)
    with pytest.raises(RunError, match="holds another run"):
        train(**asked)
    assert not train(**asked, force=True).nulls


@pytest.mark.slow
def test_the_command_shows_them_beside_the_run(two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path) -> None:
    asked = options(two_texts, tiny_model, null="shuffled", seeds=2, output=tmp_path / "run")
    texts = [str(asked.pop("article")), str(asked.pop("meta_analysis"))]
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
    done = CliRunner().invoke(main, ["train", *texts, *flags])
    assert done.exit_code == 0, done.output
    header = next(line for line in done.stdout.splitlines() if "untrained" in line)
    assert "shuffled (2)" in header
    run = load_run(tmp_path / "run")
    ends = [null.metrics[-1]["uniformity"] for null in run.nulls.values()]
    line = next(line for line in done.stdout.splitlines() if line.startswith("uniformity"))
    assert line.split()[-1] == f"{np.mean(ends):.3f}"
    said = CliRunner().invoke(main, ["train", "--resume", "--output", str(run.folder), "--json"])
    assert list(json.loads(said.stdout)["nulls"]) == ["shuffled-1", "shuffled-2"]
