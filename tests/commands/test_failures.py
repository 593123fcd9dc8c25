"""Runs that fail: what they leave behind, what they say, and which of them may be resumed."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model_kinds import made
from topores import load_run, train
from topores.compute.files import write_json
from topores.errors import Diverged, RunError
from topores.runs import Run, is_run
from topores.training import loop


@pytest.fixture
def options(tiny_options: dict, tmp_path: Path) -> dict:
    return {**tiny_options, "cycles": 2, "output": tmp_path / "run"}


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), MemoryError()], ids=repr)
def test_a_run_that_fails_before_it_has_trained_leaves_nothing(
    fault: Exception, options: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(loop, "take_step", fail)
        with pytest.raises(type(fault)):
            train(**options)
    assert [path.name for path in options["output"].iterdir()] == [".lock"]
    assert train(**options).metrics[-1]["cycle"] == 2


def test_a_run_that_fails_later_can_be_resumed(options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    step = loop.take_step

    def fail_in_the_second_cycle(trainee: loop.Trainee) -> dict[str, float]:
        if any(line["cycle"] == 1 for line in trainee.run.metrics):
            raise RuntimeError("a bug")
        return step(trainee)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "take_step", fail_in_the_second_cycle)
        with pytest.raises(RuntimeError):
            train(**options)
    assert train(resume=True, output=options["output"]).metrics[-1]["cycle"] == 2


def diverge_after(cycle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    step = loop.take_step

    def spoil(trainee: loop.Trainee) -> dict[str, float]:
        numbers = step(trainee)
        if trainee.run.metrics[-1]["cycle"] >= cycle:
            with torch.no_grad():
                trainee.trained[0].fill_(float("nan"))
        return numbers

    monkeypatch.setattr(loop, "take_step", spoil)


def test_a_run_that_diverges_names_the_step_and_the_remedy(options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    diverge_after(0, monkeypatch)
    with pytest.raises(
        Diverged, match=r"^Training diverged in cycle 1: .* step .*nan.*; train again with a smaller --learning-rate \("
    ) as fault:
        train(**options)
    assert fault.value.exit_code == 4
    assert not is_run(options["output"])


@pytest.mark.slow
def test_weights_so_large_that_rows_become_zero(options: dict) -> None:
    with pytest.raises(Diverged, match=r"after step 1 embeddings or losses are not finite numbers"):
        train(**{**options, "learning_rate": 1e30, "batch_size": 64}, encoder="linear")


def test_a_run_that_diverged_later_is_kept_to_be_read(options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    diverge_after(1, monkeypatch)
    with pytest.raises(Diverged, match=r"diverged in cycle [23]"):
        train(**options)
    assert [line["cycle"] for line in load_run(options["output"]).metrics] == [0, 1]
    with pytest.raises(RunError, match=r"cannot be continued: Training diverged in cycle"):
        train(resume=True, output=options["output"])
    with pytest.raises(RunError, match=r"holds another run; it diverged and cannot be continued: replace it with"):
        train(**options)
    monkeypatch.undo()
    assert train(**options, force=True).diverged is None


def test_another_run_that_diverges_leaves_the_former_one(options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    train(**options)
    diverge_after(0, monkeypatch)
    with pytest.raises(Diverged):
        train(**options, force=True)
    assert (load_run(options["output"]).diverged, load_run(options["output"]).metrics[-1]["cycle"]) == (None, 2)


def test_other_weights_are_refused(options: dict, tmp_path: Path) -> None:
    model = Path(shutil.copytree(options["model"], tmp_path / "model"))
    train(**{**options, "model": str(model)})
    file = next(model.rglob("model.safetensors"))
    weights = load_file(file)
    weights["embeddings.word_embeddings.weight"][7, 0] += 1
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(RunError, match=r"'.*model' has weights of sha256 \w{12}, but '.*run' was started with"):
        train(resume=True, output=options["output"], cycles=3)
    assert load_run(options["output"]).metrics[-1]["cycle"] == 2


def test_a_relative_model_is_found_from_anywhere(
    options: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    shutil.copytree(options["model"], tmp_path / "here" / "model")
    monkeypatch.chdir(tmp_path / "here")
    train(**{**options, "model": "model", "output": Path("run")})
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    run = train(resume=True, output=Path("../here/run"), cycles=3)
    assert (run.metrics[-1]["cycle"], run.options.model) == (3, "model")
    run = train(resume=True, output=Path("../here/run"), cycles=4, model="../here/model")
    assert run.metrics[-1]["cycle"] == 4
    with pytest.raises(RunError, match=r"--model is elsewhere, but"):
        train(resume=True, output=Path("../here/run"), cycles=5, model="elsewhere")
    # Moved together, they still find each other.
    (tmp_path / "here").rename(tmp_path / "moved")
    assert train(resume=True, output=tmp_path / "moved" / "run", cycles=5).metrics[-1]["cycle"] == 5


def test_a_run_of_an_encoder_that_is_gone_says_so(options: dict) -> None:
    run = train(**options)
    config = run.folder / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("encoder: full", "encoder: mine"), encoding="utf-8")
    with pytest.raises(RunError, match=r"config\.yaml' names what .*No encoder is called 'mine'.* Put back the file"):
        _ = Run(run.folder).options


def test_a_run_of_before_has_no_folders(options: dict) -> None:
    run = train(**options)
    write_json(run.folder / "run.json", {name: v for name, v in run.facts.items() if name != "folders"})
    assert train(resume=True, output=options["output"], cycles=3).metrics[-1]["cycle"] == 3


def test_equal_views_are_said_with_the_remedy(options: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = str(made("static", tmp_path / "model"))
    train(**{**options, "model": model, "cycles": 1})
    (said,) = (r.message for r in caplog.records if "has no dropout" in r.message)
    assert "both views of a passage are equal" in said
    assert "--dropout 0.1" in said
    caplog.clear()
    for encoder in ("full", "linear"):
        train(**{**options, "model": model, "cycles": 1, "dropout": 0.1}, encoder=encoder, force=True)
    assert "has no dropout" not in caplog.text
