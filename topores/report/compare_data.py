"""What the page of a comparison shows: the quantities with their names, the look of each run, its places on a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from topores.analysis.compared_run import ByCycle, ComparedRun
from topores.analysis.replicates import Group
from topores.report.compare_charts import LOOKS, Curve
from topores.report.glossary import term


@dataclass(frozen=True)
class Shown:
    """How the page calls a quantity, and how to read it; both HTML."""

    title: str
    note: str


SHOWN: Mapping[str, Shown] = {
    "held_out_mrr": Shown(f"Held-out {term('MRR')}", "unseen partners; 1: always found first"),
    "train_mrr": Shown(f"Training {term('MRR')}", "partners trained on"),
    "uniformity": Shown(term("uniformity", "Uniformity"), "lower: more evenly spread"),
    "rank_me": Shown(term("RankMe"), "directions in use"),
    "modality_gap": Shown(term("gap", "Gap between the texts"), "0: both have one centre"),
    "alignment": Shown(term("alignment", "Alignment"), "distance² of partners; 0: they coincide"),
    "total_persistence": Shown(term("total persistence", "Total persistence of loops"), "lengths of all loops' bars"),
    "spanning_tree": Shown(term("total persistence", "Length of the spanning tree"), "lengths of all clusters' bars"),
    "intrinsic_dimension": Shown(term("intrinsic dimension", "Intrinsic dimension"), "from two neighbours"),
    "procrustes.residual": Shown(term("deformation", "Deformation"), "what turn and scale leave"),
    "procrustes.angle": Shown(term("rotation", "Rotation"), "largest angle (rad)"),
    "procrustes.scale": Shown(term("scale", "Scale"), "1: as wide as at first"),
    "significant_loops": Shown("Loops beyond chance", "where they were judged"),
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
