"""The packed layout: the same embeddings and losses as the padded model, and the fallback to padding."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from torch.nn.functional import normalize
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PretrainedConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from topores.backbones.encoder import Encoder, _say_padded
from topores.backbones.loading import open_model
from topores.forward.groups import length_groups
from topores.forward.packed import WINDOWS, embed
from topores.objectives.four_pairings import four_pairings

TEXTS = [
    "the trial of aspirin", "deaths in 4 weeks", "a", "Streptokinase  and placebo: heart therapy, 17187 patients.",
    "aspirin", "b", "deaths in 5 weeks", "the " * 60,
]  # fmt: skip


def made(tiny_model: Path, folder: Path, config: PretrainedConfig, pooling: str = "mean") -> SentenceTransformer:
    """An untrained model of some architecture, with the tokenizer of `tiny_model`."""
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    transformer = Transformer(str(folder), max_seq_length=100)
    modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling), Dense(32, 12), Normalize()]
    return SentenceTransformer(modules=modules, device="cpu")


def sizes(tiny_model: Path) -> dict:
    vocabulary = len(AutoTokenizer.from_pretrained(tiny_model))
    return {
        "vocab_size": vocabulary, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 130, "initializer_range": 0.5, "pad_token_id": 0,
    }  # fmt: skip


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "mean_sqrt_len_tokens"])
@pytest.mark.parametrize("config", [BertConfig, RobertaConfig, XLMRobertaConfig, ElectraConfig])
def test_bert_like_models_give_what_they_give_padded(tiny_model, tmp_path, config, pooling) -> None:
    model = made(tiny_model, tmp_path, config(**sizes(tiny_model)), pooling)
    expected = normalize(model.encode(TEXTS, convert_to_tensor=True), dim=-1)
    encoder = Encoder(model)
    assert encoder.packed
    assert np.abs(encoder.encode(TEXTS) - expected.numpy()).max() < 2e-6
    assert [rows.shape[1] for rows in encoder.encode_layers(TEXTS)] == [32, 32, 12]
    padded = Encoder(model, packed=False)
    for ours, theirs in zip(encoder.encode_layers(TEXTS), padded.encode_layers(TEXTS), strict=True):
        assert np.abs(ours - theirs).max() < 2e-6


@pytest.mark.parametrize("config", [ModernBertConfig, MPNetConfig])
def test_other_architectures_fall_back_to_padding_and_say_so(tiny_model, tmp_path, config, caplog) -> None:
    """Local attention and relative positions, which the packed layout does not compute."""
    options = sizes(tiny_model) | ({"local_attention": 8} if config is ModernBertConfig else {})
    model = made(tiny_model, tmp_path, config(**options))
    expected = normalize(model.encode(TEXTS, convert_to_tensor=True), dim=-1)
    _say_padded.cache_clear()
    with caplog.at_level(logging.INFO, logger="topores"):
        encoder = Encoder(model)
        Encoder(model)
    assert not encoder.packed
    assert caplog.text.count("does not support the packed layout") == 1
    assert np.abs(encoder.encode(TEXTS) - expected.numpy()).max() < 2e-6
    assert encoder.train()(TEXTS).requires_grad


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_wider_than_the_probe_is_seen_in_the_configuration(tiny_model, tmp_path, name, caplog) -> None:
    model = made(tiny_model, tmp_path, BertConfig(**sizes(tiny_model), **{name: 64}))
    _say_padded.cache_clear()
    with caplog.at_level(logging.INFO, logger="topores"):
        assert not Encoder(model).packed
    assert "its attention is local (windowed)" in caplog.text


def test_a_model_of_another_shape_falls_back(tiny_model: Path, tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=sizes(tiny_model)["vocab_size"], dim=32, n_layers=1, n_heads=2, hidden_dim=64)
    model = made(tiny_model, tmp_path, config)
    expected = normalize(model.encode(TEXTS, convert_to_tensor=True), dim=-1)
    assert np.abs(Encoder(model).encode(TEXTS) - expected.numpy()).max() < 2e-6


def test_outside_of_a_pass_the_model_is_as_it_was_loaded(tiny_model: Path) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    before = model[0].auto_model.config._attn_implementation
    encoder = Encoder(model)
    encoder.encode(TEXTS)
    assert model[0].auto_model.config._attn_implementation == before
    with pytest.raises(RuntimeError), torch.no_grad():
        embed(model, {"input_ids": torch.zeros(2, 999, dtype=torch.long), "attention_mask": torch.ones(2, 999)})
    assert model[0].auto_model.config._attn_implementation == before


@pytest.mark.parametrize("overhead", [0, 2, 10_000])
def test_the_cut_into_blocks_changes_no_embedding(tiny_model: Path, overhead: int) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu").eval()
    features = {name: value for name, value in model.preprocess(TEXTS).items() if name != "modality"}
    with torch.inference_mode():
        expected = model(dict(features))["sentence_embedding"]
        assert torch.allclose(embed(model, features, overhead=overhead)[-1], expected, atol=1e-6)


@pytest.mark.slow
def test_losses_and_gradients_of_ten_steps_equal_those_of_the_padded_model(tiny_model: Path) -> None:
    curves = {}
    for packed in (True, False):
        encoder = Encoder(SentenceTransformer(str(tiny_model), device="cpu"), packed=packed).eval()  # dropout off
        assert encoder.packed is packed
        optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3, fused=True)
        curves[packed] = []
        for _ in range(10):
            rows = encoder(TEXTS + TEXTS)
            loss = four_pairings(rows[:4], rows[8:12], rows[4:8], rows[12:]).total
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            curves[packed].append(loss.item())
    assert curves[True] == pytest.approx(curves[False], abs=1e-5)
    assert curves[True][-1] < curves[True][0] - 0.1


@pytest.mark.usefixtures("packaged_encoder")
def test_the_packaged_model_packed_equals_itself_padded() -> None:
    encoder = open_model("all-MiniLM-L6-v2", "cpu")
    assert encoder.packed
    theirs = encoder.model.encode(TEXTS)
    assert (encoder.encode(TEXTS) * theirs).sum(axis=1).min() > 0.999999


def in_training(encoder: Encoder) -> torch.Tensor:
    """Rows under the same dropout; without dropout they are float32 in either precision."""
    torch.manual_seed(0)
    return encoder.train()(TEXTS)


def test_bf16_training_is_near_float32(tiny_model: Path) -> None:
    """Linear layers in bf16 and attention in float32: results agree to the format's three digits."""
    rows = {p: in_training(open_model(str(tiny_model), "cpu", precision=p)) for p in ("fp32", "bf16")}
    assert rows["bf16"].dtype == torch.float32
    assert 1e-5 < (rows["fp32"] - rows["bf16"]).abs().max() < 0.1
    rows["bf16"].square().sum().backward()
    encoder = open_model(str(tiny_model), "cpu", precision="bf16")
    assert np.array_equal(encoder.encode(TEXTS), open_model(str(tiny_model), "cpu").encode(TEXTS))


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=40), overhead=st.integers(0, 300))
def test_groups_hold_every_text_once_and_cost_least(lengths: list[int], overhead: int) -> None:
    groups = length_groups(np.array(lengths), overhead=overhead)
    assert sorted(np.concatenate([g.texts for g in groups]).tolist()) == list(range(len(lengths)))
    assert all(max(lengths[i] for i in g.texts) == g.tokens for g in groups)
    assert sum(g.size + overhead for g in groups) == least_cost(sorted(lengths), overhead)


def least_cost(lengths: list[int], overhead: int) -> int:
    """The cheapest partition of sorted lengths into runs, by trying each last run."""
    best = [0]
    for j in range(1, len(lengths) + 1):
        best.append(min(best[i] + (j - i) * lengths[j - 1] + overhead for i in range(j)))
    return best[-1]
