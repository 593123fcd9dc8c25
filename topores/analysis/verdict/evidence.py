"""The numbers that the rules of the verdict use, and what they are judged by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.analysis import numbers
from topores.analysis.chance import Rows
from topores.analysis.floors import Floors, floor_of
from topores.analysis.gain import Gain
from topores.analysis.numbers import Values, by_draw, numbers_at
from topores.domain import DIRECTIONS, Corpus, Loop, Measurement, NullMeasurement, Split, State
from topores.quantities import DISTANCE, DISTANCE_UNITS, quantity
from topores.sign_flips import Interval
from topores.text.retrieval import question_groups, ranks
from topores.topology import CyclicOrder

RETRIEVAL = "held_out_mrr"
CLUSTERS, LOOPS = numbers.CLUSTERS, numbers.LOOPS
CLUSTER_GAP, LONGEST_LOOP, GAP = "cluster_gap", "longest_loop", "modality_gap"
TURN, SCALE, MOVE, ANGLE = "movement.rotation", "movement.scale", "change", "procrustes.mean_angle"

COMPARED = (RETRIEVAL, LOOPS, CLUSTERS, "uniformity", "rank_me", "intrinsic_dimension", GAP)
"""Quantities of one state that are compared with the nulls, of both texts' cloud at the last layer."""

MOVED = (TURN, SCALE, MOVE)
"""Quantities of the way from the first state to the last that are compared with shuffled pairings."""

Value = Callable[[str, int], float | None]


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
    floors: Floors = field(default_factory=dict)
    """What `floors_of` found."""
    spectrum: Mapping[int, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    """By cycle: compared quantities of each Gaussian cloud of the same spectrum."""
    cells: Mapping[tuple[int, int, str], float] = field(default_factory=dict)
    """By (cycle, layer, cloud): smallest p of its loops, corrected over the loops of that cell and over all cells."""
    gain: Gain | None = None
    """What unseen partners gained over folds, where the run has them."""
    space: Mapping[str, Interval] = field(default_factory=dict)
    """By quantity: its change beyond shuffled pairings over folds, where the run has them."""
    rounding: float | None = None
    """Change that rounding of both states alone may produce, as a share of the first state's spread; None: unknown."""
    n_1: int = 0
    """Passages of T1 among the rows; 0 where there is one text."""
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

    @property
    def texts(self) -> dict[str, slice]:
        """Rows of each text; empty where there is one."""
        n_1 = self.n_1 if self.corpus is None else len(self.corpus.t1)
        return {"T1": slice(None, n_1), "T2": slice(n_1, None)} if 0 < n_1 < len(self.first) else {}

    def floor(self, measure: str) -> float | None:
        """The largest noise floor of a quantity; None if none was measured."""
        return floor_of(self.floors, measure)

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


def compared_at(measurements: Iterable[Measurement], cycle: int) -> Values:
    """Compared quantities of one cycle and of the way there: of both texts' cloud, at the last layer."""
    return numbers_at(measurements, cycle, (*COMPARED, CLUSTER_GAP, LONGEST_LOOP), MOVED)


def replicates_at(nulls: Iterable[NullMeasurement], null: str, cycle: int) -> list[Values]:
    """Compared quantities of each draw of a null at one cycle."""
    return [compared_at(own, cycle) for own in by_draw(nulls, null, cycle)]
