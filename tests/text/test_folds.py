"""Over all folds every pair is held out once, and within each nothing held out is trained on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.domain import AlignedPairs, Corpus, Passage
from topores.errors import InputError
from topores.text.folds import fold_pairs, fold_texts
from topores.text.split import FEWEST_TRAIN


def corpus(t1: list[int], t2: list[int], counts: tuple[int, int], *, embargo: int = 1, repeats: int = 0) -> Corpus:
    """Passages of one document per text; the first `repeats` of T1 say the same."""
    sides = [
        tuple(
            Passage(side, "d", i, 0, 9, "the same" if side == "t1" and i < repeats else f"{side} {i}", 3)
            for i in range(count)
        )
        for side, count in zip(("t1", "t2"), counts, strict=True)
    ]
    ends = np.asarray(t1, dtype=np.int64), np.asarray(t2, dtype=np.int64)
    size = len(ends[0])
    pairs = AlignedPairs(*ends, np.ones(size), np.full(size, np.nan), np.zeros(size, dtype=bool), 1.0)
    splits = (tuple("train" for _ in side) for side in sides)
    return Corpus(*sides, pairs, *splits, embargo, "texts")


@st.composite
def texts(draw: st.DrawFn) -> Corpus:
    """Aligned along a noisy diagonal, with passages without partners."""
    rng, n = np.random.default_rng(draw(st.integers(0, 10_000))), draw(st.integers(24, 60))
    t1 = np.sort(rng.choice(n, size=draw(st.integers(16, n)), replace=False))
    t2 = np.clip(t1 + rng.integers(-3, 4, size=len(t1)), 0, n - 1)
    return corpus(t1.tolist(), t2.tolist(), (n, n), embargo=draw(st.integers(0, 2)))


def held_out_times(found: list[Corpus]) -> np.ndarray:
    times = np.zeros(len(found[0].pairs), dtype=int)
    for fold in found:
        times[fold.pairs_in("held_out")] += 1
    return times


@given(texts(), st.integers(2, 6))
def test_every_pair_is_held_out_once_and_nothing_near_it_is_trained_on(made: Corpus, folds: int) -> None:
    try:
        found = fold_texts(made, folds)
    except InputError:
        return
    assert len(found) == folds
    assert held_out_times(found).tolist() == [1] * len(made.pairs)
    for fold in found:
        assert len(fold.pairs_in("train")) >= FEWEST_TRAIN
        for side in ("t1", "t2"):
            place = {s: [i for i, name in enumerate(fold.split(side)) if name == s] for s in ("held_out", "train")}
            near = [abs(i - j) for i in place["held_out"] for j in place["train"]]
            assert min(near) > made.embargo
        assert replace(fold, split_1=made.split_1, split_2=made.split_2) == made


def test_folds_hold_out_about_as_many_pairs() -> None:
    found = fold_texts(corpus(list(range(40)), list(range(40)), (40, 40)), 5)
    assert [len(fold.pairs_in("held_out")) for fold in found] == [8] * 5
    assert min(len(fold.pairs_in("train")) for fold in found) >= 28


def test_the_text_is_cut_that_leaves_more_to_train_on() -> None:
    """Each passage of the short text has two partners far apart, so a cut of the long text would hold it out twice."""
    short, long = [i % 20 for i in range(40)], list(range(40))
    for made in (corpus(long, short, (40, 20)), corpus(short, long, (20, 40))):
        assert min(len(fold.pairs_in("train")) for fold in fold_texts(made, 4)) >= 26


def test_passages_without_partners_are_held_out_with_the_block_they_stand_in() -> None:
    """They are candidates, and as little trained on as those around them."""
    found = fold_texts(corpus(list(range(0, 60, 2)), list(range(30)), (60, 30), embargo=0), 5)
    for fold in found:
        held = [i for i, name in enumerate(fold.split_1) if name == "held_out"]
        assert set(range(min(held), max(held))) <= set(held)


def test_what_repeats_a_held_out_passage_is_not_trained_on() -> None:
    found = fold_texts(corpus(list(range(40)), list(range(40)), (40, 40), repeats=12), 5)
    for fold in found:
        same = {name for passage, name in zip(fold.t1, fold.split_1, strict=True) if passage.text == "the same"}
        assert not {"held_out", "train"} <= same


def test_pairs_of_one_group_or_one_text_stay_together() -> None:
    made = corpus([0, 0, *range(1, 29)], list(range(30)), (29, 30))
    groups = (50, 50, *(row // 4 for row in range(28)))
    own_documents = [tuple(replace(p, document=f"d{i}") for i, p in enumerate(side)) for side in (made.t1, made.t2)]
    made = replace(made, t1=own_documents[0], t2=own_documents[1], groups=groups, source="pairs")
    found = fold_pairs(made, 4, 0)
    assert held_out_times(found).tolist() == [1] * 30
    for fold in found:
        held = {groups[row] for row in fold.pairs_in("held_out")}
        assert not held & {groups[row] for row in fold.pairs_in("train")}
        assert set(fold.split_1) == set(fold.split_2) == {"held_out", "train"}
    sizes = [len(fold.pairs_in("held_out")) for fold in found]
    assert max(sizes) - min(sizes) <= 4


def test_all_passages_of_a_held_out_document_are_held_out() -> None:
    made = corpus([0, 2, 4, 6, 8, 10, 12, 14], list(range(8)), (16, 8))
    halves = tuple(replace(p, document=f"d{i // 2}") for i, p in enumerate(made.t1))
    wholes = tuple(replace(p, document=f"d{i}") for i, p in enumerate(made.t2))
    for fold in fold_pairs(replace(made, t1=halves, t2=wholes), 2, 0):
        assert list(fold.split_1[::2]) == list(fold.split_1[1::2])


def test_the_seed_deals_pairs_out() -> None:
    made = corpus(list(range(30)), list(range(30)), (30, 30))
    made = replace(
        made, t1=tuple(replace(p, document=str(i)) for i, p in enumerate(made.t1)),
        t2=tuple(replace(p, document=str(i)) for i, p in enumerate(made.t2)),
    )  # fmt: skip
    one, same, other = ([f.split_1 for f in fold_pairs(made, 3, seed)] for seed in (0, 0, 1))
    assert one == same != other


@pytest.mark.parametrize(
    ("made", "folds", "message"),
    [
        (corpus([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], (5, 5)), 5, "There are 5 aligned pairs, too few for --folds 5"),
        (corpus([0] * 12, list(range(12)), (1, 12)), 3, "Fold 1 of 3 leaves 0 pairs to train on"),
        (corpus(list(range(12)), list(range(12)), (12, 12), embargo=9), 3, "of 3 leaves 0 pairs to train on"),
    ],
)
def test_too_little_to_fold_is_one_line(made: Corpus, folds: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as fault:
        fold_texts(made, folds)
    assert "\n" not in str(fault.value)


def test_too_few_groups_are_one_line() -> None:
    made = corpus([0] * 6 + [1] * 6, list(range(12)), (2, 12))
    with pytest.raises(InputError, match=r"fall into 2 groups that share no text, .* than --folds 3"):
        fold_pairs(made, 3, 0)
