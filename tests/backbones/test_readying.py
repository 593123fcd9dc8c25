"""A model is made ready without changing what it embeds, or refused by name with the remedy."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

from tests.conftest import WORDS
from tests.model_kinds import bare, bert, gpt2, llama, made, roberta, with_bert
from topores.backbones import loading
from topores.backbones.base import base_of
from topores.backbones.dropout_views import has_dropout
from topores.backbones.encoder import Encoder
from topores.backbones.facts import facts_of_model
from topores.backbones.loading import load_base, open_base, open_model
from topores.config import TrainConfig
from topores.errors import InputError, UsageError

TEXTS = [" ".join(WORDS[i : i + 3 + i % 4]) for i in range(0, 40, 5)]


def with_pooling(model: Path, pooling: str) -> TrainConfig:
    return TrainConfig(article=Path("a"), meta_analysis=Path("b"), model=str(model), pooling=pooling)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32_to_the_last_bit(kind: torch.dtype, tmp_path: Path) -> None:
    folder = with_bert(tmp_path, kind=kind)
    opened = open_base(str(folder), "cpu")
    assert opened.stored == str(kind).removeprefix("torch.")
    assert {p.dtype for p in opened.model.parameters()} == {torch.float32}
    stored = load_file(folder / "model.safetensors")
    name = "encoder.layer.0.output.dense.weight"
    assert torch.equal(dict(opened.model[0].auto_model.named_parameters())[name], stored[name].float())
    assert [c for c in opened.changes if f"stored in {opened.stored}; they are computed, trained and kept in" in c]
    opened.model.save(str(tmp_path / "saved"), create_model_card=False)
    assert open_base(str(tmp_path / "saved"), "cpu").stored == "float32"


def test_what_was_changed_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    folder = gpt2(tmp_path)
    for _ in range(2):
        load_base(str(folder), "cpu")
    said = [r.message for r in caplog.records if r.name == loading.__name__]
    assert [("padding token; '</s>' is used" in one, "assumes 'mean'" in one) for one in said] == [
        (True, False),
        (False, True),
    ]
    assert "topores train --pooling changes it" in said[1]


def test_padding_changes_no_row(tmp_path: Path) -> None:
    encoder = open_model(str(llama(tmp_path)), "cpu")
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(encoder.encode(TEXTS) - alone).max() < 1e-5


def test_a_text_as_long_as_the_positions_of_roberta(tmp_path: Path) -> None:
    model = load_base(str(roberta(tmp_path)), "cpu")
    assert model.max_seq_length == 64
    assert model.encode(" ".join(WORDS[:100])).shape == (32,)


def test_an_adapter_is_merged(tmp_path: Path) -> None:
    folder = made("adapter", tmp_path)
    rows = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    model = load_base(str(folder), "cpu")
    assert np.abs(model.encode(TEXTS) - rows).max() < 1e-5
    assert np.abs(load_base(str(tmp_path / "base"), "cpu").encode(TEXTS) - rows).max() > 1e-3
    model.save(str(tmp_path / "saved"), create_model_card=False)
    shutil.rmtree(tmp_path / "base")
    assert np.abs(SentenceTransformer(str(tmp_path / "saved"), device="cpu").encode(TEXTS) - rows).max() < 1e-5
    with pytest.raises(InputError, match=r"give it where its base model '.*base' can be loaded, or merged\.$"):
        load_base(str(folder), "cpu")


def test_pooling_can_be_chosen(tmp_path: Path) -> None:
    folder = bare(tmp_path, bert())
    mean, cls = load_base(str(folder), "cpu"), base_of(with_pooling(folder, "cls"), "cpu")
    assert (mean[1].pooling_mode, cls[1].pooling_mode) == ("mean", "cls")
    assert np.abs(mean.encode(TEXTS) - cls.encode(TEXTS)).max() > 1e-3
    static = made("static", tmp_path / "static")
    with pytest.raises(UsageError, match=r"--pooling is 'cls', but '.*static' has no tokens to pool"):
        base_of(with_pooling(static, "cls"), "cpu")


def test_dropout_is_found_by_trying_and_can_be_added(tmp_path: Path) -> None:
    folder = str(made("static", tmp_path))
    state = torch.random.get_rng_state()
    assert not has_dropout(open_model(folder, "cpu"))
    assert torch.equal(torch.random.get_rng_state(), state)
    config = TrainConfig(article=Path("a"), meta_analysis=Path("b"), model=folder, dropout=0.2)
    dropped = Encoder(base_of(config, "cpu"))
    assert has_dropout(dropped)
    assert np.array_equal(dropped.encode(TEXTS), open_model(folder, "cpu").encode(TEXTS))


def broken_weights(folder: Path) -> Path:
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][3, :5] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def without_pooling(folder: Path) -> Path:
    modules = [Transformer(str(bare(folder / "transformers", bert())))]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


def python_tokenizer(folder: Path) -> Path:
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    return bare(folder, T5EncoderModel(T5Config(vocab_size=384, decoder_start_token_id=0, **sizes)), ByT5Tokenizer())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: broken_weights(with_bert(f)), r"NaN or infinity in 5 of 2,048 weights of '0\..*layer\.1\."),
        (without_pooling, "embeddings of tokens but none of a whole text; add a Pooling module"),
        (python_tokenizer, "has the tokenizer ByT5Tokenizer, which exists in Python only; give a model with a fast"),
    ],
    ids=["nan", "no pooling", "python tokenizer"],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(make: object, message: str, tmp_path: Path) -> None:
    folder = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as fault:
        load_base(str(folder), "cpu")
    assert str(fault.value).startswith(f"'{folder}' ")
    assert "\n" not in str(fault.value)


def test_the_facts_of_a_model(tmp_path: Path) -> None:
    facts = facts_of_model(str(made("qwen3", tmp_path)))
    assert (facts.architecture, facts.layers, facts.dimensions, facts.truncate_dim) == ("Qwen3Model", 2, 16, 16)
    assert (facts.pooling, facts.normalised, facts.dropout, facts.stored) == ("lasttoken", True, False, "bfloat16")
    assert (facts.prompts, facts.default_prompt) == ({"query": "ask :", "passage": "tell :"}, None)
    assert (facts.longest_text, facts.layout) == (64, "padded")
    other = facts_of_model(str(made("prompt left out of the pooling", tmp_path / "b")))
    assert (other.pooling, other.default_prompt) == ("mean, without the tokens of the prompt", "query")
    assert (other.dropout, other.layout) == (True, "packed")


def test_settings_are_those_of_the_folder(tmp_path: Path) -> None:
    folder = made("truncated", tmp_path)
    model = load_base(str(folder), "cpu")
    saved = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
    assert (model.truncate_dim, model.similarity_fn_name) == (saved["truncate_dim"], "dot")
    assert loading.open_model(str(folder), "cpu").encode(TEXTS).shape == (len(TEXTS), 12)
