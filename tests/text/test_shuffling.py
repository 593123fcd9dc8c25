"""Shuffled pairs: only the pairing changes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from topores.domain import Corpus, Passage
from topores.errors import InputError
from topores.text.alignment import AlignedPairs
from topores.text.batches import Batches
from topores.text.shuffling import with_shuffled_pairs


def corpus(pairs: list[tuple[int, int]], n: int, held_out: int = 0) -> Corpus:
    """n passages per side, the last `held_out` of each held out."""
    t1, t2 = (tuple(Passage(side, f"{side}{i}", 0, 0, 4, f"{side} {i}", 3) for i in range(n)) for side in ("t1", "t2"))
    a, b = np.array(pairs, dtype=np.int64).T
    weight = np.array([1 / sum(x == y for y, _ in pairs) for x, _ in pairs])
    aligned = AlignedPairs(a, b, weight, np.full(len(pairs), 0.5), np.ones(len(pairs), dtype=bool), 1.0)
    split = ("train",) * (n - held_out) + ("held_out",) * held_out
    return Corpus(t1, t2, aligned, split, split, 1, "texts")


def as_set(corpus: Corpus) -> set[tuple[int, int]]:
    return set(zip(corpus.pairs.t1.tolist(), corpus.pairs.t2.tolist(), strict=True))


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=15), st.integers(0, 5))
def test_no_pair_remains_and_all_else_does(pairs: set[tuple[int, int]], seed: int) -> None:
    before = corpus(sorted(pairs), 10)
    try:
        after = with_shuffled_pairs(before, seed)
    except InputError:
        assume(False)
    assert not as_set(after) & as_set(before)
    assert len(as_set(after)) == len(pairs)
    assert replace(after, pairs=before.pairs) == before
    assert np.array_equal(after.pairs.t1, before.pairs.t1)
    assert np.array_equal(after.pairs.weight, before.pairs.weight)
    partners = [np.unique(c.pairs.t2, return_counts=True) for c in (before, after)]
    assert np.array_equal(partners[0][0], partners[1][0])
    assert sorted(partners[0][1]) == sorted(partners[1][1])


def test_held_out_pairs_stay() -> None:
    before = corpus([(i, i) for i in range(10)], 10, held_out=4)
    after = with_shuffled_pairs(before, 3)
    for split, same in (("held_out", True), ("train", False)):
        rows = before.pairs_in(split)
        assert np.array_equal(after.pairs_in(split), rows)
        assert (after.pairs.t2[rows] == before.pairs.t2[rows]).all() == same
        assert np.isnan(after.pairs.similarity[rows]).all() != same
        assert after.pairs.mutual[rows].all() == same


def test_the_seed_decides() -> None:
    before = corpus([(i, i) for i in range(20)], 20)
    drawn = [tuple(with_shuffled_pairs(before, seed).pairs.t2) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_the_batches_of_t1_stay() -> None:
    before = corpus([(i, i) for i in range(20)], 20)
    ours, theirs = (Batches(c, 6, 0).for_step(1) for c in (before, with_shuffled_pairs(before, 1)))
    assert ours.texts_1 == theirs.texts_1
    assert ours.texts_2 != theirs.texts_2


@pytest.mark.parametrize("pairs", [[(0, 0)], [(0, 0), (0, 1), (1, 0), (1, 1)], [(0, 0), (1, 0)]])
def test_pairs_that_cannot_be_permuted_are_refused(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(InputError, match=f"{len(pairs)} training pairs .* cannot be permuted"):
        with_shuffled_pairs(corpus(pairs, 3), 0)


def grouped(groups: list[int]) -> Corpus:
    """A pair file with one pair of each passage, in these groups."""
    return replace(corpus([(i, i) for i in range(len(groups))], len(groups)), groups=tuple(groups))


@given(st.lists(st.integers(0, 4), min_size=6, max_size=24), st.integers(0, 5))
def test_partners_stay_in_their_document_or_topic(groups: list[int], seed: int) -> None:
    sizes = np.bincount(groups, minlength=5)
    assume((sizes == 1).sum() != 1)
    after = with_shuffled_pairs(grouped(groups), seed)
    before_of, after_of = np.array(groups), np.array(groups)[after.pairs.t2]
    assert not (after.pairs.t1 == after.pairs.t2).any()
    together = sizes[before_of] > 1
    assert np.array_equal(after_of[together], before_of[together])
    assert (sizes[after_of[~together]] == 1).all()


def test_without_room_in_a_topic_partners_are_permuted_freely() -> None:
    # Both passages of topic 0 belong with both partners: any order within it keeps a true pair.
    dense = replace(corpus([(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (3, 3)], 4), groups=(0, 0, 0, 0, 1, 1))
    after = with_shuffled_pairs(dense, 1)
    assert not as_set(after) & as_set(dense)
    # One pair is alone in its topic, so it could only keep its partner.
    assert not as_set(with_shuffled_pairs(grouped([0, 0, 0, 1]), 1)) & {(i, i) for i in range(4)}
