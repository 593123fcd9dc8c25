"""Which passages of both texts' cloud are partners, for nulls that keep them together."""

import numpy as np

from topores.analysis.sources import Source
from topores.topology import TwoTexts, one_to_one


def partners_of(source: Source) -> TwoTexts | None:
    """The texts of the union's rows, and each passage with its best partner; None where nothing is aligned.

    Mutual nearest neighbours come first, then the pairs of the largest weight. A passage whose partners all have
    better ones is taken as unpaired.
    """
    corpus = source.corpus
    if corpus is None or not len(corpus.pairs):
        return None
    pairs, n_1, n_2 = corpus.pairs, len(corpus.t1), len(corpus.t2)
    chosen = one_to_one(np.column_stack([pairs.t1, pairs.t2 + n_1]), pairs.mutual + pairs.weight)
    return TwoTexts(np.repeat([0, 1], [n_1, n_2]), chosen)
