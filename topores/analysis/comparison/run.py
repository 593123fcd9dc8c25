"""One run as a comparison reads it: its numbers by quantity and cycle, and the loss of each state."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from topores.analysis.verdict.evidence import CLUSTERS, LOOPS, RETRIEVAL
from topores.compute.files import sha256_text
from topores.config import TrainConfig
from topores.domain import Analysis, Corpus, Measurement
from topores.errors import UsageError
from topores.quantities import NOT_QUANTITIES, id_of, quantity
from topores.quantities import QUANTITIES as TABLE
from topores.sign_flips import ALPHA
from topores.text.fingerprint import corpus_sha256, passages_sha256

COUNTED = "significant_loops"

LOGGED = (RETRIEVAL, "train_mrr", "uniformity", "rank_me", "modality_gap", "alignment")
"""Quantities that every run logs."""

CHANGES = ("procrustes.residual", "procrustes.angle", "procrustes.scale")
"""Quantities measured against the first state."""

MEASURED = (LOOPS, CLUSTERS, "intrinsic_dimension", *CHANGES)
"""Quantities measured at kept cycles, of both texts' cloud at the last layer."""

QUANTITIES = {name: quantity(name).phrase for name in (*LOGGED, *MEASURED, COUNTED)}
"""Quantities that are compared and tested, in words."""

KNOWN_KEYS = {*NOT_QUANTITIES, *(key for one in TABLE.values() for key in one.logged_as)}
"""Keys of a logged line that the table of quantities has."""

ByCycle = dict[int, float]


@dataclass(frozen=True)
class Gist:
    """What a comparison needs to know of a run's passages and bars, so that a report can do without them."""

    trained_on: int
    """Passages of T1 that are trained on; 0 if there are no passages."""
    questions: str | None
    """Hash of everything that determines the held-out questions; None if there are no passages."""
    without_loops: tuple[int, ...]
    """Cycles of states whose union cloud has no finite bar of degree 1 at the last layer."""
    corpus: str | None = None
    """Hash of passages, pairs and split; of a shuffled null its parent's. None if it is not known."""
    passages: str | None = None
    """The same without the split, which the seed decides."""


@dataclass(frozen=True)
class ComparedRun:
    name: str
    """Unique in the comparison."""
    analysis: Analysis
    carried: Gist | None = None
    """The gist, where the analysis has neither passages nor bars, as in a report."""
    ranks: Mapping[int, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    """By logged cycle and direction: ranks of held-out passages, in their order; none of a report or an older run."""

    @cached_property
    def gist(self) -> Gist:
        return gist_of(self.analysis) if self.carried is None else self.carried

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Cycles whose states were measured."""
        return tuple(state.cycle for state in self.analysis.states)

    @cached_property
    def values(self) -> dict[str, ByCycle]:
        """By quantity: its known values by cycle, in order of cycle."""
        counted = _significant_loops(self.analysis, self.gist.without_loops)
        logged = _logged_values(self.analysis.metrics, [*LOGGED, *other_keys(self.analysis.metrics)])
        return {**logged, **_measured_values(self.analysis), COUNTED: counted}

    @cached_property
    def losses(self) -> ByCycle:
        """The loss of each logged state, interpolated.

        A line logs the mean loss over the steps of its cycle, so over states before the one at its end. That mean is
        placed in the middle of the cycle, and the loss of a state is interpolated between two lines; the last state
        takes the loss of its own line.
        """
        lines = [
            (line["cycle"], loss) for line in self.analysis.metrics if (loss := _number(line.get("loss"))) is not None
        ]
        if not lines:
            return {}
        middle = {cycle: max(0.0, cycle - (1 + 1 / self.steps) / 2) for cycle, _ in lines}
        # With one step a cycle, the loss of cycle 1 is that of the untrained state, whose own line says no more.
        known = {middle[cycle]: loss for cycle, loss in reversed(lines)}
        places = sorted(known)
        found = np.interp([cycle for cycle, _ in lines], places, [known[place] for place in places])
        return {cycle: float(loss) for (cycle, _), loss in zip(lines, found, strict=True)}

    @property
    def steps(self) -> int:
        """Batches per cycle; 1 if unknown."""
        batch = _number(self.options.get("batch_size"))
        return math.ceil(self.gist.trained_on / batch) or 1 if batch else 1

    @property
    def batch(self) -> str:
        """Passages of T1 in a batch: 'all' that are trained on, or a number."""
        batch = _number(self.options.get("batch_size"))
        return "all" if self.steps == 1 else f"{batch:.0f}"

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """Its options as runs record them now: of its own encoder and objective, with defaults filled in.

        Those of a file from elsewhere, or of a variant that is not here, are left as they are.
        """
        recorded = _mapping(self.analysis.run.get("options"))
        try:
            return TrainConfig.from_mapping(recorded, stored=True).to_mapping()
        except (UsageError, TypeError):
            return recorded

    @property
    def reader(self) -> Any:
        """The model that cut, aligned and split the texts; without --reader it is the base model."""
        named = self.options.get("reader")
        return self.options.get("model") if named is None else named

    @property
    def sha256(self) -> Mapping[str, Any]:
        """Hashes of the texts (t1, t2), the base weights and the corpus."""
        return _mapping(self.analysis.run.get("sha256"))

    @property
    def texts(self) -> tuple[str, str]:
        return str(self.sha256.get("t1", "")), str(self.sha256.get("t2", ""))

    @property
    def null(self) -> str:
        """'shuffled' or 'frozen' if the run is a null of another; else empty."""
        return str(_mapping(self.analysis.run.get("null")).get("kind", ""))

    @property
    def seed(self) -> tuple[str, str]:
        """What distinguishes it from its replicates: its seed, and the seed of its permutation."""
        null = _mapping(self.analysis.run.get("null"))
        return str(self.options.get("seed", "")), str(null.get("seed", ""))


def gist_of(analysis: Analysis) -> Gist:
    """Gist of an analysis that has its passages and bars."""
    corpus, layer = analysis.corpus, analysis.output
    loops = {state.cycle: analysis.diagrams.get((state.cycle, layer, "union", 1)) for state in analysis.states}
    return Gist(
        trained_on=0 if corpus is None else corpus.split_1.count("train"),
        questions=None if corpus is None else _questions(corpus),
        without_loops=tuple(
            cycle for cycle, bars in loops.items() if bars is not None and not np.isfinite(bars).all(axis=1).any()
        ),
        **_fingerprints(analysis),
    )


def _fingerprints(analysis: Analysis) -> dict[str, str | None]:
    """Hashes of the corpus, with and without its split; those of its parent for a null with shuffled pairs."""
    if _mapping(analysis.run.get("null")).get("kind") == "shuffled":
        kept = _mapping(analysis.run.get("sha256"))
        return {name: _text(kept.get(f"parent_{name}")) for name in ("corpus", "passages")}
    corpus = analysis.corpus
    if corpus is None:
        return {}
    return {"corpus": corpus_sha256(corpus), "passages": passages_sha256(corpus)}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def other_keys(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys with numbers that the table of quantities lacks, as an objective or an evaluation of yours may log them."""
    keys = dict.fromkeys(key for line in metrics for key, value in line.items() if _number(value) is not None)
    return [key for key in keys if key not in KNOWN_KEYS and key not in TABLE]


def _logged_values(metrics: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, ByCycle]:
    """By quantity and cycle; one with several keys, as in both directions, is their mean."""
    found: dict[str, ByCycle] = {name: {} for name in names}
    for line in metrics:
        for name in names:
            known = [value for key in quantity(name).logged_as if (value := _number(line.get(key))) is not None]
            if known:
                found[name][line["cycle"]] = float(np.mean(known))
    return found


def _measured_values(analysis: Analysis) -> dict[str, ByCycle]:
    first = analysis.first.cycle
    found: dict[str, ByCycle] = {name: {} for name in MEASURED}
    for measure in CHANGES:
        found[measure][first] = float(quantity(measure).no_change or 0)
    for m in analysis.measurements:
        name = _quantity(m, first)
        if name is not None and (m.layer, m.cloud) == (analysis.output, "union") and math.isfinite(m.value):
            found[name][m.cycle] = m.value
    return found


def _quantity(m: Measurement, first: int) -> str | None:
    """Id of the quantity that a measurement is of; None for what is not compared, or is taken from the log.

    Args:
        first: Cycle of the first state, which changes are measured against.
    """
    if m.threshold is not None or m.against not in (None, first):
        return None
    name = id_of(m.measure, m.degree)
    return name if name in MEASURED else None


def _significant_loops(analysis: Analysis, without: Sequence[int]) -> ByCycle:
    """Number of significant loops; only for states whose loops were tested, and could have been seen.

    Args:
        without: Cycles of states that have no loop to test.
    """
    found: ByCycle = {}
    for state in analysis.states:
        judged = analysis.loops_at(state.cycle, analysis.output, "union")
        if state.cycle in without or not all(loop.blind for loop in judged):
            found[state.cycle] = float(sum(loop.p < ALPHA for loop in judged))
    return found


def _questions(corpus: Corpus) -> str:
    pairs, chosen = corpus.pairs, corpus.pairs_in("held_out")
    asked = sorted(zip(pairs.t1[chosen].tolist(), pairs.t2[chosen].tolist(), strict=True))
    texts = [passage.text for passage in (*corpus.t1, *corpus.t2)]
    return sha256_text(json.dumps([texts, corpus.split_1, corpus.split_2, asked]))


def _number(value: Any) -> float | None:
    """A finite number, or None: a file may hold null, NaN or anything else instead."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
