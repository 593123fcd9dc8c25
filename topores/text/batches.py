"""Batches of a cycle: every aligned training pair once, from the seed and the step alone."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.sparse import csr_array

from topores.domain import Corpus, Side


@dataclass(frozen=True)
class Batch:
    """Passages of both texts that are encoded together, and how each relates to the others."""

    texts_1: tuple[str, ...]
    texts_2: tuple[str, ...]
    weights: Float[np.ndarray, "passages_1 passages_2"]
    """Alignment: each row of a T1 passage with a partner sums to 1."""
    negative_weights: Shaped[np.ndarray, "passages passages"]
    """How much each passage (T1's, then T2's) counts as a negative of each other: 0 excludes it, 1 counts it fully.
    Boolean where there is nothing between. Excluded are the passage itself, its partners, its neighbours within the
    embargo, and texts equal to any of these."""
    passages_1: Int[np.ndarray, " passages_1"]
    """Which passages of T1 in the corpus `texts_1` are: indices into `Corpus.t1`."""
    passages_2: Int[np.ndarray, " passages_2"]
    """Indices into `Corpus.t2`."""


class Batches:
    """The training side of a corpus, cut into batches.

    A batch is a chunk of T1's passages and all their partners in T2, so that an aligned pair is
    met once a cycle, and asks in both directions there. Passages without a partner come along:
    they ask for themselves, and are negatives of the others.
    """

    def __init__(self, corpus: Corpus, batch_size: int, seed: int) -> None:
        self.corpus, self.seed = corpus, seed
        self.train_1 = _train_indices(corpus, "t1")
        chosen = corpus.pairs_in("train")
        t1, t2, weight = (column[chosen] for column in (corpus.pairs.t1, corpus.pairs.t2, corpus.pairs.weight))
        self.alignment = csr_array((weight, (t1, t2)), shape=(len(corpus.t1), len(corpus.t2)), dtype=np.float64)
        has_partner = np.isin(_train_indices(corpus, "t2"), t2)
        self.lone_2 = _train_indices(corpus, "t2")[~has_partner]
        self.per_cycle = max(1, math.ceil(len(self.train_1) / batch_size))
        # Of all passages, T1's first: looked up in every batch, so worked out once.
        everything = (*corpus.t1, *corpus.t2)
        self._text = [p.text for p in everything]
        self._content = _number_equal([" ".join(text.split()).casefold() for text in self._text])
        self._document = _number_equal([f"{p.side} {p.document}" for p in everything])
        self._position = np.array([p.position for p in everything], dtype=np.int64)

    def for_step(self, step: int) -> Batch:
        """The batch of a step, counted from 0 over all cycles. Nothing is remembered between calls."""
        cycle, place = divmod(step, self.per_cycle)
        order_1, order_2 = self._orders(cycle)
        chosen_1 = np.sort(_share(order_1, place, self.per_cycle))
        asks, partner, weight = self._partners(chosen_1)
        chosen_2 = np.union1d(partner, _share(order_2, place, self.per_cycle))
        weights = np.zeros((len(chosen_1), len(chosen_2)))
        weights[asks, np.searchsorted(chosen_2, partner)] = weight
        total = weights.sum(axis=1, keepdims=True)
        weights /= np.where(total > 0, total, 1.0)
        chosen = np.concatenate([chosen_1, len(self.corpus.t1) + chosen_2])
        texts = [self._text[i] for i in chosen]
        return Batch(
            texts_1=tuple(texts[: len(chosen_1)]),
            texts_2=tuple(texts[len(chosen_1) :]),
            weights=weights,
            negative_weights=~self._excluded_pairs(chosen, weights),
            passages_1=chosen_1,
            passages_2=chosen_2,
        )

    @lru_cache(maxsize=2)  # noqa: B019  two cycles at most; a Batches lives as long as its run
    def _orders(self, cycle: int) -> tuple[Int[np.ndarray, " t1"], Int[np.ndarray, " lone"]]:
        shuffle = np.random.default_rng([self.seed, cycle])
        return shuffle.permutation(self.train_1), shuffle.permutation(self.lone_2)

    def _partners(
        self, chosen_1: Int[np.ndarray, " t1"]
    ) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
        """The aligned pairs of these passages: who asks (its place among them), the partner and the weight."""
        # By hand: to index a sparse matrix takes longer than all else here.
        first, stop = self.alignment.indptr[chosen_1], self.alignment.indptr[chosen_1 + 1]
        places = np.concatenate([np.arange(a, b) for a, b in zip(first, stop, strict=True)]).astype(np.int64)
        asks = np.repeat(np.arange(len(chosen_1)), stop - first)
        return asks, self.alignment.indices[places], self.alignment.data[places]

    def _excluded_pairs(
        self, chosen: Int[np.ndarray, " passages"], weights: Float[np.ndarray, "passages_1 passages_2"]
    ) -> Bool[np.ndarray, "passages passages"]:
        """Which passages are not negatives of each other, T1's first, then T2's."""
        n_1 = len(weights)
        position, document, content = self._position[chosen], self._document[chosen], self._content[chosen]
        excluded = np.abs(position[:, None] - position) <= self.corpus.embargo
        excluded &= document[:, None] == document
        excluded[:n_1, n_1:] = weights > 0
        excluded[n_1:, :n_1] = weights.T > 0
        same_text = content[:, None] == content
        if same_text.sum() > len(content):
            # What is excluded for one copy of a text is excluded for all its copies.
            excluded = (same_text.astype(np.int32) @ excluded @ same_text) > 0
        return excluded | same_text


def _share(order: Int[np.ndarray, " passages"], place: int, shares: int) -> Int[np.ndarray, " share"]:
    """One of `shares` consecutive parts whose lengths differ by one at most."""
    return order[place * len(order) // shares : (place + 1) * len(order) // shares]


def _train_indices(corpus: Corpus, side: Side) -> Int[np.ndarray, " train"]:
    return np.flatnonzero(np.array([s == "train" for s in corpus.split(side)], dtype=bool))


def _number_equal(names: list[str]) -> Int[np.ndarray, " passages"]:
    """Equal names get equal numbers."""
    return np.unique(names, return_inverse=True)[1].reshape(-1)
