"""What checkpoints share on the disk, and that sharing changes none of them."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from topores import train
from topores.runs import Run
from topores.training.checkpoint import keep_checkpoint


def options(two_texts: tuple[Path, Path], model: Path, **more: Any) -> dict[str, Any]:
    return {
        "article": two_texts[0], "meta_analysis": two_texts[1], "model": str(model), "passage_tokens": 16,
        "device": "cpu", "cycles": 2, "checkpoints": "0,1,2", **more,
    }  # fmt: skip


def weights(run: Run) -> list[Path]:
    return [path / "model.safetensors" for path in run.checkpoints.values()]


def test_a_head_keeps_the_frozen_weights_once_for_all_checkpoints_and_nulls(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    run = train(**options(two_texts, tiny_model, encoder="linear", null="shuffled", seeds=2, output=tmp_path / "run"))
    files = [file for of in (run, *run.nulls.values()) for file in weights(of)]
    assert len(files) == 9
    assert {file.stat().st_ino for file in files} == {files[0].stat().st_ino}
    heads = [load_file(path / "2_Dense" / "model.safetensors") for path in run.checkpoints.values()]
    assert not torch.equal(heads[0]["linear.weight"], heads[2]["linear.weight"])
    assert {path.name for path in run.checkpoints[2].rglob("*")} == {p.name for p in run.checkpoints[0].rglob("*")}


@pytest.mark.slow
def test_weights_that_are_trained_are_shared_by_none_but_the_first_checkpoint_of_a_null(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    run = train(**options(two_texts, tiny_model, null="shuffled", seeds=1, output=tmp_path / "run"))
    own, null = ([file.stat().st_ino for file in weights(of)] for of in (run, run.nulls["shuffled-1"]))
    assert len({*own, *null}) == 5
    assert own[0] == null[0]


def test_a_checkpoint_that_is_written_over_leaves_the_others(tmp_path: Path) -> None:
    """Other tools write weights aside and rename them, as safetensors does."""
    run = Run(tmp_path / "run")
    for cycle in (0, 1):
        keep_checkpoint(run, cycle, saved(1.0))
    first, second = weights(run)
    assert first.samefile(second)
    save_file({"w": torch.zeros(3)}, second)
    assert torch.equal(load_file(first)["w"], torch.ones(3))
    keep_checkpoint(run, 0, saved(2.0))
    assert torch.equal(load_file(first)["w"], torch.full((3,), 2.0))
    assert torch.equal(load_file(second)["w"], torch.zeros(3))


def test_a_null_moved_away_shares_with_nobody(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    keep_checkpoint(run, 0, saved(1.0))
    moved = Run(tmp_path / "elsewhere" / "shuffled-1")
    keep_checkpoint(moved, 0, saved(1.0))
    assert not weights(run)[0].samefile(weights(moved)[0])


@pytest.mark.parametrize("number", [1, 18, 31, 38, 95])  # EPERM, EXDEV, EMLINK, ENOSYS, EOPNOTSUPP
def test_a_disk_without_second_names_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    run = Run(tmp_path / "run")
    for cycle in (0, 1):
        keep_checkpoint(run, cycle, saved(1.0))
    first, second = weights(run)
    assert not first.samefile(second)
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in second.parent.iterdir()] == ["model.safetensors"]


def saved(value: float):
    def save(aside: Path) -> None:
        aside.mkdir()
        save_file({"w": torch.full((3,), value)}, aside / "model.safetensors")

    return save
