"""Retrieval of aligned partners: the rank at which each passage finds its own."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from topores.domain import Corpus, Split


def ranks(
    rows_1: Float[np.ndarray, "passages_1 dim"],
    rows_2: Float[np.ndarray, "passages_2 dim"],
    corpus: Corpus,
    split: Split,
    direction: str,
) -> Float[np.ndarray, " queries"]:
    """Rank of the first partner among the passages of the other text, for each passage that has one.

    Training questions have the training passages as answers; held-out questions have all passages that are
    not trained on, those within the embargo too. Were trained passages among the answers to held-out questions,
    a model that merely pushes what it has seen away from what it has not would look better.

    Args:
        rows_1: Unit rows of T1's passages.
        rows_2: Unit rows of T2's passages.
        corpus: Whose alignment and split hold.
        split: 'train' or 'held_out'.
        direction: '1to2' asks with T1, '2to1' with T2.

    Returns:
        One rank per asking passage, from 1, in order of passage. Equal similarities share their mean
        rank, so that a collapsed space scores as chance, not as perfect. Empty if nothing asks.
    """
    inside_1 = np.flatnonzero([(s == "train") == (split == "train") for s in corpus.split_1])
    inside_2 = np.flatnonzero([(s == "train") == (split == "train") for s in corpus.split_2])
    chosen = corpus.pairs_in(split)
    relevant = np.zeros((len(rows_1), len(rows_2)), dtype=bool)
    relevant[corpus.pairs.t1[chosen], corpus.pairs.t2[chosen]] = True
    similarity = rows_1[inside_1].astype(np.float64) @ rows_2[inside_2].astype(np.float64).T
    relevant = relevant[np.ix_(inside_1, inside_2)]
    return partner_ranks(similarity, relevant) if direction == "1to2" else partner_ranks(similarity.T, relevant.T)


def question_groups(corpus: Corpus, split: Split) -> Int[np.ndarray, " queries"]:
    """Which questions hang together: those of passages that pairs join, over however many steps.

    Returns:
        A number from 0 for each question of `ranks`, those of '1to2' first, then those of '2to1'.
    """
    chosen = corpus.pairs_in(split)
    if not len(chosen):
        return np.empty(0, dtype=np.int64)
    t1, place_1 = np.unique(corpus.pairs.t1[chosen], return_inverse=True)
    t2, place_2 = np.unique(corpus.pairs.t2[chosen], return_inverse=True)
    size = len(t1) + len(t2)
    joined = coo_array((np.ones(len(chosen)), (place_1, len(t1) + place_2)), shape=(size, size))
    return np.asarray(connected_components(joined, directed=False)[1])


def partner_ranks(
    similarity: Float[np.ndarray, "queries answers"], relevant: Bool[np.ndarray, "queries answers"]
) -> Float[np.ndarray, " asking"]:
    """Rank, from 1, of the nearest relevant answer, for each query that has one.

    Equal similarities share their mean rank; where one is NaN, the rank is inf.
    """
    asks = relevant.any(axis=1)
    # Rounded, so that equal texts tie, whatever the order in which their products were summed.
    similarity, relevant = similarity[asks].round(9), relevant[asks]
    best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    others = np.where(relevant, -np.inf, similarity)
    rank = 1.0 + (others > best).sum(axis=1) + (others == best).sum(axis=1) / 2
    return np.where(np.isnan(similarity).any(axis=1), np.inf, rank)
