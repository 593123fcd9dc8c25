"""What the charts of a comparison show: the look of each run, and its points along cycles or losses."""

from collections.abc import Sequence

from topores.analysis.comparison.replicates import Group
from topores.analysis.comparison.run import ByCycle, ComparedRun
from topores.report.comparison.charts import LOOKS, Curve

FROM_ZERO = ("loop_persistence", "significant_loops", "procrustes.residual", "procrustes.angle")
"""Quantities whose axis starts at 0, because their ratios matter."""


def looks_of(runs: Sequence[ComparedRun], groups: Sequence[Group]) -> dict[str, str]:
    """A look by name of run: one per run, or one per kind if there are more runs than looks.

    Kinds beyond the last look have none and are not drawn.
    """
    if len(runs) <= len(LOOKS):
        return {run.name: look for run, look in zip(runs, LOOKS, strict=False)}
    return {run.name: look for group, look in zip(groups, LOOKS, strict=False) for run in (*group.runs, *group.repeats)}


def over_cycles(run: ComparedRun, look: str, quantity: str) -> Curve:
    return Curve(run.name, look, list(_values(run, quantity).items()))


def over_loss(run: ComparedRun, look: str, quantity: str) -> Curve:
    """States at which the loss was lower than ever before."""
    places: list[tuple[float, float]] = []
    for cycle, value in run.values.get(quantity, {}).items():
        loss = run.losses.get(cycle)
        if loss is not None and (not places or loss < places[-1][0]):
            places.append((loss, value))
    return Curve(run.name, look, places)


def _values(run: ComparedRun, quantity: str) -> ByCycle:
    return run.losses if quantity == "loss" else run.values.get(quantity, {})
