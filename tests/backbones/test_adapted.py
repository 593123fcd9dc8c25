"""Adapters on frozen weights: what is trained, what never changes, and what a checkpoint holds."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding
from torch import Tensor
from transformers import AutoTokenizer

from topores import train, variants
from topores.backbones.adapted import AdaptedEncoder, merge_adapters
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.errors import InputError, UsageError
from topores.runs import Run

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]

pytestmark = pytest.mark.parametrize("name", ["lora", "oft"])


def encoder_of(name: str, model: Path, **options: object) -> AdaptedEncoder:
    config = TrainConfig.from_mapping({"pairs": "p.csv", "encoder": name, "model": str(model), **options})
    return variants.load("topores.encoders", name).build(config, "cpu")


def moved(encoder: AdaptedEncoder) -> AdaptedEncoder:
    """The same, its adapters away from their start."""
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return encoder


def hashes(weights: dict[str, Tensor]) -> dict[str, str]:
    """A hash of each stock weight by its stock name, wherever an adapter has put it."""
    return {
        name.replace(".base_layer", ""): hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
        for name, tensor in weights.items()
        if ".lora_" not in name and ".oft_" not in name
    }


def hashes_of_file(folder: Path) -> dict[str, str]:
    return hashes(load_file(folder / "model.safetensors"))


def trained(name: str, tiny_model: Path, two_texts: tuple[Path, Path], output: Path, cycles: int) -> Run:
    article, meta_analysis = two_texts
    return train(
        article=article, meta_analysis=meta_analysis, model=str(tiny_model), encoder=name, cycles=cycles,
        batch_size=16, learning_rate=1e-2, passage_tokens=16, device="cpu", output=output,
    )  # fmt: skip


def test_before_training_nothing_is_changed(name: str, tiny_model: Path, tmp_path: Path) -> None:
    encoder = encoder_of(name, tiny_model)
    assert np.array_equal(encoder.encode(TEXTS), open_model(str(tiny_model), "cpu").encode(TEXTS))
    encoder.save(tmp_path / "saved")
    assert hashes_of_file(tmp_path / "saved") == hashes_of_file(tiny_model)


def test_training_changes_adapters_alone(name: str, tiny_model: Path) -> None:
    encoder = encoder_of(name, tiny_model, layers="2").train()
    stock = hashes_of_file(tiny_model)
    assert hashes(encoder.model[0].auto_model.state_dict()) == stock
    before = {n: p.detach().clone() for n, p in encoder.named_parameters() if p.requires_grad}
    assert all(".encoder.layer.1." in n and (".lora_" in n or ".oft_" in n) for n in before)
    optimizer = torch.optim.AdamW([p for p in encoder.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(3):
        rows = encoder(TEXTS + TEXTS)
        (rows @ rows.T).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert hashes(encoder.model[0].auto_model.state_dict()) == stock
    assert all(not torch.equal(p, before[n]) for n, p in encoder.named_parameters() if n in before)
    assert np.abs(encoder.encode(TEXTS) - open_model(str(tiny_model), "cpu").encode(TEXTS)).max() > 1e-3


def test_modules_after_the_transformer_are_frozen_too(name: str, tiny_model: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.append(Dense(32, 8))
    model.save(str(tmp_path / "dense"), create_model_card=False)
    encoder = encoder_of(name, tmp_path / "dense")
    assert not any(parameter.requires_grad for parameter in encoder.model[-1].parameters())
    assert encoder.train()(TEXTS).requires_grad


def test_the_packed_layout_gives_what_the_padded_model_gives(name: str, tiny_model: Path) -> None:
    encoder = moved(encoder_of(name, tiny_model))
    assert encoder.packed
    assert np.abs(encoder.encode(TEXTS) - encoder.model.encode(TEXTS)).max() < 1e-6


def test_merged_is_a_stock_model_with_the_same_embeddings(name: str, tiny_model: Path) -> None:
    encoder = moved(encoder_of(name, tiny_model))
    rows, plain = encoder.encode(TEXTS), merge_adapters(encoder.model)
    assert np.abs(plain.encode(TEXTS) - rows).max() < 1e-5
    assert plain.state_dict().keys() == SentenceTransformer(str(tiny_model), device="cpu").state_dict().keys()
    assert not any("peft" in type(module).__module__ for module in plain.modules())
    # A copy: the encoder still is what it was.
    assert np.array_equal(encoder.encode(TEXTS), rows)
    assert hashes(encoder.model[0].auto_model.state_dict()) == hashes_of_file(tiny_model)


@pytest.mark.slow
def test_a_checkpoint_gives_the_same_rows_however_it_is_opened(name: str, tiny_model: Path, tmp_path: Path) -> None:
    encoder, folder = moved(encoder_of(name, tiny_model)), tmp_path / "saved"
    encoder.save(folder)
    rows = encoder.encode(TEXTS)
    assert np.abs(SentenceTransformer(str(folder), device="cpu").encode(TEXTS) - rows).max() < 1e-6
    assert np.abs(open_model(str(folder), "cpu").encode(TEXTS) - rows).max() < 1e-6
    # The base and the adapter alone, by peft's own reader.
    base = SentenceTransformer(str(tiny_model), device="cpu")
    base[0].model = PeftModel.from_pretrained(base[0].model, str(folder / "adapter"))
    assert np.abs(base.encode(TEXTS) - rows).max() < 1e-6


@pytest.mark.slow
def test_a_checkpoint_says_nothing_of_the_machine(name: str, tiny_model: Path, tmp_path: Path) -> None:
    encoder_of(name, tiny_model).save(tmp_path / "saved")
    assert {p.suffix for p in (tmp_path / "saved").rglob("*") if p.is_file()} == {".json", ".safetensors"}
    for file in (tmp_path / "saved" / "adapter").iterdir():
        assert str(tiny_model).encode() not in file.read_bytes()
    facts = json.loads((tmp_path / "saved" / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert facts["base_model_name_or_path"] is None
    assert facts["target_modules"] == sorted(facts["target_modules"])
    again = tmp_path / "again"
    encoder_of(name, tiny_model).save(again)
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        assert (again / "adapter" / file).read_bytes() == (tmp_path / "saved" / "adapter" / file).read_bytes()


def test_the_seed_decides_where_training_starts(name: str, tiny_model: Path) -> None:
    torch.manual_seed(1)
    first = encoder_of(name, tiny_model, seed=3).state_dict()
    torch.manual_seed(2)
    again = encoder_of(name, tiny_model, seed=3).state_dict()
    assert all(torch.equal(first[n], again[n]) for n in first)


@pytest.mark.slow
def test_bf16_training_is_near_float32(name: str, tiny_model: Path) -> None:
    rows = {}
    for precision in ("fp32", "bf16"):
        encoder = moved(encoder_of(name, tiny_model, precision=precision)).train()
        torch.manual_seed(0)
        rows[precision] = encoder(TEXTS)
    assert 1e-5 < (rows["fp32"] - rows["bf16"]).abs().max() < 0.1
    rows["bf16"].square().sum().backward()


@pytest.mark.slow
def test_a_run_resumes_to_the_same_bits(name: str, tiny_model: Path, two_texts, tmp_path: Path) -> None:
    whole = trained(name, tiny_model, two_texts, tmp_path / "whole", cycles=2)
    trained(name, tiny_model, two_texts, tmp_path / "parts", cycles=1)
    parts = train(resume=True, output=tmp_path / "parts", cycles=2)
    for file in ("model.safetensors", "adapter/adapter_model.safetensors"):
        assert (whole.checkpoints[2] / file).read_bytes() == (parts.checkpoints[2] / file).read_bytes()
    seen = [[{k: v for k, v in line.items() if k != "seconds"} for line in run.metrics] for run in (whole, parts)]
    assert seen[0] == seen[1]
    assert hashes_of_file(whole.checkpoints[0]) == hashes_of_file(tiny_model)
    assert hashes_of_file(whole.checkpoints[2]) != hashes_of_file(tiny_model)
    # What a resume reads has the adapters alone: stock weights are those of the base.
    state = load_file(max((whole.folder / "state").glob("step-*")) / "weights.safetensors")
    inside = {n.removeprefix("encoder.model.0.model."): t for n, t in state.items() if n.startswith("encoder.model.0.")}
    assert inside
    assert not hashes(inside)


def test_layers_and_models_that_have_no_place_for_adapters(name: str, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--layers is '3', but the model has layers 1 to 2; choose among these"):
        encoder_of(name, tiny_model, layers="3")
    words = StaticEmbedding(AutoTokenizer.from_pretrained(tiny_model), embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path / "words"), create_model_card=False)
    with pytest.raises(InputError, match=r"words' is not a transformer, so its layers cannot be adapted; give one"):
        encoder_of(name, tmp_path / "words")
