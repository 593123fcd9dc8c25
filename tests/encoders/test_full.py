"""Layers of the full encoder, compared with the model itself."""

from pathlib import Path

import numpy as np
import pytest
import torch

from topores.backbones.loading import open_model

TEXTS = ["the trial", "aspirin and heart: 4 weeks of therapy", "patients"]


def test_each_layer_is_the_mean_of_its_hidden_states(tiny_model: Path) -> None:
    encoder = open_model(str(tiny_model), "cpu")
    features = encoder.model.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = encoder.model.transformers_model(**features, output_hidden_states=True).hidden_states
    mask = features["attention_mask"][..., None]
    for ours, states in zip(encoder.encode_layers(TEXTS), hidden, strict=True):
        mean = ((states * mask).sum(1) / mask.sum(1)).numpy()
        assert np.abs(ours - mean / np.linalg.norm(mean, axis=1, keepdims=True)).max() < 1e-5


@pytest.mark.usefixtures("packaged_encoder")
def test_the_packaged_encoder_gives_what_sentence_transformers_gives() -> None:
    encoder = open_model("all-MiniLM-L6-v2", "cpu")
    layers = encoder.encode_layers(TEXTS)
    assert len(layers) == 7
    assert np.abs(layers[-1] - encoder.model.encode(TEXTS)).max() < 1e-6
