"""Batches of a cycle: every aligned training pair once, from the seed and the step alone."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from topores.domain import Corpus, Passage, Side


@dataclass(frozen=True)
class Batch:
    """Passages of both texts that are encoded together, and what each is to the others.

    Rows and columns of `not_negative` are the passages of T1, then those of T2.
    """

    texts_1: tuple[str, ...]
    texts_2: tuple[str, ...]
    weights: Float[np.ndarray, "passages_1 passages_2"]
    """Alignment: each row of a T1 passage with a partner sums to 1."""
    not_negative: Bool[np.ndarray, "passages passages"]
    """Itself, its partners, its neighbours within the embargo, and texts equal to any of these."""


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
        self._content = _content_ids(corpus)

    def at(self, step: int) -> Batch:
        """The batch of a step, counted from 0 over all cycles. Nothing is remembered between calls."""
        cycle, place = divmod(step, self.per_cycle)
        order_1, order_2 = self._orders(cycle)
        chunk_1 = np.sort(np.array_split(order_1, self.per_cycle)[place])
        lone_2 = np.array_split(order_2, self.per_cycle)[place]
        partners = np.unique(self.alignment[chunk_1].indices)
        return self._batch(chunk_1, np.union1d(partners, lone_2))

    @lru_cache(maxsize=2)  # noqa: B019  two cycles at most; a Batches lives as long as its run
    def _orders(self, cycle: int) -> tuple[Int[np.ndarray, " t1"], Int[np.ndarray, " lone"]]:
        shuffle = np.random.default_rng([self.seed, cycle])
        return shuffle.permutation(self.train_1), shuffle.permutation(self.lone_2)

    def _batch(self, chosen_1: Int[np.ndarray, " t1"], chosen_2: Int[np.ndarray, " t2"]) -> Batch:
        corpus = self.corpus
        weights = self.alignment[chosen_1][:, chosen_2].toarray()
        total = weights.sum(axis=1, keepdims=True)
        weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        passages_1, passages_2 = [corpus.t1[i] for i in chosen_1], [corpus.t2[j] for j in chosen_2]
        content = self._content[np.concatenate([chosen_1, len(corpus.t1) + chosen_2])]
        return Batch(
            texts_1=tuple(p.text for p in passages_1),
            texts_2=tuple(p.text for p in passages_2),
            weights=weights,
            not_negative=not_negative(passages_1, passages_2, weights, content, corpus.embargo),
        )


def not_negative(
    passages_1: list[Passage],
    passages_2: list[Passage],
    weights: Float[np.ndarray, "passages_1 passages_2"],
    content: Int[np.ndarray, " passages"],
    embargo: int,
) -> Bool[np.ndarray, "passages passages"]:
    """Which passages must not push each other apart, T1's first, then T2's.

    Args:
        content: Equal for passages of equal text, over both sides.
        embargo: Neighbours at most this far apart in one document are spared.
    """
    n_1 = len(passages_1)
    spared = np.zeros((len(content), len(content)), dtype=bool)
    spared[:n_1, :n_1] = _neighbours(passages_1, embargo)
    spared[n_1:, n_1:] = _neighbours(passages_2, embargo)
    spared[:n_1, n_1:] = weights > 0
    spared[n_1:, :n_1] = weights.T > 0
    same_text = content[:, None] == content[None, :]
    if same_text.sum() > len(content):
        # What is spared for one copy of a text is spared for all its copies.
        spared = (same_text.astype(np.int32) @ spared @ same_text) > 0
    return spared | same_text


def _neighbours(passages: list[Passage], embargo: int) -> Bool[np.ndarray, "passages passages"]:
    position = np.array([p.position for p in passages], dtype=np.int64)
    _, document = np.unique([p.document for p in passages], return_inverse=True) if passages else (None, position)
    near = np.abs(position[:, None] - position[None, :]) <= embargo
    return near & (document[:, None] == document[None, :])


def _train_indices(corpus: Corpus, side: Side) -> Int[np.ndarray, " train"]:
    return np.flatnonzero(np.array([s == "train" for s in corpus.split(side)], dtype=bool))


def _content_ids(corpus: Corpus) -> Int[np.ndarray, " passages"]:
    texts = [" ".join(p.text.split()).casefold() for p in (*corpus.t1, *corpus.t2)]
    return np.unique(texts, return_inverse=True)[1].reshape(-1)
