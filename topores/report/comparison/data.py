"""What the page of a comparison shows: the quantities with their names, the look of each run, its places on a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from topores.analysis.comparison.replicates import Group
from topores.analysis.comparison.run import ByCycle, ComparedRun
from topores.report.comparison.charts import LOOKS, Curve
from topores.report.glossary import Term
from topores.report.language import later, say


@dataclass(frozen=True)
class Shown:
    """How the page calls a quantity, and how to read it, in the language in which the page is written then."""

    name: Term | str
    """A term of the glossary, or any other text."""
    reading: str
    around: str = "{name}"
    """The title, where it is more than the name."""

    @property
    def title(self) -> str:
        """HTML."""
        return say(self.around, name=say(self.name) if isinstance(self.name, str) else self.name)

    @property
    def note(self) -> str:
        """HTML."""
        return say(self.reading)


SHOWN: Mapping[str, Shown] = {
    "held_out_mrr": Shown(
        Term("MRR", "MRR"), later("unseen partners; 1: always found first"), later("Held-out {name}")
    ),
    "train_mrr": Shown(Term("MRR", "MRR"), later("partners trained on"), later("Training {name}")),
    "uniformity": Shown(Term("uniformity", "Uniformity"), later("lower: more evenly spread")),
    "rank_me": Shown(Term("RankMe", "RankMe"), later("directions in use")),
    "modality_gap": Shown(Term("gap", "Gap between the texts"), later("0: both have one centre")),
    "alignment": Shown(Term("alignment", "Alignment"), later("distance² of partners; 0: they coincide")),
    "total_persistence": Shown(
        Term("total persistence", "Total persistence of loops"), later("lengths of all loops' bars")
    ),
    "spanning_tree": Shown(
        Term("total persistence", "Length of the spanning tree"), later("lengths of all clusters' bars")
    ),
    "intrinsic_dimension": Shown(Term("intrinsic dimension", "Intrinsic dimension"), later("from two neighbours")),
    "procrustes.residual": Shown(Term("deformation", "Deformation"), later("what turn and scale leave")),
    "procrustes.angle": Shown(Term("rotation", "Rotation"), later("largest angle")),
    "procrustes.scale": Shown(Term("scale", "Scale"), later("1: as wide as at first")),
    "significant_loops": Shown(later("Loops beyond chance"), later("where they were judged")),
}

FROM_ZERO = ("total_persistence", "significant_loops", "procrustes.residual", "procrustes.angle")
"""Quantities whose axis begins at 0: what they are a multiple of counts."""


def looks_of(runs: Sequence[ComparedRun], groups: Sequence[Group]) -> dict[str, str]:
    """A look by name of run: its own, or where there are more runs than looks that of its kind.

    Runs of kinds past the looks have none, and are not drawn.
    """
    if len(runs) <= len(LOOKS):
        return {run.name: look for run, look in zip(runs, LOOKS, strict=False)}
    return {run.name: look for group, look in zip(groups, LOOKS, strict=False) for run in (*group.runs, *group.repeats)}


def over_cycles(run: ComparedRun, look: str, quantity: str) -> Curve:
    return Curve(run.name, look, list(_values(run, quantity).items()))


def over_loss(run: ComparedRun, look: str, quantity: str) -> Curve:
    """States at which the loss was lower than ever before."""
    places: list[tuple[float, float]] = []
    for cycle, value in run.values[quantity].items():
        loss = run.losses.get(cycle)
        if loss is not None and (not places or loss < places[-1][0]):
            places.append((loss, value))
    return Curve(run.name, look, places)


def _values(run: ComparedRun, quantity: str) -> ByCycle:
    return run.losses if quantity == "loss" else run.values[quantity]
