"""The nouns of topores, in the order the data flows.

text -> passage -> aligned pairs -> corpus -> checkpoint -> cloud -> diagram -> verdict
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from topores.phrases import Phrase

Side = Literal["t1", "t2"]
SIDES: tuple[Side, Side] = ("t1", "t2")

PAIRINGS = ("1to1", "2to2", "1to2", "2to1")
"""Who asks and who answers: two identity pairings, then two cross pairings."""

Split = Literal["train", "held_out"]


@dataclass(frozen=True)
class Text:
    """One document as it was read: `name` is for messages, `content` never changes."""

    name: str
    content: str
    markdown: bool = False


@dataclass(frozen=True)
class Passage:
    """A contiguous stretch of one text: `content[start:end] == text`."""

    side: Side
    document: str
    """Name of the text it comes from: a file's stem, or the id of a row of a pair file."""
    position: int
    """Its order within that document, from 0. Neighbours differ by 1."""
    start: int
    end: int
    text: str
    tokens: int
    """Length by the encoder's own tokenizer, its special tokens included."""


@dataclass(frozen=True)
class AlignedPairs:
    """Which passages of T1 and T2 tell the same thing, and how surely.

    Arrays share the axis `pairs`; `t1` and `t2` index the passages of each side.
    """

    t1: Int[np.ndarray, " pairs"]
    t2: Int[np.ndarray, " pairs"]
    weight: Float[np.ndarray, " pairs"]
    """Sums to 1 over the pairs of each T1 passage."""
    similarity: Float[np.ndarray, " pairs"]
    """Cosine of the two passages by the frozen base encoder; NaN where it was not asked."""
    mutual: Bool[np.ndarray, " pairs"]
    """Whether each is the other's nearest neighbour: the anchor check."""
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
    """One entry per passage of T1. None: within the embargo, so on neither side."""
    split_2: tuple[Split | None, ...]
    embargo: int
    """Neighbours this near in one document are never negatives, nor on both sides of the split."""
    source: Literal["texts", "pairs"]
    """Two long texts aligned by transport, or a pair file aligned as given."""

    def side(self, side: Side) -> tuple[Passage, ...]:
        return self.t1 if side == "t1" else self.t2

    def split(self, side: Side) -> tuple[Split | None, ...]:
        return self.split_1 if side == "t1" else self.split_2

    def pairs_in(self, split: Split) -> Int[np.ndarray, " chosen"]:
        """Rows of `pairs` whose two passages both stand in `split`."""
        inside_1 = np.array([s == split for s in self.split_1], dtype=bool)
        inside_2 = np.array([s == split for s in self.split_2], dtype=bool)
        return np.flatnonzero(inside_1[self.pairs.t1] & inside_2[self.pairs.t2])


@dataclass(frozen=True)
class State:
    """One state of the space to analyse: the encoder after some cycle, or an array of embeddings."""

    cycle: int
    """Cycle of the checkpoint; its place in the list where it has none."""
    label: str
    """How people call it: 'cycle 10', or a folder's or file's name."""
    path: Path

    @property
    def name(self) -> str:
        """The label; as a phrase where it names a cycle, for that can be said in any language."""
        number = self.label.removeprefix("cycle ").replace(",", "")
        named = self.label.startswith("cycle ") and number.isascii() and number.isdigit()
        return Phrase("cycle {n:,}", n=int(number)) if named else self.label


Diagram = Float[np.ndarray, "_ 2"]
"""(birth, death) rows of one degree; essential bars keep death = inf."""


@dataclass(frozen=True)
class Measurement:
    """One number of the analysis, with where it was taken, what it is compared to, and its unit."""

    cycle: int
    layer: int
    cloud: str
    measure: str
    """File name in topology/measures, or that name and a part: 'procrustes.residual'."""
    value: float
    unit: str
    degree: int | None = None
    """Degree of homology, where the measure reads a diagram."""
    against: int | None = None
    """Cycle of the state it is compared to, for a change."""
    threshold: float | None = None
    """Filtration value, for a point of a Betti curve or a landscape."""
    standard_error: float | None = None
    """Of an average over subsamples; None where the value is exact."""


@dataclass(frozen=True)
class NullMeasurement:
    """One number of the analysis, taken where the effect cannot be."""

    null: str
    """File name in analysis/nulls: 'dropout', 'resample', 'shuffled', ..."""
    replicate: int
    """Which of the null's draws, from 0."""
    measurement: Measurement


@dataclass(frozen=True)
class Loop:
    """A bar of degree 1 and the passages around it, in order: a hypothesis to read, not a fact."""

    cycle: int
    layer: int
    cloud: str
    birth: float
    death: float
    p: float
    """What is judged by: the largest of the two below, corrected for all bars of the cloud, and of its cloud's surest
    loop, corrected for all layers, states and clouds."""
    members: tuple[int, ...]
    """Rows of the cloud, in cyclic order; the last is joined to the first."""
    universal_p: float | None = None
    """Universal null (Bobrowski and Skraba 2023), Holm over the cloud's bars."""
    spectrum_p: float | None = None
    """Among the longest bars of Gaussian clouds of the same spectrum; None where none were drawn."""
    stability: float | None = None
    """Share of the resamples of the cloud in which the loop is found again."""


@dataclass(frozen=True)
class Track:
    """One bar of degree 1 followed through the states, along straight lines between their distance matrices."""

    layer: int
    cloud: str
    births: tuple[float | None, ...]
    """By state; None where the bar is not there."""
    deaths: tuple[float | None, ...]
    sure: tuple[bool, ...]
    """By step from one state to the next: whether no other bar came so near that the two could be taken for each
    other."""
    members: tuple[tuple[int, ...], ...]
    """By state: rows of the cloud around the loop, in cyclic order; empty where the bar is not there."""
    layers: tuple[int, ...] = ()
    """Layers in which the bar is there at the state where it is longest, its own among them."""
    p: float | None = None
    """Of the bar where it is longest, as a loop's."""
    stability: float | None = None
    """Share of the resamples of the cloud, where the bar is longest, in which the loop is found again."""


@dataclass(frozen=True)
class Outline:
    """A bar of degree 1 and the passages around it, whether or not it means anything."""

    birth: float
    death: float
    members: tuple[int, ...]
    """Rows of the cloud, in cyclic order; the last is joined to the first."""


@dataclass(frozen=True)
class PassageMap:
    """The passages of one layer through the states, in one plane."""

    layer: int
    rows: Int[np.ndarray, " shown"]
    """Rows of the union cloud: all of them, or those that were drawn."""
    places: Float[np.ndarray, "states shown 2"]
    """Each state turned onto the first, then seen along the two principal axes of all states together."""
    explained: Float[np.ndarray, " states"]
    """Share of each state's variance that the plane shows."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest passages of the other text at the last layer, the nearest first; of all, where there is one text."""

    rows: Int[np.ndarray, " shown"]
    """Rows of the union cloud, as in the map."""
    states: Int[np.ndarray, " known"]
    """Places in the list of states for which they are known."""
    nearest: Int[np.ndarray, "known shown near"]
    """Places in `rows`; -1 where there are fewer."""
    distances: Float[np.ndarray, "known shown near"]
    """By the analysis's metric; NaN where there are fewer."""


@dataclass(frozen=True)
class Claim:
    """One thing the verdict says, with the number it rests on and what would be seen by chance."""

    what: str
    value: float | None
    null: float | None
    """The same quantity where the effect cannot be; None if no null was measured."""
    p: float | None


@dataclass(frozen=True)
class Verdict:
    sentence: str
    """A phrase, unless older results or other programs gave it as text."""
    claims: tuple[Claim, ...]
    outcome: str = ""
    """learned, memorised, collapsed, frozen, unlearned, no better than shuffled, or undecided; empty where nothing was
    to be learned."""
    movement: str = ""
    """turned, deformed, turned and deformed, or unchanged; empty where there is one state, or widths differ."""
    headline: str = ""
    """The same in a few words, as a phrase; empty in older results."""


@dataclass(frozen=True)
class Analysis:
    """Everything `topores topology` found and `topores report` shows."""

    name: str
    protocol: dict[str, Any]
    """Metric, degrees, clouds, sampling: what was computed, and how."""
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
    """What --nulls asked for, by the same protocol as the measurements."""
    tracks: tuple[Track, ...] = ()
    """Loops followed through the states, the most persistent first."""
    maps: tuple[PassageMap, ...] = ()
    """One for each layer, in order."""
    neighbours: Neighbours | None = None
    outlines: dict[tuple[int, int, str], tuple[Outline, ...]] = field(default_factory=dict)
    """By (cycle, layer, cloud): the longest bars of degree 1 with the passages around each, the longest first."""
    members: dict[str, Int[np.ndarray, " points"]] = field(default_factory=dict)
    """By cloud: which passages (T1's first, then T2's) the cloud's rows are, in the order of the cloud's rows."""

    def value(
        self, measure: str, cycle: int, layer: int, cloud: str, *, degree: int | None = None, against: int | None = None
    ) -> float | None:
        """The one number asked for, or None if it was not measured."""
        for m in self.measurements:
            if (m.measure, m.cycle, m.layer, m.cloud, m.degree, m.against) == (
                measure, cycle, layer, cloud, degree, against,
            ):  # fmt: skip
                return m.value
        return None
