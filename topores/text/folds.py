"""Folds: splits of one corpus such that every aligned pair is held out exactly once."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from topores.domain import AlignedPairs, Corpus
from topores.errors import InputError
from topores.text.split import (
    FEWEST_TRAIN,
    MOST_BLOCKS,
    Splits,
    groups_of_pairs,
    labels_around,
    places_of,
    word_ids,
)


def fold_texts(corpus: Corpus, folds: int) -> list[Corpus]:
    """The corpus of two long texts, once per fold.

    One text is cut into blocks of about equally many pairs, one to three for each fold. A fold holds out its blocks and
    all partners of their passages; the embargo and repeated passages are kept from training as in `split_texts`. Of
    the cuts of either text, the one that leaves the most weight to train on is taken.

    Args:
        folds: Number of folds, 2 or more.

    Returns:
        Corpora that differ in their split alone. Every pair is held out in exactly one of them.

    Raises:
        InputError: There are too few pairs for so many folds.
    """
    _refuse_few(corpus.pairs, folds)
    places = places_of(corpus.t1, corpus.embargo), places_of(corpus.t2, corpus.embargo)
    words = word_ids(corpus.t1, corpus.t2)
    cuts = [list(_split_by(corpus, cut, places, words, folds)) for cut in _cuts(corpus, places, folds)]
    if not cuts:
        raise InputError(f"The pairs stand in too few passages for --folds {folds}; give longer texts, or fewer folds.")
    best = max(cuts, key=_weight_to_train_on)
    _refuse_without_training(best, folds)
    return best


def fold_pairs(corpus: Corpus, folds: int, seed: int) -> list[Corpus]:
    """The corpus of a pair file, once per fold; pairs of one group are in the same fold, whole documents with them.

    Args:
        folds: Number of folds, 2 or more.
        seed: Seed of the order in which groups of equal size are dealt out.

    Raises:
        InputError: There are too few groups of pairs for so many folds.
    """
    _refuse_few(corpus.pairs, folds)
    groups = corpus.groups or groups_of_pairs(corpus.pairs, len(corpus.t1), len(corpus.t2)).tolist()
    names, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise InputError(
            f"The pairs fall into {len(names)} groups that share no text, document or topic, fewer than --folds "
            f"{folds}; give --folds {len(names)} or less, or more pairs."
        )
    fold_of = _deal(sizes, folds, seed)[group]
    found = [_with_held_out(corpus, fold_of == fold) for fold in range(folds)]
    _refuse_without_training(found, folds)
    return found


def _refuse_few(pairs: AlignedPairs, folds: int) -> None:
    fewest = folds + FEWEST_TRAIN
    if len(pairs) < fewest:
        raise InputError(
            f"There are {len(pairs)} aligned pairs, too few for --folds {folds}; give {fewest} pairs or more, or "
            "fewer folds."
        )


def _refuse_without_training(found: Sequence[Corpus], folds: int) -> None:
    for number, corpus in enumerate(found, 1):
        left = len(corpus.pairs_in("train"))
        if left < FEWEST_TRAIN or not len(corpus.pairs_in("held_out")):
            raise InputError(
                f"Fold {number} of {folds} leaves {left} pairs to train on, fewer than {FEWEST_TRAIN}; give longer "
                "texts, another number of --folds, or a smaller --embargo."
            )


def _weight_to_train_on(found: Sequence[Corpus]) -> float:
    """Of the fold with the least, and of all: no fold should starve."""
    left = [float(one.pairs.weight[one.pairs_in("train")].sum()) for one in found]
    return min(left) + sum(left) / len(left)


class _Cut(NamedTuple):
    """One way to part the pairs into folds."""

    of_pairs: Int[np.ndarray, " pairs"]
    """The fold of each pair."""
    of_passages: tuple[Int[np.ndarray, " passages_1"], Int[np.ndarray, " passages_2"]]
    """The fold whose block a passage lies in; -1 for every passage of the text that is not cut."""


def _cuts(corpus: Corpus, places: tuple[np.ndarray, np.ndarray], folds: int) -> Iterator[_Cut]:
    """Each way to cut one of the texts into blocks of about equally many pairs."""
    ends = corpus.pairs.t1, corpus.pairs.t2
    for side, blocks in itertools.product((0, 1), range(1, MOST_BLOCKS + 1)):
        order = np.argsort(places[side], kind="stable")
        pairs_at = np.bincount(ends[side], minlength=len(order))[order]
        # Passages without a partner belong to the block that they stand in.
        before = np.cumsum(pairs_at) - pairs_at
        block = np.minimum(before * (folds * blocks) // len(corpus.pairs), folds * blocks - 1)
        fold_of = np.empty(len(order), dtype=np.int64)
        fold_of[order] = block % folds
        of_pairs = fold_of[ends[side]]
        if len(np.unique(of_pairs)) == folds:
            none = np.full(len(places[1 - side]), -1)
            yield _Cut(of_pairs, (fold_of, none) if side == 0 else (none, fold_of))


def _split_by(
    corpus: Corpus, cut: _Cut, places: tuple[np.ndarray, np.ndarray], words: Sequence[np.ndarray], folds: int
) -> Iterator[Corpus]:
    for fold in range(folds):
        partners = _held_passages(corpus, cut.of_pairs == fold)
        held = tuple(own | (in_block == fold) for own, in_block in zip(partners, cut.of_passages, strict=True))
        split_1, split_2 = (tuple(side.tolist()) for side in labels_around(held, places, words, corpus.embargo))
        yield replace(corpus, split_1=split_1, split_2=split_2)


def _with_held_out(corpus: Corpus, chosen: Bool[np.ndarray, " pairs"]) -> Corpus:
    """The corpus with the texts of the chosen pairs held out, all passages of each."""
    splits: list[Splits] = []
    for passages, held in zip((corpus.t1, corpus.t2), _held_passages(corpus, chosen), strict=True):
        documents = {passage.document for passage, is_held in zip(passages, held, strict=True) if is_held}
        splits.append(tuple("held_out" if passage.document in documents else "train" for passage in passages))
    return replace(corpus, split_1=splits[0], split_2=splits[1])


def _held_passages(corpus: Corpus, chosen: Bool[np.ndarray, " pairs"]) -> tuple[np.ndarray, np.ndarray]:
    """Whether each passage of T1 and of T2 is in a chosen pair."""
    pairs = corpus.pairs
    sides = (pairs.t1, len(corpus.t1)), (pairs.t2, len(corpus.t2))
    return tuple(np.bincount(ends[chosen], minlength=count) > 0 for ends, count in sides)  # type: ignore[return-value]


def _deal(sizes: Int[np.ndarray, " groups"], folds: int, seed: int) -> Int[np.ndarray, " groups"]:
    """The fold of each group: the largest first, each to the fold that has the fewest pairs so far."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of, filled = np.empty(len(sizes), dtype=np.int64), np.zeros(folds)
    for group in order:
        fold_of[group] = int(np.argmin(filled))
        filled[fold_of[group]] += sizes[group]
    return fold_of
