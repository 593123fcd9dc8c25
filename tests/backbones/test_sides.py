"""How the two texts are read: prompts and routes by name, as encode_query() and encode_document() take them."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from tests.conftest import WORDS
from tests.model_kinds import PROMPTS, asymmetric, made, pooled_by_route, routed, static, with_bert
from topores import train
from topores.backbones.base import base_of
from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.commands.export import run_export
from topores.config import TrainConfig
from topores.errors import InputError, UsageError

TEXTS = [" ".join(WORDS[i : i + 3 + i % 4]) for i in range(0, 40, 5)]
SIDES = ["t1" if i % 2 else "t2" for i in range(len(TEXTS))]
ASKED = ("query", "document")

BOTH = {
    "routes after the pooling": routed,
    "routes of texts": asymmetric,
    "routes without a default": partial(asymmetric, default=None),
    "routes and prompts": partial(asymmetric, prompts=PROMPTS, default_prompt_name="passage"),
    "prompts alone": partial(with_bert, prompts=PROMPTS, default_prompt_name="passage"),
    "static": partial(static, prompts={"query": "ask : ", "corpus": "tell : "}),
}
"""Models that read queries and documents in two ways."""


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two files to train on."""
    draw, folder, files = np.random.default_rng(0), tmp_path_factory.mktemp("texts"), {}
    said = [list(draw.choice(WORDS, 12)) for _ in range(30)]
    for name in ("article", "meta_analysis"):
        files[name] = folder / f"{name}.txt"
        files[name].write_text(" ".join(f"{' '.join([*own, name[0]])}." for own in said), encoding="utf-8")
    return files


@pytest.mark.parametrize("kind", BOTH)
def test_rows_are_those_of_encode_query_and_encode_document(kind: str, tmp_path: Path) -> None:
    folder = str(BOTH[kind](tmp_path))
    plain = SentenceTransformer(folder, device="cpu")
    query, document = (np.stack([call(text) for text in TEXTS]) for call in (plain.encode_query, plain.encode_document))
    expected = np.where([[side == "t1"] for side in SIDES], unit(query), unit(document))
    encoder = open_model(folder, "cpu", prompts=ASKED)
    assert np.abs(encoder.encode(TEXTS, SIDES) - expected).max() < 1e-5
    assert np.abs(encoder.encode_layers(TEXTS, SIDES)[-1] - expected).max() < 1e-5
    other = open_model(folder, "cpu", prompts=("document", "query")).encode(TEXTS, SIDES)
    assert np.abs(other - expected).max() > 1e-2


def test_a_route_may_have_another_name(tmp_path: Path) -> None:
    folder = str(pooled_by_route(tmp_path))
    plain = SentenceTransformer(folder, device="cpu")
    encoder = open_model(folder, "cpu", prompts=("ask", None))
    assert np.abs(encoder.encode(TEXTS[:3], ["t1"] * 3) - unit(plain.encode(TEXTS[:3], task="ask"))).max() < 1e-5
    assert np.abs(encoder.encode(TEXTS[:3], ["t2"] * 3) - unit(plain.encode(TEXTS[:3]))).max() < 1e-5


def test_without_options_both_texts_take_the_default_route(tmp_path: Path) -> None:
    folder = str(asymmetric(tmp_path))
    expected = unit(SentenceTransformer(folder, device="cpu").encode_document(TEXTS))
    assert np.abs(open_model(folder, "cpu").encode(TEXTS, SIDES) - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("make", "given", "message"),
    [
        (partial(asymmetric, default=None), (None, None), r"by task \(document, query\), .*--prompt-1 query --pro"),
        (partial(asymmetric, default=None), ("query", None), r"has no default route; give each text its task"),
        (with_bert, ("passage", None), r"^--prompt-1 is 'passage', but '.*' has no prompt or .* \(its prompts: none\)"),
        (with_bert, (None, "corpus"), r"^--prompt-2 is 'corpus', .*; leave it out, or give .*, such as 'corpus: '\.$"),
    ],
)  # fmt: skip
def test_what_a_model_does_not_have_is_refused(make: partial, given: tuple, message: str, tmp_path: Path) -> None:
    folder = str(make(tmp_path))
    with pytest.raises((InputError, UsageError), match=message):
        open_model(folder, "cpu", prompts=given)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["full", "linear", "loreft"])
@pytest.mark.parametrize("kind", ["routes", "routes of texts", "routes of tokens"])
def test_a_run_keeps_the_route_of_each_text(kind: str, encoder: str, texts: dict[str, Path], tmp_path: Path) -> None:
    base = made(kind, tmp_path / "base")
    asked = ("ask", "document") if kind == "routes of tokens" else ASKED
    options = {**texts, "model": str(base), "prompt_1": asked[0], "prompt_2": asked[1], "encoder": encoder}
    options |= {"rank": 4} if encoder == "loreft" else {}
    run = train(**options, passage_tokens=24, batch_size=8, cycles=1, device="cpu", output=tmp_path / "run")
    own = [p.text for p in (*run.corpus.t1, *run.corpus.t2)]
    sides = [p.side for p in (*run.corpus.t1, *run.corpus.t2)]
    first, *_, last = run.checkpoints.values()
    plain = SentenceTransformer(str(base), device="cpu")
    by_hand = [
        plain.encode(t, task=dict(zip(("t1", "t2"), asked, strict=True))[s]) for t, s in zip(own, sides, strict=True)
    ]
    assert np.abs(open_model(str(first), "cpu").encode(own, sides) - unit(np.stack(by_hand))).max() < 1e-5
    # A checkpoint takes the side for the task, wherever it is loaded.
    model = SentenceTransformer(str(last), device="cpu")
    trained = unit(np.stack([model.encode(text, task=side) for text, side in zip(own, sides, strict=True)]))
    assert np.abs(open_model(str(last), "cpu").encode(own, sides) - trained).max() < 1e-5
    assert np.abs(trained - unit(np.stack(by_hand))).max() > 1e-6
    done = run_export(run.folder, tmp_path / "plain")
    assert (done.by_side, done.difference < 1e-5) == (True, True)


@pytest.mark.parametrize("kind", ["routes", "routes of texts"])
def test_a_learner_in_training_takes_the_same_routes(kind: str, tmp_path: Path) -> None:
    base = str(made(kind, tmp_path))
    config = TrainConfig(article=Path("a"), meta_analysis=Path("b"), model=base, prompt_1="query")
    learner = Encoder(base_of(config, "cpu")).train()
    plain = SentenceTransformer(base, device="cpu")
    seen = learner(TEXTS[:2], ["t1", "t2"]).detach().numpy()
    # The query's route of the first kind has dropout below it, that of the second none.
    expected = unit(np.stack([plain.encode_query(TEXTS[0]), plain.encode_document(TEXTS[1])]))
    assert (seen * expected).sum(axis=1).min() > 0.5
