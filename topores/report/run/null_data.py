"""What the page shows of the nulls: each number of the space beside what every null makes of it."""

from dataclasses import dataclass

import numpy as np

from topores.domain import Analysis, Corpus, Measurement
from topores.report.glossary import Term
from topores.report.html.numbers import settled
from topores.report.language import later
from topores.runs import held_out_mrr

ROWS = (
    ("total_persistence", 1, Term("total persistence", "Total persistence of loops")),
    ("longest_bar", 1, Term("persistence", "Longest loop")),
    ("total_persistence", 0, Term("spanning tree", "Length of the spanning tree")),
    ("longest_bar", 0, Term("bar", "Widest gap between clusters")),
    ("uniformity", None, Term("uniformity", "Uniformity")),
    ("rank_me", None, Term("RankMe", "RankMe")),
    ("intrinsic_dimension", None, Term("intrinsic dimension", "Intrinsic dimension")),
    ("modality_gap", None, Term("gap", "Gap between the texts")),
    ("held_out_mrr", None, Term("MRR", "Held-out MRR")),
)
"""Measure, degree, and its name; of the union cloud at the last layer."""

NAMES = {
    "reencode": later("Encoded again"),
    "dropout": later("Dropout"),
    "resample": later("Half of the passages"),
    "frozen": later("Learning rate 0"),
    "shuffled": later("Shuffled pairings"),
    "random_text": later("Random text"),
    "untrained": later("Untrained encoder"),
    "matched_spectrum": later("Same spectrum"),
}
"""Nulls by file name in analysis/nulls, in the order of the ladder: from noise to what is no text at all."""


@dataclass(frozen=True)
class Spread:
    """One number over the draws of a null."""

    mean: float
    deviation: float | None
    """None where there is one draw."""
    draws: int


def present(analysis: Analysis) -> list[str]:
    """The nulls that were measured, in the order of the ladder."""
    known = {n.null for n in analysis.nulls}
    return [name for name in NAMES if name in known]


def spreads(
    analysis: Analysis, null: str, cycle: int, against: int | None = None
) -> dict[tuple[str, int | None], Spread]:
    """Each number of the union cloud over the draws of a null at one cycle, by measure and degree.

    Args:
        against: The cycle that the numbers compare it to; None for those of the one state alone.
    """
    found: dict[tuple[str, int | None], list[float]] = {}
    for m in (n.measurement for n in analysis.nulls if n.null == null):
        if (m.cycle, m.cloud, m.against, m.threshold) == (cycle, "union", against, None):
            found.setdefault((m.measure, m.degree), []).append(settled(m.value))
    return {
        key: Spread(float(np.mean(own)), settled(float(np.std(own, ddof=1))) if len(own) > 1 else None, len(own))
        for key, own in found.items()
    }


def own_value(analysis: Analysis, measure: str, degree: int | None, cycle: int) -> float | None:
    """The run's number at one cycle; held-out MRR from the lines that the run logged."""
    if measure == "held_out_mrr":
        line = next((line for line in analysis.metrics if line.get("cycle") == cycle), {})
        return held_out_mrr(line)
    return analysis.value(measure, cycle, analysis.layers[-1], "union", degree=degree)


def over_cycles(analysis: Analysis, null: str, measure: str, degree: int | None) -> list[list[float | None]]:
    """One line for each draw of a null: a value by state, None where it has none."""
    cycles = [state.cycle for state in analysis.states]
    lines: dict[int, dict[int, float]] = {}
    for n in analysis.nulls:
        m = n.measurement
        if n.null == null and _is(m, measure, degree):
            lines.setdefault(n.replicate, {})[m.cycle] = m.value
    return [[line.get(cycle) for cycle in cycles] for _, line in sorted(lines.items())]


def changes_by(analysis: Analysis, null: str) -> dict[tuple[str, int | None], list[float]]:
    """What a null alone changes of one state: each change of the union cloud over its draws, by measure and degree."""
    found: dict[tuple[str, int | None], list[float]] = {}
    for m in (n.measurement for n in analysis.nulls if n.null == null):
        if m.cloud == "union" and m.against == m.cycle:
            found.setdefault((m.measure, m.degree), []).append(settled(m.value))
    return found


def first_by_chance(corpus: Corpus) -> float | None:
    """Share of held-out questions whose partner comes first in a random order; mean of both directions, as R@1 is."""
    chosen = corpus.pairs_in("held_out")
    if not len(chosen):
        return None
    shares = []
    for asking, answers in ((corpus.pairs.t1, corpus.split_2), (corpus.pairs.t2, corpus.split_1)):
        partners = np.unique(asking[chosen], return_counts=True)[1]
        shares.append(float(partners.mean()) / sum(split != "train" for split in answers))
    return sum(shares) / 2


def _is(m: Measurement, measure: str, degree: int | None) -> bool:
    return (m.measure, m.degree, m.cloud, m.against, m.threshold) == (measure, degree, "union", None, None)
