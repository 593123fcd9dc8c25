"""One run as a comparison reads it: its numbers by quantity and cycle, and the loss of each of its states."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from topores.domain import Analysis, Corpus, Measurement

LOGGED = {
    "held_out_mrr": "MRR of held-out pairs",
    "train_mrr": "MRR of training pairs",
    "uniformity": "uniformity",
    "rank_me": "RankMe",
    "modality_gap": "modality gap",
    "alignment": "alignment",
}
"""What a run logs at many cycles, in words; MRR is the mean of both directions."""

MEASURED = {
    "total_persistence": "total H1 persistence",
    "spanning_tree": "length of the spanning tree",
    "intrinsic_dimension": "intrinsic dimension",
    "procrustes.residual": "deformation",
    "procrustes.angle": "largest rotation",
    "procrustes.scale": "scale",
    "significant_loops": "loops beyond chance",
}
"""What is measured at kept cycles, of the union cloud at the last layer, in words. Changes are since the first."""

QUANTITIES = {**LOGGED, **MEASURED}
RETRIEVAL, LOOPS, COUNTED = "held_out_mrr", "total_persistence", "significant_loops"

UNMOVED = {"procrustes.residual": 0.0, "procrustes.angle": 0.0, "procrustes.scale": 1.0}
"""What the first state is against itself."""

ALPHA = 0.05

ByCycle = dict[int, float]


@dataclass(frozen=True)
class ComparedRun:
    name: str
    """Unlike that of every other run in the comparison."""
    analysis: Analysis

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Cycles whose states were measured."""
        return tuple(state.cycle for state in self.analysis.states)

    @cached_property
    def values(self) -> dict[str, ByCycle]:
        """Of each quantity, what is known of it by cycle, in order of cycle."""
        return {**_logged(self.analysis.metrics), **_measured(self.analysis)}

    @cached_property
    def losses(self) -> ByCycle:
        """The loss of each logged state, as near as the log tells.

        A line has the mean loss over the steps of its cycle, so over states before the one that it ends in. It is put
        in the middle of these, and the loss of a state is read between two lines; the last state has that of its own.
        """
        lines = [
            (line["cycle"], loss) for line in self.analysis.metrics if (loss := _number(line.get("loss"))) is not None
        ]
        if not lines:
            return {}
        middle = {cycle: max(0.0, cycle - (1 + 1 / self.steps) / 2) for cycle, _ in lines}
        # With one step a cycle, that of cycle 1 is taken where the untrained state is: its line says no more.
        known = {middle[cycle]: loss for cycle, loss in reversed(lines)}
        places = sorted(known)
        found = np.interp([cycle for cycle, _ in lines], places, [known[place] for place in places])
        return {cycle: float(loss) for (cycle, _), loss in zip(lines, found, strict=True)}

    @property
    def steps(self) -> int:
        """Batches of a cycle; 1 if it is not known."""
        batch = _number(self.options.get("batch_size"))
        return math.ceil(self.asked_in_training / batch) or 1 if batch else 1

    @property
    def batch(self) -> str:
        """How many passages of T1 compete in a batch: all that are trained on, or so many."""
        batch = _number(self.options.get("batch_size"))
        return "all" if self.steps == 1 else f"{batch:.0f}"

    @property
    def asked_in_training(self) -> int:
        corpus = self.analysis.corpus
        return 0 if corpus is None else corpus.split_1.count("train")

    @property
    def options(self) -> Mapping[str, Any]:
        return _mapping(self.analysis.run.get("options"))

    @property
    def sha256(self) -> Mapping[str, Any]:
        """Of the texts (t1, t2) and the base weights."""
        return _mapping(self.analysis.run.get("sha256"))

    @property
    def texts(self) -> tuple[str, str]:
        return str(self.sha256.get("t1", "")), str(self.sha256.get("t2", ""))

    @property
    def null(self) -> str:
        """'shuffled' or 'frozen' where the run is a null of another; else nothing."""
        return str(_mapping(self.analysis.run.get("null")).get("kind", ""))

    @property
    def seed(self) -> tuple[str, str]:
        """What tells it from runs that are otherwise the same: its seed, and that of its permutation."""
        null = _mapping(self.analysis.run.get("null"))
        return str(self.options.get("seed", "")), str(null.get("seed", ""))

    @cached_property
    def questions(self) -> tuple[Any, ...] | None:
        """All that decides what is asked of held-out passages; None where nothing is aligned."""
        corpus = self.analysis.corpus
        return None if corpus is None else _questions(corpus)


def _logged(metrics: Sequence[Mapping[str, Any]]) -> dict[str, ByCycle]:
    found: dict[str, ByCycle] = {name: {} for name in LOGGED}
    for line in metrics:
        for name in LOGGED:
            keys = [f"{name}_1to2", f"{name}_2to1"] if name.endswith("_mrr") else [name]
            known = [value for key in keys if (value := _number(line.get(key))) is not None]
            if known:
                found[name][line["cycle"]] = float(np.mean(known))
    return found


def _measured(analysis: Analysis) -> dict[str, ByCycle]:
    first, last_layer = analysis.states[0].cycle, max(analysis.layers)
    found: dict[str, ByCycle] = {name: {} for name in MEASURED}
    for measure, value in UNMOVED.items():
        found[measure][first] = value
    for m in analysis.measurements:
        name = _quantity(m, first)
        if name is not None and (m.layer, m.cloud) == (last_layer, "union") and math.isfinite(m.value):
            found[name][m.cycle] = m.value
    return {**found, COUNTED: _significant_loops(analysis, last_layer)}


def _quantity(m: Measurement, first: int) -> str | None:
    """What a measurement is called in a comparison; None for what is not compared, or is taken from the log.

    Args:
        first: Cycle of the first state, which changes are against.
    """
    if m.threshold is not None or m.against not in (None, first):
        return None
    if m.measure == "total_persistence":
        return {0: "spanning_tree", 1: LOOPS}.get(m.degree if m.degree is not None else -1)
    return m.measure if m.measure in MEASURED and m.degree is None else None


def _significant_loops(analysis: Analysis, layer: int) -> ByCycle:
    """How many loops chance does not make; only for states whose loops were judged."""
    found: ByCycle = {}
    for state in analysis.states:
        bars = analysis.diagrams.get((state.cycle, layer, "union", 1))
        judged = [
            loop for loop in analysis.loops if (loop.cycle, loop.layer, loop.cloud) == (state.cycle, layer, "union")
        ]
        if judged or (bars is not None and not np.isfinite(bars).all(axis=1).any()):
            found[state.cycle] = float(sum(loop.p < ALPHA for loop in judged))
    return found


def _questions(corpus: Corpus) -> tuple[Any, ...]:
    pairs, chosen = corpus.pairs, corpus.pairs_in("held_out")
    asked = sorted(zip(pairs.t1[chosen].tolist(), pairs.t2[chosen].tolist(), strict=True))
    return (
        tuple(passage.text for passage in (*corpus.t1, *corpus.t2)), corpus.split_1, corpus.split_2, tuple(asked)
    )  # fmt: skip


def _number(value: Any) -> float | None:
    """A finite number, or None: what stands in a file instead is null, NaN or anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
