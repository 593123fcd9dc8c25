"""The reader: it cuts, aligns and splits the texts, so that learners with other tokenizers share their corpus."""

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORDS, save_tiny_model
from topores import train
from topores.commands.compare import run_compare
from topores.commands.topology import run_topology
from topores.config import TopologyConfig, TrainConfig
from topores.errors import InputError
from topores.runs import Run
from topores.text.fingerprint import corpus_sha256
from topores.training.prepare import build_corpus, open_reader, read_texts, warn_of_learner


@pytest.fixture(scope="module")
def few_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows half of the words, and spells the others: passages are longer by its tokenizer."""
    return save_tiny_model(tmp_path_factory.mktemp("few"), WORDS[::2])


@pytest.fixture(scope="module")
def options(two_texts: tuple[Path, Path]) -> dict[str, Any]:
    return {
        "article": two_texts[0], "meta_analysis": two_texts[1], "cycles": 1, "batch_size": 16, "passage_tokens": 16,
        "device": "cpu", "checkpoints": "log",
    }  # fmt: skip


def measured(run: Run) -> Path:
    """The folder of the run, with results of its last layer."""
    config = TopologyConfig(
        checkpoint=(str(run.folder),), layers="last", nulls="none", output=run.folder.parent / f"{run.name}.html"
    )
    run_topology(config)
    return run.folder


@pytest.mark.slow
def test_learners_with_one_reader_have_one_corpus_and_are_judged(
    options: dict[str, Any], tiny_model: Path, few_words: Path, tmp_path: Path
) -> None:
    runs = [
        train(
            **options,
            model=str(model),
            reader=str(tiny_model),
            seed=seed,
            output=tmp_path / f"{model.parent.name}{seed}",
        )
        for model in (tiny_model, few_words)
        for seed in (0, 1)
    ]
    hashes = [run.facts["sha256"]["corpus"] for run in runs]
    assert hashes[:2] == hashes[2:]
    assert hashes == [corpus_sha256(run.corpus) for run in runs]
    assert {run.facts["reader"] for run in runs} == {str(tiny_model)}
    assert runs[0].facts["sha256"]["base_weights"] != runs[2].facts["sha256"]["base_weights"]
    verdict = run_compare([measured(run) for run in runs], tmp_path / "c.html").verdict
    assert "different passages" not in verdict.sentence
    assert all(claim.p is not None for claim in verdict.claims if claim.what.startswith("held-out MRR"))


@pytest.mark.slow
def test_learners_that_read_for_themselves_are_described_and_the_remedy_is_named(
    options: dict[str, Any], tiny_model: Path, few_words: Path, tmp_path: Path
) -> None:
    runs = [
        train(**options, model=str(model), output=tmp_path / name)
        for name, model in (("a", tiny_model), ("b", few_words))
    ]
    assert runs[0].facts["sha256"]["corpus"] != runs[1].facts["sha256"]["corpus"]
    assert len(runs[0].corpus.t1) != len(runs[1].corpus.t1)
    verdict = run_compare([measured(run) for run in runs], tmp_path / "c.html").verdict
    assert "train them again with the same --reader" in verdict.sentence
    assert [claim.p for claim in verdict.claims if claim.what.startswith("held-out MRR")] == [None]


@pytest.mark.parametrize("encoder", ["loreft", "rotation", "lora"])
def test_the_base_model_reads_what_every_encoder_on_it_learns_from(
    encoder: str, options: dict[str, Any], tiny_model: Path, tmp_path: Path
) -> None:
    full, other = (
        train(**{**options, "batch_size": 16}, model=str(tiny_model), encoder=name, folds=1, output=tmp_path / name)
        for name in ("full", encoder)
    )
    assert full.facts["sha256"]["corpus"] == other.facts["sha256"]["corpus"]
    assert full.facts["reader"] == other.facts["reader"] == str(tiny_model)


def test_a_learner_that_reads_less_than_a_passage_is_told_in_one_line(
    options: dict[str, Any], tiny_model: Path, few_words: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = TrainConfig.from_mapping({**options, "model": str(few_words), "reader": str(tiny_model)})
    texts, learner = (
        read_texts(config),
        open_reader(TrainConfig.from_mapping({**options, "model": str(few_words)}), "cpu"),
    )
    corpus = build_corpus(config, texts, open_reader(config, "cpu"))
    with caplog.at_level(logging.WARNING):
        warn_of_learner(config, texts, corpus, learner)
        assert not [record for record in caplog.records if "reads at most" in record.getMessage()]
        learner.model.max_seq_length = 12
        warn_of_learner(config, texts, corpus, learner)
    (line,) = [record.getMessage() for record in caplog.records if "reads at most" in record.getMessage()]
    passages = len(corpus.t1) + len(corpus.t2)
    assert f"reads at most 12 tokens: it does not see the end of {passages} of {passages} passages" in line
    assert "give --passage-tokens 8 or less to all runs that are compared, or a model that reads more." in line
    assert "\n" not in line


def test_a_reader_that_is_not_there_is_named(options: dict[str, Any], tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no-such-reader"):
        train(**options, model=str(tiny_model), reader="./no-such-reader", output=tmp_path / "run")
    assert not (tmp_path / "run").exists()
