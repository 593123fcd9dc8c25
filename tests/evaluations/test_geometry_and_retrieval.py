"""Metrics of a state, on embeddings whose answer is plain."""

import numpy as np
import pytest
from torch import nn

from topores.backbones.encoder import Encoder
from topores.domain import AlignedPairs, Corpus, Passage
from topores.evaluations import geometry, retrieval
from topores.evaluations._subject import Subject


def evaluate(rows_1: np.ndarray, rows_2: np.ndarray, corpus: Corpus) -> dict:
    # Neither looks at the learner itself.
    subject = Subject(Encoder.__new__(Encoder), nn.Identity(), corpus, rows_1, rows_2)
    return geometry.measured(subject) | retrieval.measured(subject)


def corpus(n: int, held_out: int) -> Corpus:
    sides = [tuple(Passage(s, "d", i, 0, 1, "x", 3) for i in range(n)) for s in ("t1", "t2")]
    pairs = AlignedPairs(np.arange(n), np.arange(n), np.ones(n), np.ones(n), np.ones(n, bool), 1.0)
    split = tuple("held_out" if i < held_out else "train" for i in range(n))
    return Corpus(*sides, pairs, split, split, 1, "texts")


def test_perfect_partners() -> None:
    rows = np.eye(8)
    found = evaluate(rows, rows, corpus(8, 3))
    assert found["alignment"] == 0
    assert found["modality_gap"] == 0
    assert found["rank_me"] == pytest.approx(8)
    for split in ("train", "held_out"):
        for direction in ("1to2", "2to1"):
            assert found[f"{split}_mrr_{direction}"] == 1
            assert found[f"{split}_recall_at_1_{direction}"] == 1


def test_a_collapsed_space_finds_nobody() -> None:
    rows = np.tile(np.eye(4)[0], (9, 1))
    found = evaluate(rows, rows, corpus(9, 3))
    assert found["held_out_recall_at_1_1to2"] == 0
    assert found["held_out_mrr_1to2"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)  # any of three places
    assert found["uniformity"] == 0
    assert found["rank_me"] == pytest.approx(1)


def test_nothing_held_out_is_none() -> None:
    found = evaluate(np.eye(4), np.eye(4), corpus(4, 0))
    assert found["held_out_mrr_1to2"] is None
    assert found["train_mrr_1to2"] == 1


def test_alignment_follows_the_strongest_partner() -> None:
    texts = corpus(2, 0)
    pairs = AlignedPairs(
        np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0.2, 0.8, 1.0]), np.ones(3), np.ones(3, bool), 1.0
    )
    texts = Corpus(texts.t1, texts.t2, pairs, texts.split_1, texts.split_2, 1, "texts")
    rows_2 = np.array([[1.0, 0], [0, 1]])
    # Passage 0 lies on its weak partner, at a squared distance of 2 from the strong one; passage 1 on its own.
    assert evaluate(np.array([[1.0, 0], [0, 1]]), rows_2, texts)["alignment"] == pytest.approx(1.0)
