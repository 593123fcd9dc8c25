"""Every kind of model with every way of training it: rows as encode() gives them, resumed, analysed, exported."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from tests.conftest import WORDS
from tests.model_kinds import KINDS, made
from topores import analyse, train, variants
from topores.analysis.ladder import NULLS
from topores.backbones.loading import open_model
from topores.commands.export import run_export
from topores.errors import InputError

ENCODERS = ("full", "linear", "loreft", "lora")
WITHOUT_LAYERS = ("static", "static, truncated")
NOT_ADAPTED = (*WITHOUT_LAYERS, "routes of texts")
"""Kinds whose first module is no transformer, so that lora has no layers to adapt."""
ANALYSED = ("prompt left out of the pooling", "adapter", "mpnet", "deberta", "t5", "gpt2", "qwen3", "static, truncated")
"""Kinds of which an analysis with all nulls is made."""
RECURRENT = ("mamba", "mamba2", "rwkv", "rwkv, padded on the left", "lfm2", "qwen3_next")
WITHOUT_DROPOUT = ("modernbert", "llama", "qwen3", *RECURRENT, *WITHOUT_LAYERS)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw, path = random.Random(1), tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    said = [draw.sample(WORDS, 8 + i % 5) for i in range(16)]
    rows = [
        {"id": str(i), "article": " ".join(own), "meta_analysis": " ".join([*draw.sample(WORDS, 2), *own[2:]])}
        for i, own in enumerate(said)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def by_encode(folder: Path, texts: list[str]) -> np.ndarray:
    """Unit rows of the model's own encode(), one text at a time, so that padding cannot matter."""
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": "float32"}).float()
    if getattr(model.tokenizer, "pad_token", "") is None:
        model.tokenizer.pad_token = model.tokenizer.eos_token
    rows = np.stack([model.encode(text) for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_model(kind: str, encoder: str, pairs: Path, tmp_path: Path) -> None:
    model = made(kind, tmp_path / "model")
    options = {"pairs": pairs, "model": str(model), "encoder": encoder, "batch_size": 8, "device": "cpu"}
    # Mamba's smallest matrices are 2 wide here; they stay frozen, as in models of the usual size they do not.
    options |= {"rank": 4} if encoder.startswith("lo") else {}
    if encoder == "lora" and kind in NOT_ADAPTED:
        with pytest.raises(InputError, match="is not a transformer, so its layers cannot be adapted; give one"):
            train(**options, cycles=1, output=tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return
    train(**options, cycles=1, output=tmp_path / "run")
    run = train(resume=True, output=tmp_path / "run", cycles=2)
    assert [line["cycle"] for line in run.metrics] == [0, 1, 2]
    texts = [p.text for p in (*run.corpus.t1, *run.corpus.t2)]
    sides = [p.side for p in (*run.corpus.t1, *run.corpus.t2)]
    base, *_, last = run.checkpoints.values()
    for folder in (model, last):
        assert np.abs(open_model(str(folder), "cpu").encode(texts, sides) - by_encode(folder, texts)).max() < 1e-5
    # Nothing is added before training, and training moves the rows.
    assert np.abs(by_encode(base, texts) - by_encode(model, texts)).max() < 1e-5
    assert np.abs(by_encode(last, texts) - by_encode(model, texts)).max() > 1e-6
    assert run_export(run.folder, tmp_path / "plain").difference < 1e-5
    assert np.abs(by_encode(tmp_path / "plain", texts) - by_encode(last, texts)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kind", ANALYSED)
def test_an_analysis_with_all_nulls(kind: str, pairs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = made(kind, tmp_path / "model")
    found = analyse(model, texts=(pairs,), layers="last", nulls="all", device="cpu")
    expected = {"reencode", "resample", "random_text", "matched_spectrum", "dropout", "untrained"}
    expected -= {"dropout"} if kind in WITHOUT_DROPOUT else set()
    expected -= {"untrained"} if kind in WITHOUT_LAYERS else set()
    assert found.null_names == expected
    left_out = found.protocol["nulls_left_out"]
    assert {*left_out} | found.null_names == set(variants.names(NULLS))
    said = [f"The null '{name.replace('_', '-')}' is left out: {why}." for name, why in left_out.items()]
    assert [one for one in said if one not in caplog.text] == []
