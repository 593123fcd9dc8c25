"""The memory as an encoder and as a run: what it writes, what it cannot change, and that any cycle is reached."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from topores import train
from topores.config import TrainConfig
from topores.domain import Corpus
from topores.encoders.memory import MemoryEncoder, build
from topores.errors import UsageError
from topores.runs import Run, load_run


def options(tiny_model: Path, **own: object) -> dict[str, object]:
    return {"model": str(tiny_model), "encoder": "memory", "device": "cpu", "passage_tokens": 16, **own}


@pytest.fixture(scope="module")
def run(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    article, meta_analysis = two_texts
    return train(
        article=article, meta_analysis=meta_analysis, output=tmp_path_factory.mktemp("memory") / "run", folds=1,
        null="none", cycles=10**9, **options(tiny_model),
    )  # fmt: skip


def prepared(corpus: Corpus, tiny_model: Path, **own: object) -> MemoryEncoder:
    config = TrainConfig.from_mapping({"pairs": "p.csv", **options(tiny_model, **own)})
    encoder = build(config, "cpu")
    encoder.prepare(corpus, config)
    return encoder


def test_a_billion_cycles_are_logged_by_their_leading_digits(run: Run) -> None:
    steps = [step * 10**power for power in range(9) for step in (1, 2, 5)]
    assert [line["cycle"] for line in run.metrics] == [0, *steps, 10**9]
    assert list(run.checkpoints) == [0, *steps, 10**9]
    last = run.metrics[-1]
    assert {"loss", "loss_1to2", "alignment", "train_mrr_1to2", "held_out_mrr_2to1", "seconds"} <= last.keys()
    assert last["memory_drift"] < 1e-6 < run.metrics[2]["memory_drift"]
    assert 0 < last["memory_radius"] < 1
    assert last["memory_recall"] > run.metrics[1]["memory_recall"]
    assert last["train_mrr_1to2"] > run.metrics[0]["train_mrr_1to2"]


def test_the_base_is_as_it_was_and_the_checkpoint_is_stock(run: Run) -> None:
    first, last = (SentenceTransformer(str(run.checkpoints[cycle]), device="cpu") for cycle in (0, 10**9))
    assert [type(module).__name__ for module in last] == ["Transformer", "Pooling", "Dense", "Normalize"]
    before, after = (model[0].state_dict() for model in (first, last))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    weight = first[2].linear.weight.detach().numpy()
    assert np.array_equal(weight, np.eye(len(weight)))


def test_a_cycle_writes_the_pairs_in_the_order_that_is_promised(run: Run, tiny_model: Path) -> None:
    encoder, corpus, rate = prepared(run.corpus, tiny_model, write_rate=0.8), run.corpus, 0.8
    base = SentenceTransformer(str(tiny_model), device="cpu")
    state = np.zeros((32, 32))
    for _ in range(2):
        for pair in corpus.pairs_in("train"):
            texts = [corpus.t1[corpus.pairs.t1[pair]].text, corpus.t2[corpus.pairs.t2[pair]].text]
            a, b = base.encode(texts).astype(np.float64)
            for k, v in ((a, a), (b, b), (a, b), (b, a)):
                state += rate * corpus.pairs.weight[pair] * np.outer(k, v - state.T @ k)
    encoder.write(2)
    expected = np.eye(32) + 0.5 * state.T
    assert encoder.head.get_parameter("linear.weight").detach().numpy() == pytest.approx(expected, abs=1e-4)


def test_cycle_zero_is_the_base(run: Run, tiny_model: Path) -> None:
    texts = [passage.text for passage in run.corpus.t1]
    encoder = prepared(run.corpus, tiny_model)
    encoder.write(5)
    encoder.write(0)
    base = SentenceTransformer(str(tiny_model), device="cpu").encode(texts)
    assert np.abs(encoder.encode(texts) - base).max() < 1e-6


def test_the_frozen_null_writes_nothing(run: Run, tiny_model: Path) -> None:
    encoder = prepared(run.corpus, tiny_model, learning_rate=0)
    encoder.write(10**6)
    assert encoder.facts(run.corpus)["memory_norm"] == 0


def test_without_strength_the_memory_is_not_read(run: Run, tiny_model: Path) -> None:
    encoder = prepared(run.corpus, tiny_model, read_strength=0)
    encoder.write(100)
    assert encoder.facts(run.corpus)["memory_norm"] > 0
    assert np.array_equal(encoder.head.get_parameter("linear.weight").detach().numpy(), np.eye(32))


@pytest.mark.slow
def test_folds_and_shuffled_nulls_are_usual(tiny_model: Path, two_texts: tuple[Path, Path], tmp_path: Path) -> None:
    article, meta_analysis = two_texts
    run = train(
        article=article, meta_analysis=meta_analysis, output=tmp_path / "run", cycles=100, **options(tiny_model)
    )
    assert len(run.folds) == 5
    cycles = [line["cycle"] for line in run.metrics]
    for fold in run.folds:
        nulls = sorted((fold.folder / "nulls").iterdir())
        assert len(nulls) == 4
        for null in nulls:
            lines = load_run(null).metrics
            assert [line["cycle"] for line in lines] == cycles
            assert lines[0]["memory_norm"] == 0
            assert lines[-1]["memory_norm"] != fold.metrics[-1]["memory_norm"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"write_rate": 2.0}, r"--write-rate is 2; give a number above 0 and below 2: .*spectral radius"),
        ({"write_rate": 0.0}, "--write-rate is 0; give"),
        ({"write_rate": float("nan")}, "--write-rate is nan; give"),
        ({"read_strength": -1.0}, "--read-strength is -1.0; give a number of 0 or more"),
        ({"retention": 1.1}, r"--retention is 1.1; give a number above 0 and at most 1: .*spectral radius"),
        ({"retention": 0.0}, "--retention is 0; give"),
        ({"learning_rate": 0.1}, r"--learning-rate is 0.1, but a memory is written.*--write-rate"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(given: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said) as fault:
        TrainConfig.from_mapping({"pairs": "p.csv", "encoder": "memory", **given})
    assert "\n" not in str(fault.value)


def test_options_that_were_resolved_are_still_options() -> None:
    config = TrainConfig.from_mapping({"pairs": "p.csv", "encoder": "memory"})
    assert dataclasses.replace(config, learning_rate=1.0).learning_rate == 1.0
