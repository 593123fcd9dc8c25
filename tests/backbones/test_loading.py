"""Finding a base encoder: what is not there, not a model, or damaged is one line."""

import shutil
from pathlib import Path

import pytest

from topores.backbones import loading as _base
from topores.errors import InputError


def test_a_name_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a folder, nor installed, nor reachable"):
        _base.load_base("nobody/nothing", "cpu")
    with pytest.raises(InputError, match=r"is not a folder; give a sentence-transformers folder or a hub id"):
        _base.load_base(str(tmp_path / "missing"), "cpu")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a model folder: it has neither modules\.json nor"):
        _base.load_base(str(tmp_path), "cpu")


def test_truncated_weights(tmp_path: Path, tiny_model: Path) -> None:
    broken = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
    weights = next(broken.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"truncated or damaged .*; take another checkpoint"):
        _base.load_base(str(broken), "cpu")


def test_a_folder_without_weights(tmp_path: Path, tiny_model: Path) -> None:
    broken = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
    next(broken.rglob("*.safetensors")).unlink()
    with pytest.raises(InputError, match="does not load as a sentence-transformers model"):
        _base.load_base(str(broken), "cpu")


@pytest.mark.usefixtures("packaged_encoder")
def test_the_packaged_encoder_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _base._packaged_folder() is not None
    monkeypatch.setitem(_base.PACKAGED_SHA256, "tokenizer.json", "0" * 64)
    with pytest.raises(InputError, match=r"has a tokenizer\.json of sha256 be50c3628f2b, not 000000000000"):
        _base._packaged_folder()


def test_a_checkpoint_of_a_run_is_read_from_safetensors_alone(tiny_model: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoints" / "cycle-000000000001"
    shutil.copytree(tiny_model, checkpoint)
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    _base.load_base(str(checkpoint), "cpu")
    for file in checkpoint.rglob("*.safetensors"):
        file.rename(file.with_name("pytorch_model.bin"))
    with pytest.raises(InputError, match=r"holds no \.safetensors file"):
        _base.load_base(str(checkpoint), "cpu")
