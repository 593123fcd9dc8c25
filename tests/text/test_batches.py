"""Batches: every aligned pair once a cycle, from seed and step alone; nothing pushed apart that belongs together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.domain import AlignedPairs, Corpus, Passage
from topores.text.batches import Batches


def passages(side: str, texts: list[str], document: str | None = None) -> tuple[Passage, ...]:
    return tuple(Passage(side, document or f"d{i}", i, 0, len(t), t, 5) for i, t in enumerate(texts))


def corpus(n_1: int = 12, n_2: int = 10, *, embargo: int = 1, held_out: tuple[int, ...] = ()) -> Corpus:
    """T1's passage i belongs with T2's i (and, half of them, with i + 1); what has no partner is alone."""
    edges = [(i, i, 1.0) for i in range(min(n_1, n_2))]
    edges = [e for i, j, w in edges for e in ([(i, j, 0.5), (i, j + 1, 0.5)] if i % 2 and j + 1 < n_2 else [(i, j, w)])]
    t1, t2, weight = (np.array(column) for column in zip(*edges, strict=True))
    size = len(t1)
    pairs = AlignedPairs(t1, t2, weight.astype(float), np.full(size, np.nan), np.ones(size, bool), 1.0)
    return Corpus(
        passages("t1", [f"article {i}" for i in range(n_1)], "article"),
        passages("t2", [f"review {j}" for j in range(n_2)], "review"),
        pairs,
        tuple("held_out" if i in held_out else "train" for i in range(n_1)),
        tuple("held_out" if j in held_out else "train" for j in range(n_2)),
        embargo,
        "texts",
    )


def edges_of(batches: Batches, cycle: int) -> list[tuple[str, str]]:
    met = []
    for place in range(batches.per_cycle):
        batch = batches.for_step(cycle * batches.per_cycle + place)
        met += [(batch.texts_1[i], batch.texts_2[j]) for i, j in np.argwhere(batch.weights > 0)]
    return met


@given(n_1=st.integers(2, 30), n_2=st.integers(2, 30), size=st.integers(1, 40), cycle=st.integers(0, 10**9))
def test_every_training_pair_is_met_once_a_cycle(n_1: int, n_2: int, size: int, cycle: int) -> None:
    texts = corpus(n_1, n_2)
    batches = Batches(texts, size, seed=3)
    expected = [(texts.t1[i].text, texts.t2[j].text) for i, j in zip(texts.pairs.t1, texts.pairs.t2, strict=True)]
    assert sorted(edges_of(batches, cycle)) == sorted(expected)


def test_held_out_passages_are_never_met() -> None:
    batches = Batches(corpus(held_out=(4, 5, 6)), 4, seed=0)
    met = {
        text for step in range(30) for batch in [batches.for_step(step)] for text in (*batch.texts_1, *batch.texts_2)
    }
    assert not met & {f"{side} {i}" for side in ("article", "review") for i in (4, 5, 6)}
    assert len(met) == 9 + 7


def test_weights_of_each_asking_passage_sum_to_one_without_its_held_out_partners() -> None:
    batches = Batches(corpus(held_out=(4,)), 4, seed=0)  # passage 3 has partners 3 and 4
    for step in range(batches.per_cycle):
        batch = batches.for_step(step)
        assert batch.weights.sum(axis=1)[np.any(batch.weights > 0, axis=1)] == pytest.approx(1)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    """The batch of a step is the same whatever was asked before: a resumed run needs no replay."""
    used, fresh = Batches(corpus(), 3, seed=1), Batches(corpus(), 3, seed=1)
    for step in (0, 17, 3, 4, 1000, 2):
        used.for_step(step)
    assert used.for_step(9).texts_1 == fresh.for_step(9).texts_1
    assert [used.for_step(s).texts_1 for s in range(8)] != [
        Batches(corpus(), 3, seed=2).for_step(s).texts_1 for s in range(8)
    ]


def test_cycles_are_shuffled_differently() -> None:
    batches = Batches(corpus(), 3, seed=1)
    first, second = (
        [batches.for_step(c * batches.per_cycle + i).texts_1 for i in range(batches.per_cycle)] for c in (0, 1)
    )
    assert first != second


@pytest.mark.parametrize("embargo", [0, 1, 2])
def test_what_belongs_together_is_not_negative(embargo: int) -> None:
    texts = corpus(embargo=embargo)
    batch = Batches(texts, 100, seed=0).for_step(0)
    where_1 = {text: i for i, text in enumerate(batch.texts_1)}
    where_2 = {text: len(batch.texts_1) + j for j, text in enumerate(batch.texts_2)}
    for i in range(12):
        for k in range(12):
            assert batch.negative_weights[where_1[f"article {i}"], where_1[f"article {k}"]] == (abs(i - k) > embargo)
    for i, j in zip(texts.pairs.t1, texts.pairs.t2, strict=True):
        assert not batch.negative_weights[where_1[f"article {i}"], where_2[f"review {j}"]]
    assert batch.negative_weights[where_1["article 0"], where_2["review 5"]]
    assert np.array_equal(batch.negative_weights, batch.negative_weights.T)


def test_a_text_that_stands_twice_is_no_negative_of_itself_nor_of_its_twins_partners() -> None:
    """Two rows of a pair file with one study text: the review of one must not be pushed from the other."""
    t1 = passages("t1", ["the same study", "The  same study", "another study"])
    t2 = passages("t2", ["review a", "review b", "review c"])
    pairs = AlignedPairs(np.arange(3), np.arange(3), np.ones(3), np.full(3, np.nan), np.ones(3, bool), 1.0)
    batch = Batches(Corpus(t1, t2, pairs, ("train",) * 3, ("train",) * 3, 1, "pairs"), 10, seed=0).for_step(0)
    assert not batch.negative_weights[0, 1]
    assert not batch.negative_weights[0, 3 + 1]
    assert not batch.negative_weights[1, 3 + 0]
    assert batch.negative_weights[0, 2]
    assert batch.negative_weights[2, 3 + 0]


def test_neighbours_in_different_documents_are_negatives() -> None:
    t1 = passages("t1", ["one", "two"])  # documents d0 and d1, positions 0 and 1
    t2 = passages("t2", ["eins", "zwei"])
    pairs = AlignedPairs(np.arange(2), np.arange(2), np.ones(2), np.full(2, np.nan), np.ones(2, bool), 1.0)
    batch = Batches(Corpus(t1, t2, pairs, ("train",) * 2, ("train",) * 2, 1, "pairs"), 10, seed=0).for_step(0)
    assert batch.negative_weights[0, 1]
