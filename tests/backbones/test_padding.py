"""Rows of a model whose state reads padding tokens are those of its texts alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests.conftest import WORDS
from tests.model_kinds import made
from topores.backbones.loading import open_model
from topores.backbones.padding import change_by_padding, without_padding

TEXTS = [" ".join(WORDS[start : start + count]) for start, count in ((0, 3), (5, 12), (9, 3), (2, 20), (7, 12))]


@pytest.mark.parametrize(("kind", "moves"), [("rwkv", False), ("rwkv, padded on the left", True), ("bert", False)])
def test_it_is_tried(kind: str, moves: bool, tmp_path: Path) -> None:
    model = SentenceTransformer(str(made(kind, tmp_path)), device="cpu").eval()
    together, alone = (model.encode(texts, normalize_embeddings=True)[0] for texts in (TEXTS, TEXTS[:1]))
    assert (np.abs(together - alone).max() > 1e-4) == moves
    assert (change_by_padding(model) > 0) == moves


def test_dropout_is_no_effect_of_padding(tmp_path: Path) -> None:
    model = SentenceTransformer(str(made("bert", tmp_path)), device="cpu").train()
    assert change_by_padding(model) == 0
    assert model.training


def test_texts_are_embedded_one_length_at_a_time(tmp_path: Path) -> None:
    folder = made("rwkv, padded on the left", tmp_path)
    model, encoder = SentenceTransformer(str(folder), device="cpu").eval(), open_model(str(folder), "cpu")
    assert encoder.apart
    single = np.stack([model.encode(text, normalize_embeddings=True) for text in TEXTS])
    assert np.abs(encoder.encode(TEXTS) - single).max() < 1e-6
    layers = encoder.encode_layers(TEXTS)
    assert np.abs(layers[-1] - single).max() < 1e-6
    assert np.abs(layers[0][[0, 2]] - encoder.encode_layers([TEXTS[0], TEXTS[2]])[0]).max() < 1e-6


def test_nothing_padded_is_left() -> None:
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1]])
    ids = torch.arange(12).reshape(3, 4)
    found = {tuple(places.tolist()): own for places, own in without_padding({"input_ids": ids, "attention_mask": mask})}
    assert found.keys() == {(0, 2), (1,)}
    assert found[0, 2]["input_ids"].tolist() == [[2, 3], [10, 11]]
    assert bool(found[0, 2]["attention_mask"].all())
