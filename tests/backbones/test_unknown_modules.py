"""Modules that nothing is known of, at their worst: the identity until they are trained, then looking at tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Module, Transformer
from torch import nn

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.backbones.shared_stem import SharedStem
from topores.backbones.untrained import why_not_untrained
from topores.forward.packable import Packable, not_packable

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
SIDES = ["t1", "t2", "t1", "t2"]


def before(tokens: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    """Each token and, through the gate, the one before it in its text."""
    return tokens + gate * torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], dim=1)


class Recurrent(Transformer):
    """In the transformer's place."""

    @classmethod
    def around(cls, transformer: Transformer) -> "Recurrent":
        module = cls.__new__(cls)
        vars(module).update(vars(transformer), _modules=dict(transformer._modules))
        module.gate = nn.Parameter(torch.zeros(()))
        return module

    def forward(self, features, **options):
        output = super().forward(features, **options)
        return {**output, "token_embeddings": before(output["token_embeddings"], self.gate)}


class Between(Module):
    """Before the pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, features, **_):
        return {**features, "token_embeddings": before(features["token_embeddings"], self.gate)}

    def save(self, *_, **__) -> None:
        raise NotImplementedError


class After(Between):
    """After the pooling, and content where there are no tokens."""

    def forward(self, features, **_):
        if "token_embeddings" not in features:
            return dict(features)
        added = self.gate * features["token_embeddings"][:, 0]
        return {**features, "sentence_embedding": features["sentence_embedding"] + added}


class Layer(nn.Module):
    """Within the transformer, in the place of one of its layers."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.gate = layer, nn.Parameter(torch.zeros(()))

    def forward(self, hidden, *given, **options):
        return before(self.layer(hidden, *given, **options), self.gate)


def encoder_of(tiny_model: Path, where: str) -> Encoder:
    transformer, pooling, last = list(open_model(str(tiny_model), "cpu").model)
    if where == "layer":
        transformer.auto_model.encoder.layer[0] = Layer(transformer.auto_model.encoder.layer[0])
    modules = {
        "transformer": lambda: [Recurrent.around(transformer), pooling, last],
        "between": lambda: [transformer, Between(), pooling, last],
        "after": lambda: [transformer, pooling, After(), last],
        "layer": lambda: [transformer, pooling, last],
    }[where]()
    return Encoder(SentenceTransformer(modules=modules, device="cpu").eval())


def open_gate(encoder: Encoder) -> None:
    (gate,) = (parameter for name, parameter in encoder.named_parameters() if name.endswith("gate"))
    with torch.no_grad():
        gate.fill_(0.7)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["transformer", "between", "after", "layer"])
def test_rows_are_right_before_and_after_training(tiny_model: Path, where: str) -> None:
    encoder = encoder_of(tiny_model, where)
    closed = encoder.encode(TEXTS)
    assert np.abs(closed - open_model(str(tiny_model), "cpu").encode(TEXTS)).max() < 1e-6
    assert not encoder.packed
    rows = encoder.train()(TEXTS)
    (rows @ rows.T).sum().backward()
    assert all(p.grad is not None and p.grad != 0 for name, p in encoder.named_parameters() if name.endswith("gate"))
    open_gate(encoder)
    expected = encoder.eval().model.encode(TEXTS)
    assert np.abs(expected - closed).max() > 1e-2
    assert np.abs(encoder.encode(TEXTS, SIDES) - expected).max() < 1e-6
    layers = encoder.encode_layers(TEXTS)
    assert np.abs(layers[-1] - expected).max() < 1e-6
    assert len(layers) == 3


@pytest.mark.parametrize("where", ["transformer", "between", "after", "layer"])
def test_a_shared_stem_gives_them_all_that_they_read(tiny_model: Path, where: str) -> None:
    encoder = encoder_of(tiny_model, where)
    open_gate(encoder)
    shared = SharedStem(TEXTS, SIDES)
    for ours, theirs in zip(shared.encode_layers(encoder, tiny_model), encoder.encode_layers(TEXTS), strict=True):
        assert np.abs(ours - theirs).max() < 1e-6


def test_what_is_marked_or_known_is_packed(tiny_model: Path) -> None:
    class Marked(Packable, After):
        """Says of itself that it reads no tokens."""

    assert not_packable(open_model(str(tiny_model), "cpu").model) is None
    assert not_packable(nn.Sequential(Marked())) is None
    found = not_packable(nn.Sequential(nn.Linear(2, 2), nn.Sequential(After())))
    assert type(found) is After


@pytest.mark.parametrize("where", ["transformer", "between", "layer"])
def test_no_untrained_encoder_is_made_of_weights_that_cannot_be_drawn_anew(tiny_model: Path, where: str) -> None:
    name = {"transformer": "Recurrent", "between": "Between", "layer": "Layer"}[where]
    assert why_not_untrained(encoder_of(tiny_model, where).model) == f"the weights of its {name} cannot be drawn anew"


def test_a_head_is_left_out_of_the_untrained_encoder(tiny_model: Path) -> None:
    assert why_not_untrained(encoder_of(tiny_model, "after").model) is None
