"""A checkpoint that differs in its head alone is opened by the head alone; every other one is not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from topores import train
from topores.backbones.loading import open_model
from topores.backbones.reopening import reopen
from topores.runs import Run

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a"]


@pytest.fixture(scope="module", params=["linear", "loreft"])
def run(
    request: pytest.FixtureRequest, two_texts: tuple[Path, Path], tiny_model: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:  # fmt: skip
    return trained(request.param, two_texts, tiny_model, tmp_path_factory.mktemp("reopened") / request.param)


def trained(encoder: str, two_texts: tuple[Path, Path], model: Path, folder: Path) -> Run:
    return train(
        article=two_texts[0], meta_analysis=two_texts[1], model=str(model), encoder=encoder, cycles=2, batch_size=16,
        learning_rate=1e-2, passage_tokens=16, device="cpu", folds=1, output=folder,
    )  # fmt: skip


def test_it_gives_the_rows_of_the_checkpoint(run: Run) -> None:
    opened = open_model(str(run.checkpoints[0]), "cpu")
    again = reopen(run.checkpoints[2], opened, run.checkpoints[0])
    whole = open_model(str(run.checkpoints[2]), "cpu")
    assert again is not None
    assert again.packed == whole.packed
    assert np.array_equal(again.encode(TEXTS), whole.encode(TEXTS))
    assert np.abs(again.encode(TEXTS) - opened.encode(TEXTS)).max() > 1e-4


def test_other_weights_of_the_transformer_are_opened_anew(run: Run, tmp_path: Path) -> None:
    opened = open_model(str(run.checkpoints[0]), "cpu")
    other = shutil.copytree(run.checkpoints[2], tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    name = next(iter(weights))
    save_file({**weights, name: weights[name] + 1}, other / "model.safetensors", metadata={"format": "pt"})
    assert reopen(other, opened, run.checkpoints[0]) is None


def test_other_prompts_are_opened_anew(run: Run, tmp_path: Path) -> None:
    opened = open_model(str(run.checkpoints[0]), "cpu")
    other = shutil.copytree(run.checkpoints[2], tmp_path / "other")
    config = other / "config_sentence_transformers.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**said, "prompts": {"t1": "query: "}}), encoding="utf-8")
    assert reopen(other, opened, run.checkpoints[0]) is None


@pytest.mark.parametrize("fault", ["nan", "cut", "gone"])
def test_a_damaged_head_is_left_to_whoever_says_what_is_wrong(run: Run, tmp_path: Path, fault: str) -> None:
    opened = open_model(str(run.checkpoints[0]), "cpu")
    other = shutil.copytree(run.checkpoints[2], tmp_path / "other")
    own = next(file for file in sorted(other.glob("2_*/*.safetensors")))
    if fault == "nan":
        save_file({name: torch.full_like(w, torch.nan) for name, w in load_file(own).items()}, own)
    elif fault == "cut":
        own.write_bytes(own.read_bytes()[:20])
    else:
        own.unlink()
    assert reopen(other, opened, run.checkpoints[0]) is None


@pytest.mark.slow
def test_what_is_trained_inside_the_transformer_is_opened_anew(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    run = trained("full", two_texts, tiny_model, tmp_path / "full")
    opened = open_model(str(run.checkpoints[0]), "cpu")
    assert reopen(run.checkpoints[2], opened, run.checkpoints[0]) is None
