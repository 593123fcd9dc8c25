"""Two kinds of runs compared seed by seed and question by question: the same passages, asked of both."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from topores.analysis.comparison.run import ComparedRun
from topores.domain import DIRECTIONS, Corpus
from topores.sign_flips import sign_flip_p


def questions_p(pairs: Sequence[tuple[ComparedRun, ComparedRun]], cycle: int) -> float | None:
    """Two-sided p that the runs of each pair find held-out partners equally well, by signs of groups of questions.

    Questions whose passages are connected by held-out pairs of any seed share their sign. Seeds hold out other
    passages, but may ask about one twice.

    Args:
        pairs: Runs of one seed each, so that both were asked the same.
        cycle: The logged cycle that is compared.

    Returns:
        None if some run has no ranks of its questions, or if those of a pair differ.
    """
    differences = [_difference(one, other, cycle) for one, other in pairs]
    corpora = [one.analysis.corpus for one, _ in pairs]
    if any(found is None for found in differences) or any(corpus is None for corpus in corpora):
        return None
    groups = _groups([corpus for corpus in corpora if corpus is not None])
    found = np.concatenate([difference for difference in differences if difference is not None])
    return sign_flip_p(found, 0, groups=groups) if len(found) == len(groups) else None


def _difference(one: ComparedRun, other: ComparedRun, cycle: int) -> np.ndarray | None:
    if one.gist.questions is None or one.gist.questions != other.gist.questions:
        return None
    found = [_reciprocal(run, cycle) for run in (one, other)]
    mine, its = found
    return mine - its if mine is not None and its is not None and len(mine) == len(its) else None


def _reciprocal(run: ComparedRun, cycle: int) -> np.ndarray | None:
    ranks = run.ranks.get(cycle)
    if ranks is None:
        return None
    return np.concatenate([1 / np.asarray(ranks[way], dtype=float) for way in DIRECTIONS])


def _groups(corpora: Sequence[Corpus]) -> np.ndarray:
    """The group of each question, of all corpora one after another."""
    chosen = [(corpus.pairs, corpus.pairs_in("held_out")) for corpus in corpora]
    held = [(pairs.t1[rows], pairs.t2[rows]) for pairs, rows in chosen]
    n_1, n_2 = len(corpora[0].t1), len(corpora[0].t2)
    left, right = (np.concatenate([pair[side] for pair in held]) for side in (0, 1))
    joined = coo_array((np.ones(len(left)), (left, n_1 + right)), shape=(n_1 + n_2, n_1 + n_2))
    component = connected_components(joined, directed=False)[1]
    asked = [component[np.concatenate([np.unique(t1), n_1 + np.unique(t2)])] for t1, t2 in held]
    return np.asarray(np.unique(np.concatenate(asked), return_inverse=True)[1])
