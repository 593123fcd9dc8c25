"""What every file in evaluations/ promises."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from topores import variants
from topores.backbones.language_model import LanguageModel
from topores.backbones.loading import open_model
from topores.config import TrainConfig
from topores.evaluations._subject import Subject
from topores.text.corpus import corpus_from_texts
from topores.text.files import read_text

EVALUATIONS = variants.names("topores.evaluations")


LEARNERS: dict[str, dict] = {"rows": {}, "tokens": {"encoder": "causal_lm", "canaries": 2}}
"""Options of a learner of each kind: together they enter every evaluation."""


@pytest.fixture(scope="module", params=LEARNERS)
def subject(request: pytest.FixtureRequest, tiny_model: Path, two_texts: tuple[Path, Path]) -> Subject:
    options = {"pairs": "p.csv", "model": str(tiny_model), **LEARNERS[request.param]}
    config, reader = TrainConfig.from_mapping(options), open_model(str(tiny_model), "cpu")
    texts = [read_text(path) for path in two_texts]
    corpus = corpus_from_texts(*texts, reader.tokenizer, reader.encode, max_tokens=16, held_out=0.2, embargo=1, seed=0)
    encoder = variants.load("topores.encoders", config.encoder).build(config, "cpu")
    encoder.prepare(corpus, config)
    objective = variants.load("topores.objectives", config.objective).build(config)
    objective.prepare(encoder, corpus)
    rows = [encoder.encode([p.text for p in side]) for side in (corpus.t1, corpus.t2)]
    return Subject(encoder, objective, corpus, *rows)


@pytest.mark.parametrize("name", ["perplexity", "extraction", "exposure", "copies"])
def test_tokens_are_asked_about_where_they_are_predicted(name: str, subject: Subject) -> None:
    reason = variants.load("topores.evaluations", name).why_not(subject)
    assert reason == (None if isinstance(subject.encoder, LanguageModel) else "the encoder is not a language model")


@pytest.mark.parametrize("name", EVALUATIONS)
def test_it_says_why_not_or_measures_numbers(name: str, subject: Subject) -> None:
    evaluation = variants.load("topores.evaluations", name)
    reason = evaluation.why_not(subject)
    if reason is not None:
        assert reason
        assert not reason.endswith(".")
        return
    found = evaluation.measured(subject)
    assert found
    json.dumps(found)
    assert all(value is None or math.isfinite(value) for value in found.values())
    assert evaluation.measured(subject) == found


@pytest.mark.parametrize("name", EVALUATIONS)
def test_it_changes_neither_the_learner_nor_the_rows(name: str, subject: Subject) -> None:
    evaluation = variants.load("topores.evaluations", name)
    if evaluation.why_not(subject) is not None:
        pytest.skip("does not apply here")
    state = {key: value.clone() for key, value in subject.encoder.state_dict().items()}
    own = {key: value.clone() for key, value in subject.objective.state_dict().items()}
    rows = subject.rows_1.copy(), subject.rows_2.copy()
    for training in (True, False):
        subject.encoder.train(training)
        torch.manual_seed(3)
        expected = torch.rand(1)
        torch.manual_seed(3)
        evaluation.measured(subject)
        assert torch.equal(torch.rand(1), expected)
        assert subject.encoder.training == training
    assert all(torch.equal(value, state[key]) for key, value in subject.encoder.state_dict().items())
    assert all(torch.equal(value, own[key]) for key, value in subject.objective.state_dict().items())
    assert np.array_equal(rows[0], subject.rows_1)
    assert np.array_equal(rows[1], subject.rows_2)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_without_pairs_it_does_not_fail(name: str, subject: Subject) -> None:
    pairs = subject.corpus.pairs
    none = replace(
        pairs, t1=pairs.t1[:0], t2=pairs.t2[:0], weight=pairs.weight[:0],
        similarity=pairs.similarity[:0], mutual=pairs.mutual[:0],
    )  # fmt: skip
    alone = replace(subject, corpus=replace(subject.corpus, pairs=none))
    evaluation = variants.load("topores.evaluations", name)
    assert evaluation.why_not(alone) is not None or evaluation.measured(alone)
