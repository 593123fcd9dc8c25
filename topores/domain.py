"""The nouns of topores, in the order the data flows.

text -> passage -> aligned pairs -> corpus -> checkpoint -> cloud -> diagram -> verdict
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from topores.phrases import Phrase

Side = Literal["t1", "t2"]
SIDES: tuple[Side, Side] = ("t1", "t2")

PAIRINGS = ("1to1", "2to2", "1to2", "2to1")
"""Which text gives the anchors and which the candidates: two identity pairings, then two cross pairings."""
DIRECTIONS = PAIRINGS[2:]
"""Which text gives the queries of retrieval, and which the candidates."""

Split = Literal["train", "held_out"]


@dataclass(frozen=True)
class Text:
    """One document as it was read: `name` is for messages, `content` never changes."""

    name: str
    content: str
    markdown: bool = False
    notes: tuple[str, ...] = ()
    """What was left out of the file, one sentence each."""


@dataclass(frozen=True)
class Passage:
    """A contiguous stretch of one text: `content[start:end] == text`."""

    side: Side
    document: str
    """Name of the text it is part of: a file's stem, or the id of a row of a pair file."""
    position: int
    """Place in its document, from 0. Neighbours differ by 1."""
    start: int
    end: int
    text: str
    tokens: int
    """Length by the encoder's tokenizer, special tokens included."""


@dataclass(frozen=True)
class AlignedPairs:
    """Which passages of T1 and T2 say the same thing, and how strongly they are paired.

    Arrays share the axis `pairs`; `t1` and `t2` index the passages of each side.
    """

    t1: Int[np.ndarray, " pairs"]
    t2: Int[np.ndarray, " pairs"]
    weight: Float[np.ndarray, " pairs"]
    """Sums to 1 over the pairs of each T1 passage."""
    similarity: Float[np.ndarray, " pairs"]
    """Cosine of the two passages by the reader; NaN where it was not computed."""
    mutual: Bool[np.ndarray, " pairs"]
    """Whether each is the other's nearest neighbour."""
    share: float
    """Share of the texts' mass that found a partner, in [0, 1]; 1 for a pair file."""

    def __len__(self) -> int:
        return len(self.t1)


@dataclass(frozen=True)
class Corpus:
    """The frozen texts of a run: passages of both sides, their alignment and their split."""

    t1: tuple[Passage, ...]
    t2: tuple[Passage, ...]
    pairs: AlignedPairs
    split_1: tuple[Split | None, ...]
    """One entry per passage of T1. None: within the embargo, so in neither split."""
    split_2: tuple[Split | None, ...]
    embargo: int
    """Neighbours this close in one document are never negatives of each other, nor in different splits."""
    source: Literal["texts", "pairs"]
    """Two long texts aligned by optimal transport, or a pair file with its own alignment."""
    notes: tuple[str, ...] = ()
    """What was left out or changed when the texts were read, one sentence each."""
    groups: tuple[int, ...] = ()
    """The group of each pair of a pair file: pairs that share a text, a copy of one, a document or a topic belong
    together. Empty for two long texts, and in runs of topores 0.1.0."""

    def side(self, side: Side) -> tuple[Passage, ...]:
        return self.t1 if side == "t1" else self.t2

    def split(self, side: Side) -> tuple[Split | None, ...]:
        return self.split_1 if side == "t1" else self.split_2

    def pairs_in(self, split: Split) -> Int[np.ndarray, " chosen"]:
        """Rows of `pairs` whose two passages are both in `split`."""
        inside_1 = np.array([s == split for s in self.split_1], dtype=bool)
        inside_2 = np.array([s == split for s in self.split_2], dtype=bool)
        return np.flatnonzero(inside_1[self.pairs.t1] & inside_2[self.pairs.t2])


@dataclass(frozen=True)
class State:
    """One state of the space to analyse: the encoder after some cycle, or an array of embeddings."""

    cycle: int
    """Cycle of the checkpoint; its place in the list where it has none."""
    label: str
    """Its name for people: the phrase 'cycle 10', or the name of a folder or file."""
    path: Path


def cycle_label(cycle: int) -> Phrase:
    """Label of the state after a cycle."""
    return Phrase("cycle {n:,}", n=cycle)


def label_read(cycle: int, text: str) -> str:
    """A label as a file has it: the phrase again, if it names the state's cycle."""
    named = cycle_label(cycle)
    return named if text == named else text


Diagram = Float[np.ndarray, "_ 2"]
"""(birth, death) rows of one degree; essential bars keep death = inf."""


@dataclass(frozen=True)
class Measurement:
    """One number of the analysis, with its place, its unit, and the state that it is compared to."""

    cycle: int
    layer: int
    cloud: str
    measure: str
    """File name in topology/measures, or file name and part: 'procrustes.residual'."""
    value: float
    unit: str
    degree: int | None = None
    """Degree of homology, where the measure reads a diagram."""
    against: int | None = None
    """Cycle of the state it is compared to, for a change."""
    threshold: float | None = None
    """Distance, for a point of a Betti curve or a landscape."""
    standard_error: float | None = None
    """Standard error of an average over subsamples; None where the value is exact."""


@dataclass(frozen=True)
class NullMeasurement:
    """One number of the analysis, measured where the effect cannot be present."""

    null: str
    """File name in analysis/nulls: 'dropout', 'resample', 'shuffled', ..."""
    replicate: int
    """Number of the draw, from 0."""
    measurement: Measurement


@dataclass(frozen=True)
class Loop:
    """A bar of degree 1 and the passages around the hole: a hypothesis to read, not a fact."""

    cycle: int
    layer: int
    cloud: str
    birth: float
    death: float
    p: float
    """Decision p: the larger of universal_p and spectrum_p, and spectrum_p alone where there are few bars. Corrected
    over the bars of its cloud; in older results also over all layers, states and clouds."""
    members: tuple[int, ...]
    """Rows of the cloud, in cyclic order; the last is joined to the first."""
    universal_p: float | None = None
    """Universal null (Bobrowski and Skraba 2023), Holm over the cloud's bars."""
    spectrum_p: float | None = None
    """Monte Carlo p among the longest bars of Gaussian clouds of the same spectrum; None where none were drawn."""
    stability: float | None = None
    """Share of the resamples of the cloud in which the loop is found again."""
    visible: float | None = None
    """Ratio death / birth beyond which it would count as significant; None in older results, and where it is blind."""
    blind: bool = False
    """Whether it could not be significant however long: not even with the ratio of an even ring through all points."""


@dataclass(frozen=True)
class Track:
    """One bar of degree 1 followed through the states, along straight lines between their distance matrices."""

    layer: int
    cloud: str
    births: tuple[float | None, ...]
    """By state; None where the bar does not exist."""
    deaths: tuple[float | None, ...]
    sure: tuple[bool, ...]
    """By step from one state to the next: whether no other bar came close enough to be confused with it."""
    members: tuple[tuple[int, ...], ...]
    """By state: rows of the cloud around the loop, in cyclic order; empty where the bar does not exist."""
    layers: tuple[int, ...] = ()
    """Layers in which the bar exists at the state where it is longest, its own included."""
    p: float | None = None
    """Decision p of the bar at the state where it is longest, corrected over all layers, states and clouds as well."""
    stability: float | None = None
    """Share of the resamples, at the state where the bar is longest, in which the loop is found again."""


@dataclass(frozen=True)
class Outline:
    """A bar of degree 1 and the passages around it, significant or not."""

    birth: float
    death: float
    members: tuple[int, ...]
    """Rows of the cloud, in cyclic order; the last is joined to the first."""


@dataclass(frozen=True)
class PassageMap:
    """The passages of one layer at every state, in one plane."""

    layer: int
    rows: Int[np.ndarray, " shown"]
    """Rows of the union cloud: all, or a uniform sample."""
    places: Float[np.ndarray, "states shown 2"]
    """Each state is rotated onto the first, then projected on the two principal axes of all states together."""
    explained: Float[np.ndarray, " states"]
    """Share of each state's variance within the plane."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest passages of the other text at the last layer, nearest first; of its own text if there is one."""

    rows: Int[np.ndarray, " shown"]
    """Rows of the union cloud, as in the map."""
    states: Int[np.ndarray, " known"]
    """Indices of the states for which neighbours were kept."""
    nearest: Int[np.ndarray, "known shown near"]
    """Indices into `rows`; -1 where there are fewer."""
    distances: Float[np.ndarray, "known shown near"]
    """In the metric of the analysis; NaN where there are fewer."""


@dataclass(frozen=True)
class Claim:
    """One statement of the verdict, with its number and the same number under the null."""

    what: str
    value: float | None
    null: float | None
    """The same quantity where the effect cannot be present; None if no null was measured."""
    p: float | None
    quantity: str = ""
    """Id of the quantity whose number this is; empty in older results and where it has none."""
    unit: str = ""
    """Unit of value and null; empty in older results and where they have none."""
    null_of: str = ""
    """What the null is: first, noise, dropout, rounding, least, chance, orders, shuffled or matched_spectrum; empty in
    older results."""
    low: float | None = None
    """Lower end of the 95 % interval of value; None where there is none."""
    high: float | None = None
    """Upper end."""


@dataclass(frozen=True)
class Verdict:
    sentence: str
    """A phrase; plain text in older results and from other programs."""
    claims: tuple[Claim, ...]
    outcome: str = ""
    """'learned', 'learned, then memorised', 'learned, then lost', 'learned at first', 'memorised', 'collapsed',
    'frozen', 'unlearned', 'no better than shuffled', 'no gain' or 'undecided'; empty where nothing could be learned."""
    movement: str = ""
    """scaled, turned and deformed, those that hold joined by 'and'; moved as a whole; unchanged. Empty if there is one
    state, if the widths differ, and where there are too few passages to tell."""
    headline: str = ""
    """The sentence in a few words, as a phrase; empty in older results."""
    outcomes: tuple[str, ...] = ()
    """Every outcome that holds, `outcome` first: a run can be collapsed and memorised. Empty in older results."""

    @property
    def every_outcome(self) -> tuple[str, ...]:
        """All that hold, of older results too."""
        return self.outcomes or ((self.outcome,) if self.outcome else ())


ROUNDING = 1e-9
"""Shares and distances of unit rows that are smaller are what rounding left of 0."""


def without_rounding(value: float) -> float:
    """0 where nothing but rounding is left, else the value.

    >>> without_rounding(3e-15), without_rounding(-2e-4)
    (0.0, -0.0002)
    """
    return 0.0 if abs(value) < ROUNDING else value


Place = tuple[int, int, str]
"""(cycle, layer, cloud)"""

Against = Literal["first", "previous"] | None
"""The state that a change is measured from; None for a number of one state."""

Curve = list[tuple[float, float]]
"""(threshold, value), thresholds rising."""

NullKey = tuple[str, int | None]
"""(measure, degree)"""


class Key(NamedTuple):
    """What tells one measurement from all others."""

    measure: str
    cycle: int
    layer: int
    cloud: str
    degree: int | None = None
    against: int | None = None


@dataclass(frozen=True)
class Analysis:
    """Everything `topores topology` found and `topores report` shows."""

    name: str
    protocol: dict[str, Any]
    """What was computed and how: metric, degrees, sampling, options."""
    states: tuple[State, ...]
    """In order of cycle."""
    layers: tuple[int, ...]
    """0 is the embedding layer; the last is the encoder's own output. (0,) for bare arrays."""
    clouds: tuple[str, ...]
    diagrams: dict[tuple[int, int, str, int], Diagram]
    """By (cycle, layer, cloud, degree). Angles in radians."""
    measurements: tuple[Measurement, ...]
    loops: tuple[Loop, ...]
    verdict: Verdict
    corpus: Corpus | None = None
    metrics: tuple[dict[str, Any], ...] = ()
    """Lines of the run's metrics.jsonl, where there is a run."""
    run: dict[str, Any] = field(default_factory=dict)
    """run.json and the resolved options of the run, where there is one."""
    nulls: tuple[NullMeasurement, ...] = ()
    """Numbers of the nulls, by the same protocol as the measurements."""
    tracks: tuple[Track, ...] = ()
    """Loops followed through the states, the most persistent first."""
    maps: tuple[PassageMap, ...] = ()
    """One per layer, in order."""
    neighbours: Neighbours | None = None
    outlines: dict[tuple[int, int, str], tuple[Outline, ...]] = field(default_factory=dict)
    """By (cycle, layer, cloud): the longest bars of degree 1 with the passages around each, longest first."""
    members: dict[str, Int[np.ndarray, " points"]] = field(default_factory=dict)
    """By cloud: the passage behind each row of the cloud, counted through T1 and then T2."""

    # What is asked of an analysis. Each list is indexed once, when the first question needs it.

    @property
    def first(self) -> State:
        return self.states[0]

    @property
    def last(self) -> State:
        return self.states[-1]

    @property
    def output(self) -> int:
        """The last layer."""
        return max(self.layers)

    @property
    def degrees(self) -> list[int]:
        """Degrees of homology for which there is a diagram."""
        return sorted({degree for *_, degree in self.diagrams})

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the training run; empty where there is none."""
        found = self.run.get("options")
        return found if isinstance(found, Mapping) else {}

    @property
    def trained(self) -> bool:
        """Whether a training run stands behind the states, so that their cycles count training."""
        return bool(self.metrics) or "options" in self.run

    def diagram(self, place: Place, degree: int) -> Diagram:
        """The diagram of a cloud; no bars where none was computed."""
        found = self.diagrams.get((*place, degree), np.empty((0, 2)))
        return np.asarray(found, dtype=float).reshape(-1, 2)

    def value(
        self, measure: str, cycle: int, layer: int, cloud: str, *, degree: int | None = None, against: int | None = None
    ) -> float | None:
        """One number; None if it was not measured."""
        found = self._measurements.get(Key(measure, cycle, layer, cloud, degree, against))
        return None if found is None else found.value

    def series(
        self, measure: str, layer: int, cloud: str, *, degree: int | None = None, against: Against = None
    ) -> list[float | None]:
        """One number per state, in order, settled; None where it was not measured or is not finite."""
        found: list[float | None] = []
        for place, state in enumerate(self.states):
            other = self._compared_to(place, against)
            known = against is None or other is not None
            found.append(self._finite(Key(measure, state.cycle, layer, cloud, degree, other)) if known else None)
        return found

    def by_layer(self, measure: str, cycle: int, cloud: str) -> list[float | None]:
        """One number of a state per layer, in order, settled; None where it was not measured or is not finite."""
        return [self._finite(Key(measure, cycle, layer, cloud)) for layer in self.layers]

    def _finite(self, key: Key) -> float | None:
        found = self._measurements.get(key)
        if found is None or not math.isfinite(found.value):
            return None
        # A p may be as small as what rounding leaves of 0.
        return found.value if found.unit == "p" else without_rounding(found.value)

    def _compared_to(self, place: int, against: Against) -> int | None:
        if against is None or place == 0:
            return None
        return self.first.cycle if against == "first" else self.states[place - 1].cycle

    @cached_property
    def measured(self) -> frozenset[tuple[str, int | None]]:
        """Every (measure, degree) of which there is a number."""
        return frozenset((m.measure, m.degree) for m in self.measurements)

    @cached_property
    def changes(self) -> frozenset[str]:
        """Measures that compare two states."""
        return frozenset(m.measure for m in self.measurements if m.against is not None)

    def unit(self, measure: str) -> str:
        """Unit of a measure's numbers; empty where there are none."""
        return self._units.get(measure, "")

    def curves(self, measure: str) -> Mapping[tuple[int, int, str, int], Curve]:
        """Curves of a measure by cycle, layer, cloud and degree."""
        return self._curves.get(measure, {})

    @cached_property
    def _curves(self) -> dict[str, dict[tuple[int, int, str, int], Curve]]:
        found: dict[str, dict[tuple[int, int, str, int], Curve]] = {}
        for m in self.measurements:
            if m.threshold is not None and m.degree is not None and math.isfinite(m.value):
                curves = found.setdefault(m.measure, {})
                curves.setdefault((m.cycle, m.layer, m.cloud, m.degree), []).append((m.threshold, m.value))
        return {name: {key: sorted(curve) for key, curve in curves.items()} for name, curves in found.items()}

    def loops_at(self, cycle: int, layer: int, cloud: str) -> list[Loop]:
        return self._loops.get((cycle, layer, cloud), [])

    def metrics_at(self, cycle: int) -> Mapping[str, Any]:
        """The logged line of a cycle; empty where there is none."""
        return self._lines.get(cycle, {})

    @cached_property
    def null_names(self) -> frozenset[str]:
        """Nulls that were measured, by file name in analysis/nulls."""
        return frozenset(n.null for n in self.nulls)

    def null_draws(self, null: str) -> int:
        return len(self._draws.get(null, ()))

    def null_values(self, null: str, cycle: int, against: int | None = None) -> Mapping[NullKey, list[float]]:
        """Numbers of both texts' cloud over the draws of a null at one cycle, by measure and degree."""
        return self._null_values.get((null, cycle, against), {})

    def null_changes(self, null: str) -> dict[NullKey, list[float]]:
        """Changes of both texts' cloud between two draws of one state, of all states, by measure and degree."""
        found: dict[NullKey, list[float]] = {}
        for (name, cycle, against), values in self._null_values.items():
            if name == null and against == cycle:
                for key, drawn in values.items():
                    found.setdefault(key, []).extend(drawn)
        return found

    def null_series(self, null: str, measure: str, degree: int | None) -> list[list[float | None]]:
        """One line per draw of a null, in order: a number of both texts' cloud per state, None where it has none."""
        lines = self._null_lines.get((null, measure, degree), {})
        return [[line.get(state.cycle) for state in self.states] for _, line in sorted(lines.items())]

    @cached_property
    def _measurements(self) -> dict[Key, Measurement]:
        return {
            Key(m.measure, m.cycle, m.layer, m.cloud, m.degree, m.against): m
            for m in self.measurements
            if m.threshold is None
        }

    @cached_property
    def _units(self) -> dict[str, str]:
        every = [*(n.measurement for n in reversed(self.nulls)), *reversed(self.measurements)]
        return {m.measure: m.unit for m in every}  # the first measurement is the last to be written

    @cached_property
    def _loops(self) -> dict[Place, list[Loop]]:
        found: dict[Place, list[Loop]] = {}
        for loop in self.loops:
            found.setdefault((loop.cycle, loop.layer, loop.cloud), []).append(loop)
        return found

    @cached_property
    def _lines(self) -> dict[int, Mapping[str, Any]]:
        return {line["cycle"]: line for line in reversed(self.metrics) if isinstance(line.get("cycle"), int)}

    @cached_property
    def _draws(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for n in self.nulls:
            found.setdefault(n.null, set()).add(n.replicate)
        return found

    @cached_property
    def _null_values(self) -> dict[tuple[str, int, int | None], dict[NullKey, list[float]]]:
        found: dict[tuple[str, int, int | None], dict[NullKey, list[float]]] = {}
        for n in self.nulls:
            m = n.measurement
            if m.cloud == "union" and m.threshold is None:
                values = found.setdefault((n.null, m.cycle, m.against), {})
                values.setdefault((m.measure, m.degree), []).append(m.value)
        return found

    @cached_property
    def _null_lines(self) -> dict[tuple[str, str, int | None], dict[int, dict[int, float]]]:
        """By null, measure and degree; then by draw and cycle."""
        found: dict[tuple[str, str, int | None], dict[int, dict[int, float]]] = {}
        for n in self.nulls:
            m = n.measurement
            if (m.cloud, m.against, m.threshold) == ("union", None, None):
                found.setdefault((n.null, m.measure, m.degree), {}).setdefault(n.replicate, {})[m.cycle] = m.value
        return found
