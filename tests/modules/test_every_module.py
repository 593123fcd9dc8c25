"""What every public class in modules/ promises: modules.json may name it, and it loads to equal rows."""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Module
from torch import nn

from topores import variants
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.backbones.own_modules import own_modules
from topores.config import TrainConfig
from topores.errors import ToporesError

TEXTS = ["the trial of aspirin", "deaths in 4 weeks", "a", "streptokinase and placebo: heart therapy, 17187 patients."]
OPTIONS: list[dict[str, object]] = [{}, {"rank": 4}, {"rank": 4, "layers": "1", "positions": "first:2,last:1"}]
"""Options to build each encoder with: together they make it use each of its modules."""


def modules_that_can_be_named() -> list[type[Module]]:
    found: list[type[Module]] = []
    for name in variants.names("topores.modules"):
        file = importlib.import_module(f"topores.modules.{name}")
        found += [
            kind for kind in vars(file).values()
            if inspect.isclass(kind) and issubclass(kind, Module) and kind.__module__ == file.__name__
            and not inspect.isabstract(kind) and not kind.__name__.startswith("_")
        ]  # fmt: skip
    return found


def encoders(tiny_model: Path) -> Iterator[Encoder]:
    for name in variants.names("topores.encoders"):
        for options in OPTIONS:
            config = {"pairs": "p.csv", "model": str(tiny_model), "encoder": name, **options}
            try:
                yield variants.load("topores.encoders", name).build(TrainConfig.from_mapping(config), "cpu")
            except ToporesError:
                continue  # an option that this encoder does not have


def encoder_with(kind: type[Module], tiny_model: Path) -> Encoder:
    for encoder in encoders(tiny_model):
        if any(type(module) is kind for module in own_modules(encoder.model)):
            return encoder
    raise AssertionError(f"no encoder has a {kind.__name__}; add options to OPTIONS that give it one")


def moved(module: nn.Module) -> None:
    """Take its trained weights away from their start, where many modules are the identity."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter += 0.5 * torch.randn(parameter.shape, generator=draw).to(parameter)


def test_there_are_some() -> None:
    names = {kind.__name__ for kind in modules_that_can_be_named()}
    assert {"IntervenedTransformer", "LoReFT", "Rotation"} <= names


@pytest.mark.parametrize("kind", modules_that_can_be_named(), ids=lambda kind: kind.__name__)
def test_it_saves_and_loads_to_equal_rows(kind: type[Module], tiny_model: Path, tmp_path: Path) -> None:
    encoder = encoder_with(kind, tiny_model)
    before = encoder.model.encode(TEXTS)
    (module,) = own_modules(encoder.model)
    task = {"task": "t1"} if "task" in module.forward_kwargs else {}
    moved(module)
    rows = encoder.model.encode(TEXTS, **task)
    assert np.abs(rows - before).max() > 1e-2
    encoder.model.save(str(tmp_path / "saved"), create_model_card=False)
    named = (tmp_path / "saved" / "modules.json").read_text(encoding="utf-8")
    assert f'"{kind.__module__}.{kind.__name__}"' in named
    theirs = SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)
    assert np.abs(theirs.encode(TEXTS, **task) - rows).max() < 1e-6
    ours = open_model(str(tmp_path / "saved"), "cpu")
    assert [type(own) for own in ours.own_modules] == [kind]
    assert np.abs(ours.model.encode(TEXTS, **task) - rows).max() < 1e-6
    sides = ["t1"] * len(TEXTS)
    assert np.abs(ours.encode(TEXTS, sides) - encoder.eval().encode(TEXTS, sides)).max() < 1e-6
