"""What a run with folds will be able to see, said before it starts."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from topores.domain import Corpus
from topores.text.split import groups_of_pairs

SPREAD = 0.2
"""Standard deviation of the change of 1/rank over groups of dependent queries: .15 to .26 in benchmarks/power.py."""

LEVEL, POWER = 0.05, 0.8


def outlook(corpora: Sequence[Corpus], nulls: int) -> str:
    """How small a gain will be found in four of five such studies.

    Args:
        corpora: One for each fold, two or more.
        nulls: Runs on shuffled pairings beside each.
    """
    corpus, folds = corpora[0], len(corpora)
    groups = independent_groups(corpus)
    beside = f"beside {folds * nulls} runs on shuffled pairings" if nulls else "without a control run"
    return (
        f"Each of the {len(corpus.pairs)} pairs is held out in one of {folds} folds, {beside}: {folds * (1 + nulls)} "
        f"runs in all. Gains in MRR of about {visible_gain(groups):.2f} and more will be seen."
    )


def independent_groups(corpus: Corpus) -> int:
    """How many groups of pairs share no passage, document or topic."""
    groups = corpus.groups or groups_of_pairs(corpus.pairs, len(corpus.t1), len(corpus.t2))
    return len(np.unique(groups))


def visible_gain(groups: int) -> float:
    """The gain that a two-sided test at 5 % finds in 80 % of studies of so many groups (normal approximation)."""
    return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER)) * SPREAD / np.sqrt(groups))
