"""What every file in encoders/ promises."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from topores import train, variants
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.backbones.own_modules import names_own_modules
from topores.config import TrainConfig

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]

ROUNDING = 5e-6
"""Largest difference of a coordinate after merging adapters into the weights: in float32 it reaches 1e-6."""

pytestmark = pytest.mark.parametrize("name", variants.names("topores.encoders"))


@pytest.fixture
def encoder(name: str, tiny_model: Path) -> Encoder:
    return variants.load("topores.encoders", name).build(
        TrainConfig.from_mapping({"pairs": "p.csv", "encoder": name, "model": str(tiny_model)}), "cpu"
    )


def take_step(encoder: Encoder) -> None:
    """Of plain gradient descent, on something that tells the sides apart."""
    rows = encoder.train()(TEXTS, ["t1", "t2", "t1", "t2"])
    (rows @ rows.T).square().sum().backward()
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
    encoder.zero_grad()


def test_rows_have_unit_length(encoder: Encoder) -> None:
    for rows in encoder.encode_layers(TEXTS):
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


def test_padding_and_order_change_nothing(encoder: Encoder) -> None:
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(encoder.encode(TEXTS, batch_size=3) - alone).max() < 1e-5
    assert np.abs(encoder.encode(TEXTS[::-1])[::-1] - alone).max() < 1e-5


def test_the_last_layer_is_the_encoders_own_output(encoder: Encoder) -> None:
    layers = encoder.encode_layers(TEXTS)
    if not encoder.own_modules:
        # The embeddings and each layer; a module of topores may have any number.
        assert len(layers) == 1 + encoder.model.transformers_model.config.num_hidden_layers
    assert len(layers) == len(encoder.encode_layers(TEXTS[:1])) >= 1
    assert np.array_equal(layers[-1], encoder.encode(TEXTS))


def test_a_text_given_twice_has_two_views_and_the_seed_decides_them(encoder: Encoder) -> None:
    encoder.train()
    torch.manual_seed(5)
    first = encoder([TEXTS[0], TEXTS[0]])
    torch.manual_seed(5)
    again = encoder([TEXTS[0], TEXTS[0]])
    assert torch.equal(first, again)
    assert (first[0] - first[1]).abs().max() > 1e-3


def test_encoding_has_no_dropout_and_keeps_the_mode(encoder: Encoder) -> None:
    encoder.train()
    assert np.array_equal(encoder.encode(TEXTS), encoder.encode(TEXTS))
    assert encoder.training


def test_gradient_reaches_each_trainable_weight_and_no_frozen_one(encoder: Encoder) -> None:
    take_step(encoder)  # of the two factors of LoRA's change, one has no gradient before
    rows = encoder(TEXTS, ["t1", "t2", "t1", "t2"])
    (rows @ rows.T).square().sum().backward()
    for weight, parameter in encoder.named_parameters():
        if ".pooler." in weight:
            continue  # BERT's pooler: stands in the stock model, is not on the way to the embedding
        assert (parameter.grad is not None) == parameter.requires_grad, weight
        if parameter.requires_grad and not weight.endswith("key.bias"):  # softmax ignores a shift of all keys
            assert parameter.grad.abs().max() > 0, weight


def test_a_saved_encoder_is_a_sentence_transformers_folder(encoder: Encoder, tmp_path: Path) -> None:
    before = encoder.encode(TEXTS, ["t1"] * 4)
    for _ in range(3):
        take_step(encoder)
    assert np.abs(encoder.encode(TEXTS, ["t1"] * 4) - before).max() > 1e-3
    encoder.eval().save(tmp_path / "saved")
    own = names_own_modules(tmp_path / "saved")
    theirs = SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=own).encode(TEXTS)
    assert np.abs(theirs - encoder.encode(TEXTS)).max() < ROUNDING
    ours = open_model(str(tmp_path / "saved"), "cpu")
    assert np.abs(ours.encode(TEXTS, ["t1"] * 4) - encoder.encode(TEXTS, ["t1"] * 4)).max() < ROUNDING
    assert bool(ours.own_modules) == own
    if own:
        with pytest.raises(ValueError, match="pass the argument `trust_remote_code=True`"):
            SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    assert list((tmp_path / "saved").rglob("*.safetensors"))
    assert not list((tmp_path / "saved").rglob("*.bin"))


@pytest.mark.slow
def test_a_resumed_run_ends_in_the_same_bits(
    name: str, tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path
) -> None:
    options = {"article": two_texts[0], "meta_analysis": two_texts[1], "model": str(tiny_model), "passage_tokens": 16}
    options |= {"encoder": name, "batch_size": 16, "device": "cpu"}
    whole = train(**options, cycles=2, output=tmp_path / "whole")
    train(**options, cycles=1, output=tmp_path / "parts")
    parts = train(resume=True, cycles=2, output=tmp_path / "parts")
    files = sorted(file.relative_to(whole.checkpoints[2]) for file in whole.checkpoints[2].rglob("*.safetensors"))
    assert files
    for file in files:
        assert (whole.checkpoints[2] / file).read_bytes() == (parts.checkpoints[2] / file).read_bytes()
    seen = [{line["cycle"]: line | {"seconds": 0} for line in run.metrics} for run in (whole, parts)]
    # What is solved in one step logs its last cycle only: the parts' have 1 besides.
    assert seen[0] == {cycle: seen[1][cycle] for cycle in seen[0]}
