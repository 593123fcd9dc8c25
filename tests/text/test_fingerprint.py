"""Hashes of a corpus: equal for what is written and read back, other for whatever training or evaluation would see."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from topores.domain import AlignedPairs, Corpus, Passage
from topores.text.corpus import read_corpus, write_corpus
from topores.text.fingerprint import corpus_sha256, passages_sha256


def corpus() -> Corpus:
    t1, t2 = ([Passage(s, s, i, 5 * i, 5 * i + 4, f"{s} é {i}", 3) for i in range(4)] for s in ("t1", "t2"))  # type: ignore[arg-type]
    pairs = AlignedPairs(
        np.arange(4), np.array([1, 0, 2, 3]), np.array([1 / 3, 0.1, 0.7, 1.0]), np.full(4, np.nan),
        np.ones(4, dtype=bool), 1.0,
    )  # fmt: skip
    return Corpus(tuple(t1), tuple(t2), pairs, ("train", "train", None, "held_out"), ("train",) * 4, 1, "texts")


def with_pairs(**changed: np.ndarray) -> Corpus:
    return dataclasses.replace(corpus(), pairs=dataclasses.replace(corpus().pairs, **changed))


def with_passage(**changed: object) -> Corpus:
    first, *others = corpus().t1
    return dataclasses.replace(corpus(), t1=(dataclasses.replace(first, **changed), *others))


def test_what_is_read_back_from_the_tables_has_the_same_hashes(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path)
    assert corpus_sha256(read_corpus(tmp_path)) == corpus_sha256(corpus())
    assert passages_sha256(read_corpus(tmp_path)) == passages_sha256(corpus())


@pytest.mark.parametrize(
    "changed",
    [
        with_passage(text="other"), with_passage(document="other"), with_passage(position=9),
        with_pairs(t2=np.arange(4)), with_pairs(weight=np.array([0.3, 0.1, 0.7, 1.0])),
        dataclasses.replace(corpus(), embargo=2),
    ],
)  # fmt: skip
def test_other_passages_or_pairs_have_other_hashes(changed: Corpus) -> None:
    assert corpus_sha256(changed) != corpus_sha256(corpus())
    assert passages_sha256(changed) != passages_sha256(corpus())


def test_another_split_has_another_hash_of_the_corpus_alone() -> None:
    changed = dataclasses.replace(corpus(), split_2=("train", "train", None, "held_out"))
    assert corpus_sha256(changed) != corpus_sha256(corpus())
    assert passages_sha256(changed) == passages_sha256(corpus())


def test_what_training_does_not_see_has_no_hash() -> None:
    changed = with_pairs(similarity=np.zeros(4), mutual=np.zeros(4, dtype=bool))
    assert corpus_sha256(changed) == corpus_sha256(corpus())
    assert corpus_sha256(with_passage(tokens=99)) == corpus_sha256(corpus())
