"""The numbers that the rules of the verdict use, and the noise floors that the nulls give them."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.analysis.chance import Rows
from topores.analysis.gain import Gain
from topores.domain import DIRECTIONS, Corpus, Loop, Measurement, NullMeasurement, Split, State
from topores.quantities import DISTANCE, DISTANCE_UNITS, id_of, quantity
from topores.text.retrieval import question_groups, ranks
from topores.topology import CyclicOrder

RETRIEVAL = "held_out_mrr"
CLUSTERS, LONGEST_CLUSTER = "spanning_tree", "longest_cluster"
LOOPS, LONGEST_LOOP = "loop_persistence", "longest_loop"
TURN, MOVE = "movement.shared", "change"

COMPARED = (RETRIEVAL, LOOPS, CLUSTERS, "uniformity", "rank_me", "intrinsic_dimension", "modality_gap")
"""Quantities of one state that are compared with the nulls, of both texts' cloud at the last layer."""

MOVED = (TURN, MOVE)
"""Quantities of the way from the first state to the last that are compared with shuffled pairings."""

FLOORS = ("dropout", "resample")
"""Nulls that give the noise floor, which a change has to exceed whatever caused it."""

QUANTILE = 0.975
"""Noise floor: this quantile of the differences between two draws. A smaller change counts as none."""

SUMS = (LOOPS, CLUSTERS)
"""Quantities that grow with the number of passages."""

Value = Callable[[str, int], float | None]
Values = dict[str, float]


class Learning(NamedTuple):
    """1 / rank of every query of one split at the first and the last state, weighted so that directions count alike.

    So the mean of a state is its MRR as it is logged and shown everywhere: the mean of both directions, however many
    queries each has.
    """

    before: np.ndarray
    after: np.ndarray
    groups: np.ndarray
    """Number of the group of dependent queries that each belongs to, from 0."""


@dataclass(frozen=True)
class Evidence:
    """The first and the last state, at the last layer, over both texts."""

    states: Sequence[State]
    value: Value
    """`value(quantity, cycle)` of both texts' cloud at the last layer, against the first state if it is a change."""
    loops: Sequence[Loop]
    corpus: Corpus | None
    """None where nothing is aligned, so that nothing can be retrieved."""
    first: Rows
    last: Float[np.ndarray, "passages dim_after"]
    """Unit rows of all passages at the first and the last state, T1's first."""
    standard_error: Value = lambda _measure, _cycle: None
    """Standard error of `value`, where it is an average over subsamples."""
    before: Mapping[str, float] = field(default_factory=dict)
    """Compared quantities of the first state."""
    own: Mapping[str, float] = field(default_factory=dict)
    """Compared quantities of the last state."""
    shuffled: Sequence[Mapping[str, float]] = ()
    """Compared quantities of each run on shuffled pairings, at the last cycle."""
    floors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Noise floor by null of `FLOORS`, then by quantity."""
    spectrum: Mapping[int, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    """By cycle: compared quantities of each Gaussian cloud of the same spectrum."""
    cells: Mapping[tuple[int, int, str], float] = field(default_factory=dict)
    """By (cycle, layer, cloud): smallest p of its loops, corrected over the loops of that cell and over all cells."""
    gain: Gain | None = None
    """What unseen partners gained over folds, where the run has them."""
    rounding: float | None = None
    """Change that rounding of both states alone may produce, as a share of the last state's spread; None: unknown."""
    without_dropout: bool = False
    """Whether resampling alone gives the noise floors: nobody draws dropout of an array."""
    metric: str = "angle"
    """Metric of the analysis, which decides the unit of distances."""
    loop_p: Mapping[int, float] = field(default_factory=dict)
    """By cycle: smallest p of the loops of both texts' cloud at the last layer, corrected over these loops alone."""
    order: CyclicOrder | None = None
    """Whether the last state's rows lie around a ring as they were given; None for many rows or two texts."""

    def reciprocal_ranks(self, split: Split) -> Learning:
        """Empty where the split holds no pairs."""
        corpus = self.corpus
        assert corpus is not None
        n_1 = len(corpus.t1)
        before, after = (
            _of_equal_weight([1 / ranks(rows[:n_1], rows[n_1:], corpus, split, way) for way in DIRECTIONS])
            for rows in (self.first, self.last)
        )
        return Learning(before, after, question_groups(corpus, split))

    def floor(self, measure: str) -> float | None:
        """The largest noise floor of a quantity; None if none was measured."""
        known = [found[measure] for found in self.floors.values() if measure in found]
        return max(known) if known else None

    def unit(self, name: str) -> str:
        """Unit of a quantity of these numbers."""
        unit = quantity(name).unit
        return DISTANCE_UNITS.get(self.metric, "") if unit == DISTANCE else unit

    @property
    def nothing_moved(self) -> bool:
        """Whether the last state is the first one."""
        return self.value("change", self.states[-1].cycle) == 0

    @property
    def moved_between(self) -> State | None:
        """The state furthest from the first, if the last one is back there; None if nothing ever moved."""
        moved = {state: self.value("change", state.cycle) or 0.0 for state in self.states}
        furthest = max(self.states, key=lambda state: moved[state])
        return furthest if self.nothing_moved and moved[furthest] else None


def _of_equal_weight(by_direction: Sequence[Float[np.ndarray, " _"]]) -> Float[np.ndarray, " _"]:
    """The values of all directions, weighted so that their mean is the mean of the directions' means."""
    asked = [values for values in by_direction if len(values)]
    count = sum(map(len, asked))
    return np.concatenate([values * count / (len(asked) * len(values)) for values in asked] or [np.empty(0)])


def name_of(m: Measurement) -> str | None:
    """Id of a measurement's quantity; None for points of curves, and for degrees without a quantity of their own."""
    return None if m.threshold is not None else id_of(m.measure, m.degree)


def compared_at(measurements: Iterable[Measurement], cycle: int) -> Values:
    """Compared quantities of one cycle and of the way there: of both texts' cloud, at the last layer."""
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
    """Compared quantities of each draw of a null at one cycle."""
    by_draw: dict[int, list[Measurement]] = {}
    for n in nulls:
        if n.null == null and n.measurement.cycle == cycle:
            by_draw.setdefault(n.replicate, []).append(n.measurement)
    return [compared_at(own, cycle) for own in by_draw.values()]


def floors_of(nulls: Sequence[NullMeasurement], whole: Mapping[int, Values]) -> dict[str, dict[str, float]]:
    """Noise floor of each quantity by dropout and by resampling: the larger of those of both states.

    For a quantity of one state it is the `QUANTILE` of the differences between any two draws; for a change, of the
    changes between two draws of the same state.

    Args:
        whole: Compared quantities of all passages, by cycle: sums over half of the passages are smaller.
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
