"""What the page shows of the nulls: each number of the run beside the same number under every null."""

from dataclasses import dataclass

import numpy as np

from topores.analysis.ladder import nulls_in_order
from topores.domain import Analysis, Corpus, NullKey, settled
from topores.runs import held_out_mrr

ROWS = (
    ("total_persistence", 1), ("longest_bar", 1), ("total_persistence", 0), ("longest_bar", 0), ("uniformity", None),
    ("rank_me", None), ("intrinsic_dimension", None), ("modality_gap", None), ("held_out_mrr", None),
)  # fmt: skip
"""Measure and degree; of both texts at the encoder's output."""


@dataclass(frozen=True)
class Spread:
    """One number over the draws of a null."""

    mean: float
    deviation: float | None
    """None where there is one draw."""
    draws: int


def present(analysis: Analysis) -> list[str]:
    """The nulls that were measured, in the order of the ladder."""
    return [name for name in nulls_in_order() if name in analysis.null_names]


def spreads(analysis: Analysis, null: str, cycle: int, against: int | None = None) -> dict[NullKey, Spread]:
    """Each number of both texts' cloud over the draws of a null at one cycle, by measure and degree.

    Args:
        against: The cycle that the numbers compare it to; None for numbers of one state.
    """
    drawn = analysis.null_values(null, cycle, against)
    return {key: _spread([settled(value) for value in values]) for key, values in drawn.items()}


def _spread(values: list[float]) -> Spread:
    deviation = settled(float(np.std(values, ddof=1))) if len(values) > 1 else None
    return Spread(float(np.mean(values)), deviation, len(values))


def own_value(analysis: Analysis, measure: str, degree: int | None, cycle: int) -> float | None:
    """The run's number at one cycle; held-out MRR comes from the logged lines."""
    if measure == "held_out_mrr":
        return held_out_mrr(analysis.logged(cycle))
    return analysis.value(measure, cycle, analysis.output, "union", degree=degree)


def first_by_chance(corpus: Corpus) -> float | None:
    """Expected R@1 of a random ranking of the held-out passages; mean of both directions, as R@1 is."""
    chosen = corpus.pairs_in("held_out")
    if not len(chosen):
        return None
    shares = []
    for asking, answers in ((corpus.pairs.t1, corpus.split_2), (corpus.pairs.t2, corpus.split_1)):
        partners = np.unique(asking[chosen], return_counts=True)[1]
        shares.append(float(partners.mean()) / sum(split != "train" for split in answers))
    return sum(shares) / 2
