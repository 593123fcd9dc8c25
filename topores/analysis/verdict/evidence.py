"""What the verdict's rules look at, read off the measurements: the numbers, and what each null makes of them."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from topores.analysis.chance import Rows
from topores.domain import Corpus, Loop, Measurement, NullMeasurement, Split, State
from topores.phrases import Phrase
from topores.text.retrieval import question_groups, ranks

RETRIEVAL = "held_out_mrr"
CLUSTERS, LONGEST_CLUSTER = "spanning_tree", "longest_cluster"
LOOPS, LONGEST_LOOP = "total_persistence", "longest_loop"
TURN, MOVE = "movement.shared", "change"

COMPARED = {
    RETRIEVAL: Phrase("MRR of held-out pairs"),
    LOOPS: Phrase("total loop persistence"),
    CLUSTERS: Phrase("length of the spanning tree"),
    "uniformity": Phrase("uniformity"),
    "rank_me": Phrase("RankMe"),
    "intrinsic_dimension": Phrase("intrinsic dimension"),
    "modality_gap": Phrase("modality gap"),
}
"""What is compared with the nulls, of the union cloud at the last layer, in words."""

MOVED = {
    TURN: Phrase("share of the squared movement that one rotation and scale explain"),
    MOVE: Phrase("movement of the passages"),
}
"""What is compared with shuffled pairings of the way from the first state to the last, in words."""

FLOORS = ("dropout", "resample")
"""Nulls that a change has to leave below it, whatever caused it."""

QUANTILE = 0.975
"""Of what a null of `FLOORS` makes of one state: a change below it is no change."""

SUMS = (LOOPS, CLUSTERS)
"""Measures that add up over passages."""

NAMES = {
    ("total_persistence", 1): LOOPS, ("total_persistence", 0): CLUSTERS, ("longest_bar", 0): LONGEST_CLUSTER,
    ("longest_bar", 1): LONGEST_LOOP, ("bottleneck_distance", 1): "bottleneck_distance",
}  # fmt: skip
"""Measures of diagrams by (measure, degree); measures without a degree are called as they are."""

Value = Callable[[str, int], float | None]
Values = dict[str, float]


class Learning(NamedTuple):
    """1 / rank of every question of one side of the split, in both directions, at the first and the last state."""

    before: np.ndarray
    after: np.ndarray
    groups: np.ndarray
    """Which questions hang together, as numbers from 0."""


@dataclass(frozen=True)
class Evidence:
    """The first and the last state, at the last layer, over both texts."""

    states: Sequence[State]
    value: Value
    """`value(measure, cycle)` of the union cloud at the last layer, against the first state if it is a change."""
    loops: Sequence[Loop]
    corpus: Corpus | None
    """None where nothing is aligned, so that nothing can be retrieved."""
    first: Rows
    last: Rows
    """Unit rows of all passages at the first and the last state, T1's first."""
    standard_error: Value = lambda _measure, _cycle: None
    """Of `value`, where it is an average over subsamples."""
    before: Mapping[str, float] = field(default_factory=dict)
    """Of the first state, what is compared with the nulls."""
    own: Mapping[str, float] = field(default_factory=dict)
    """The same of the last state."""
    shuffled: Sequence[Mapping[str, float]] = ()
    """The same of each null on shuffled pairings, at the same cycle."""
    floors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By null of `FLOORS`, then by measure: how far it alone moves a number."""
    spectrum: Mapping[int, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    """By cycle: what is compared, of each Gaussian cloud of the same spectrum."""
    cells: Mapping[tuple[int, int, str], float] = field(default_factory=dict)
    """By (cycle, layer, cloud): p of its surest loop, corrected for the loops of that cell and for all cells."""

    def reciprocal_ranks(self, split: Split) -> Learning:
        """Empty where the split holds no pairs."""
        corpus = self.corpus
        assert corpus is not None
        n_1 = len(corpus.t1)
        before, after = (
            np.concatenate([1 / ranks(rows[:n_1], rows[n_1:], corpus, split, d) for d in ("1to2", "2to1")])
            for rows in (self.first, self.last)
        )
        return Learning(before, after, question_groups(corpus, split))

    def floor(self, measure: str) -> float | None:
        """The largest of what the nulls of `FLOORS` make of a number; None if none was measured."""
        known = [found[measure] for found in self.floors.values() if measure in found]
        return max(known) if known else None

    @property
    def nothing_moved(self) -> bool:
        return self.value("change", self.states[-1].cycle) == 0


def name_of(m: Measurement) -> str | None:
    """What a number of one state is called here; None for points of curves, and for degrees that are not asked of."""
    if m.threshold is not None:
        return None
    return m.measure if m.degree is None else NAMES.get((m.measure, m.degree))


def compared_at(measurements: Iterable[Measurement], cycle: int) -> Values:
    """What is compared, at one cycle and on the way there: of the union cloud, at the last layer."""
    there = [m for m in measurements if m.cycle == cycle and m.cloud == "union"]
    last = max((m.layer for m in there), default=0)
    first = min((m.against for m in there if m.against is not None), default=None)
    own = [m for m in there if m.layer == last]
    found = {name_of(m): m.value for m in own if m.against is None}
    moved = {m.measure: m.value for m in own if m.against is not None and m.against == first}
    return {name: found[name] for name in (*COMPARED, LONGEST_CLUSTER, LONGEST_LOOP) if name in found} | {
        name: moved[name] for name in MOVED if name in moved
    }


def replicates_at(nulls: Iterable[NullMeasurement], null: str, cycle: int) -> list[Values]:
    """What is compared, of each draw of a null at one cycle."""
    by_draw: dict[int, list[Measurement]] = {}
    for n in nulls:
        if n.null == null and n.measurement.cycle == cycle:
            by_draw.setdefault(n.replicate, []).append(n.measurement)
    return [compared_at(own, cycle) for own in by_draw.values()]


def floors_of(nulls: Sequence[NullMeasurement], whole: Mapping[int, Values]) -> dict[str, dict[str, float]]:
    """How far dropout and resampling alone move each number of the union cloud: the larger of both states' quantiles.

    Of a number of one state, the `QUANTILE` of the differences between any two draws; of a change, that of the changes
    between two draws of the same state.

    Args:
        whole: What is compared, of all passages, by cycle: sums over passages are less in half of them.
    """
    found: dict[str, dict[str, float]] = {}
    for null in FLOORS:
        drawn: dict[tuple[str, int, bool], list[float]] = {}
        for m in (n.measurement for n in nulls if n.null == null and n.measurement.cloud == "union"):
            if name := name_of(m):
                drawn.setdefault((name, m.cycle, m.against is None), []).append(m.value)
        for (name, cycle, alone), values in drawn.items():
            noise = [abs(a - b) for a, b in itertools.combinations(values, 2)] if alone else values
            if not noise:
                continue
            reached = float(np.quantile(noise, QUANTILE))
            if null == "resample" and name in SUMS and np.mean(values) > 0:
                reached *= whole.get(cycle, {}).get(name, 0.0) / float(np.mean(values))
            found.setdefault(null, {})[name] = max(reached, found.get(null, {}).get(name, 0.0))
    return found
