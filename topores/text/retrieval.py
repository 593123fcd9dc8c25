"""Retrieval of aligned partners: the rank at which each passage finds its partner."""

from math import comb

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

    Training queries are ranked against the training passages. Held-out queries are ranked against all passages that are
    not trained on, including those within the embargo. Training passages are left out there: a model that merely pushes
    seen passages away from unseen ones would otherwise score better.

    Args:
        rows_1: Unit rows of T1's passages.
        rows_2: Unit rows of T2's passages.
        corpus: Provides the alignment and the split.
        split: 'train' or 'held_out'.
        direction: '1to2' has queries from T1, '2to1' from T2.

    Returns:
        One rank per query passage, from 1, in order of passage. Ties share their places as in `partner_ranks`, so that
        a collapsed space scores at chance level. Empty if there are no queries.
    """
    inside_1 = np.flatnonzero([(s == "train") == (split == "train") for s in corpus.split_1])
    inside_2 = np.flatnonzero([(s == "train") == (split == "train") for s in corpus.split_2])
    chosen = corpus.pairs_in(split)
    relevant = np.zeros((len(rows_1), len(rows_2)), dtype=bool)
    relevant[corpus.pairs.t1[chosen], corpus.pairs.t2[chosen]] = True
    # Lengths in float64: those of float32 rows differ by more than the cosines of a collapsed space.
    similarity = _unit(rows_1[inside_1]) @ _unit(rows_2[inside_2]).T
    relevant = relevant[np.ix_(inside_1, inside_2)]
    return partner_ranks(similarity, relevant) if direction == "1to2" else partner_ranks(similarity.T, relevant.T)


def question_groups(corpus: Corpus, split: Split) -> Int[np.ndarray, " queries"]:
    """Groups of dependent queries: the connected components of passages joined by pairs.

    Returns:
        A group number from 0 for each query of `ranks`, first for '1to2', then for '2to1'.
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

    Tied answers may come in any order: 1 / rank is then its mean over all orders, which is what chance gives where all
    are tied. (1 / the mean rank is less than half of that.) A NaN similarity gives rank inf.
    """
    asks = relevant.any(axis=1)
    # Rounded, so that equal texts tie regardless of the order of summation.
    similarity, relevant = similarity[asks].round(9), relevant[asks]
    best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    others = np.where(relevant, -np.inf, similarity)
    above, tied = (others > best).sum(axis=1), (others == best).sum(axis=1)
    alike = (relevant & (similarity == best)).sum(axis=1)
    rank = 1.0 + above
    for query in np.flatnonzero(tied):
        rank[query] = _shared_rank(int(above[query]), int(tied[query]), int(alike[query]))
    return np.where(np.isnan(similarity).any(axis=1), np.inf, rank)


def _shared_rank(above: int, tied: int, alike: int) -> float:
    """1 / the mean of 1 / rank of the first of `alike` relevant answers, in random order with `tied` others.

    The first relevant one comes at place j with probability C(alike + tied - j, alike - 1) / C(alike + tied, alike).
    """
    places = range(1, tied + 2)
    ways = comb(alike + tied, alike)
    return 1 / sum(comb(alike + tied - j, alike - 1) / ways / (above + j) for j in places)


def _unit(rows: Float[np.ndarray, "passages dim"]) -> Float[np.ndarray, "passages dim"]:
    """Rows of zeros, and those that are no numbers, stay as they are."""
    own = rows.astype(np.float64)
    lengths = np.linalg.norm(own, axis=1, keepdims=True)
    return own / np.where(lengths > 0, lengths, 1.0)
