"""Feedback within a transformer, beside each equation written out slowly on the stock layers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn.functional import layer_norm, softmax
from transformers import AutoConfig, AutoModel

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.modules.fed_back import SharedMemory
from topores.modules.feedback import MODEL_TYPE, FeedbackTransformer

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
KINDS = ("loop", "memory", "none", "bias")


def with_feedback(
    model: Path, kind: str, *, passes: int = 3, layers: int = 1, start: bool = False
) -> SentenceTransformer:
    """The model with feedback whose weights are drawn, or 0 as at the start."""
    base = SentenceTransformer(str(model), device="cpu")
    torch.manual_seed(0)
    base[0] = FeedbackTransformer.around(base[0], kind, passes=passes, layers=layers, rank=4)  # type: ignore[arg-type]
    if not start:
        with torch.no_grad():
            for parameter in base[0].fed_back.parameters():
                parameter += 0.4 * torch.randn(parameter.shape)
    return base.eval()


def states_of(model: Path, text: str) -> tuple[list[Tensor], Any]:
    """Hidden states (1, tokens, dim) of the stock model, and the stock model itself."""
    base = SentenceTransformer(str(model), device="cpu").eval()
    bert: Any = base[0].auto_model
    with torch.no_grad():
        found = bert(**base.preprocess([text]), output_hidden_states=True).hidden_states
    return list(found), bert


def pooled(hidden: Tensor) -> np.ndarray:
    row = hidden[0].mean(dim=0)
    return (row / row.norm()).detach().numpy()


@torch.no_grad()
def test_the_loop_is_its_equation(tiny_model: Path) -> None:
    model = with_feedback(tiny_model, "loop", passes=3)
    (_, x, h), bert = states_of(tiny_model, TEXTS[3])
    matrix = model[0].fed_back.matrix
    u = matrix.up.weight @ matrix.down.weight
    for _ in range(2):
        h = bert.encoder.layer[1](x + layer_norm(h[0].mean(dim=0), (32,)) @ u.T)
    assert model.encode(TEXTS[3]) == pytest.approx(pooled(h), abs=1e-5)


@torch.no_grad()
def test_the_memory_is_its_equation(tiny_model: Path) -> None:
    model = with_feedback(tiny_model, "memory", passes=2, layers=2)
    before, bert = states_of(tiny_model, TEXTS[3])
    fed, hidden = model[0].fed_back, before[0]
    for number, layer in enumerate(bert.encoder.layer):
        memory = sum(w * s for w, s in zip(softmax(fed.mixtures[number], dim=0), before, strict=True))
        mixed = hidden + fed.gates[number] * (memory - hidden)
        own = layer.attention.self
        q, k, v = (
            linear(given)[0].unflatten(1, (2, 16)).transpose(0, 1)
            for linear, given in ((own.query, hidden), (own.key, mixed), (own.value, mixed))
        )
        attended = softmax(q @ k.transpose(1, 2) / 4, dim=-1) @ v
        hidden = layer.attention.output(attended.transpose(0, 1).flatten(1)[None], hidden)
        hidden = layer.output(layer.intermediate(hidden), hidden)
    assert model.encode(TEXTS[3]) == pytest.approx(pooled(hidden), abs=1e-5)


@torch.no_grad()
def test_the_controls_are_their_equations(tiny_model: Path) -> None:
    (_, x, _), bert = states_of(tiny_model, TEXTS[3])
    forward, bias = (with_feedback(tiny_model, kind) for kind in ("none", "bias"))
    matrix = forward[0].fed_back.matrix
    u = matrix.up.weight @ matrix.down.weight
    by_matrix = bert.encoder.layer[1](x + layer_norm(x[0].mean(dim=0), (32,)) @ u.T)
    assert forward.encode(TEXTS[3]) == pytest.approx(pooled(by_matrix), abs=1e-5)
    by_vector = bert.encoder.layer[1](x + bias[0].fed_back.vector)
    assert bias.encode(TEXTS[3]) == pytest.approx(pooled(by_vector), abs=1e-5)
    assert forward[0].passes == bias[0].passes == 1


def test_the_control_has_as_many_weights_as_the_loop(tiny_model: Path) -> None:
    counts = [
        sum(p.numel() for p in with_feedback(tiny_model, kind)[0].fed_back.parameters()) for kind in ("loop", "none")
    ]
    assert counts == [2 * 4 * 32] * 2


def test_the_memory_of_six_layers_has_48_weights() -> None:
    assert sum(p.numel() for p in SharedMemory(6).parameters()) == 48


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
def test_in_the_beginning_it_is_the_base(kind: str, layers: int, tiny_model: Path) -> None:
    rows = with_feedback(tiny_model, kind, layers=layers, start=True).encode(TEXTS)
    assert np.abs(rows - SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS)).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_packed_and_the_padded_layout_and_each_text_alone_agree(kind: str, layers: int, tiny_model: Path) -> None:
    model = with_feedback(tiny_model, kind, layers=layers)
    packed, padded = Encoder(model), Encoder(model, packed=False)
    assert packed.packed
    rows = packed.encode(TEXTS)
    assert np.abs(rows - padded.encode(TEXTS)).max() < 1e-6
    assert np.abs(rows - np.concatenate([padded.encode([text]) for text in TEXTS])).max() < 1e-6
    stock = SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS)
    assert np.abs(rows - stock).max() > 1e-2


def test_one_pass_of_a_loop_is_the_base_and_many_settle(tiny_model: Path) -> None:
    model = with_feedback(tiny_model, "loop")
    with torch.no_grad():
        model[0].fed_back.shrink(0.02)
    rows = {}
    for passes in (1, 2, 30, 31):
        model[0].passes = passes
        rows[passes] = model.encode(TEXTS)
    assert np.array_equal(rows[1], SentenceTransformer(str(tiny_model), device="cpu").encode(TEXTS))
    assert np.abs(rows[2] - rows[1]).max() > 1e-4
    assert np.abs(rows[31] - rows[30]).max() < 1e-6


def test_states_that_a_caller_records_are_those_of_the_first_pass_but_for_the_last(tiny_model: Path) -> None:
    encoder, base = Encoder(with_feedback(tiny_model, "loop", layers=2)), open_model(str(tiny_model), "cpu")
    ours, theirs = encoder.encode_layers(TEXTS), base.encode_layers(TEXTS)
    assert len(ours) == len(theirs) == 3
    assert all(np.abs(ours[place] - theirs[place]).max() < 1e-6 for place in (0, 1))
    assert np.abs(ours[2] - theirs[2]).max() > 1e-2


@pytest.mark.parametrize("kind", KINDS)
def test_no_loader_takes_a_saved_folder_for_the_base(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    model = with_feedback(tiny_model, kind)
    model.save(str(tmp_path / "saved"), create_model_card=False)
    for loader in (AutoModel, AutoConfig):
        with pytest.raises(ValueError, match=MODEL_TYPE):
            loader.from_pretrained(str(tmp_path / "saved"))
    again = open_model(str(tmp_path / "saved"), "cpu")
    assert np.abs(again.encode(TEXTS) - model.encode(TEXTS)).max() < 1e-6
    said = json.loads((tmp_path / "saved" / "feedback.json").read_text(encoding="utf-8"))
    assert said["kind"] == kind


def test_a_folder_that_lacks_what_is_fed_back_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    with_feedback(tiny_model, "loop").save(str(tmp_path / "saved"), create_model_card=False)
    (tmp_path / "saved" / "feedback.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks feedback\.json or feedback\.safetensors"):
        FeedbackTransformer.load(str(tmp_path / "saved"))
