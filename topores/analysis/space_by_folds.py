"""How the pairing changed the space, over folds: each fold's run beside its own runs on shuffled pairings."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from topores.analysis.cells import Points
from topores.analysis.ends import numbers_of_ends
from topores.analysis.gain import Fold, prediction_over_strata, shuffled_runs
from topores.analysis.measure import Bench, MeasuredState, unit_rows
from topores.analysis.sources import Source
from topores.analysis.verdict.evidence import CLUSTER_GAP, GAP, LONGEST_LOOP, LOOPS, MOVED
from topores.domain import State, cycle_label
from topores.runs import Run
from topores.sign_flips import Interval

LOGGED = ("uniformity", "rank_me", GAP)
"""Quantities of both texts' space that every run logs."""

MEASURED = (LOOPS, LONGEST_LOOP, CLUSTER_GAP, "intrinsic_dimension", *MOVED)
"""Quantities that are measured here, at the last checkpoint of every fold and of each of its shuffled runs."""

Values = Mapping[str, float]
"""By quantity."""


class Ends(NamedTuple):
    """Where the runs of one fold ended."""

    own: Values
    shuffled: Sequence[Values]
    """One for each run on shuffled pairings."""


def space_by_folds(source: Source, bench: Bench, ends: tuple[MeasuredState, ...]) -> dict[str, Interval]:
    """By quantity: how much more it changed than after training on shuffled pairings, mean over the folds.

    Empty for a run without folds, at cycle 0, and where a fold has fewer than two shuffled runs that came to the cycle.

    Args:
        ends: The first and the last measured state of the run. Quantities that no log has are measured only if these
            are cycle 0 and the end of all runs, and if all points of the cloud are.
    """
    run, cycle = source.run, ends[-1].state.cycle
    if run is None or not _has_folds(run, cycle):
        return {}
    found = logged_space(run, cycle)
    if ends[0].state.cycle or not bench.protocol.plan(len(source.clouds["union"])).exact:
        return found
    measured = _measured_ends(source, bench, ends, [[fold, *shuffled_runs(fold)] for fold in run.folds])
    return found | over_folds(measured, MEASURED)


def logged_space(run: Run, cycle: int) -> dict[str, Interval]:
    """The same for the quantities that every run logs, at any logged cycle."""
    if not _has_folds(run, cycle):
        return {}
    return over_folds([Ends(*_logged_ends(fold, cycle)) for fold in run.folds], LOGGED)


def _has_folds(run: Run, cycle: int) -> bool:
    return cycle > 0 and 1 < run.options.fold_count <= len(run.folds)


def over_folds(ends: Sequence[Ends], quantities: Sequence[str]) -> dict[str, Interval]:
    """The interval of each quantity that all runs have, for folds with two shuffled runs or more.

    All runs of a fold start from one untrained encoder, so their changes differ as their ends do.
    """
    if not ends or any(len(fold.shuffled) < 2 for fold in ends):
        return {}
    had_by_all = [
        name for name in quantities if all(name in run for fold in ends for run in (fold.own, *fold.shuffled))
    ]
    return {
        name: prediction_over_strata([_stratum(fold, name, number) for number, fold in enumerate(ends)])
        for name in had_by_all
    }


def _stratum(fold: Ends, name: str, number: int) -> Fold:
    """A fold with one query: the quantity of its run, and of its shuffled runs."""
    own = np.array([fold.own[name]])
    return Fold(own, own, np.array([[run[name]] for run in fold.shuffled]), np.array([number]))


def _logged_ends(fold: Run, cycle: int) -> tuple[Values, list[Values]]:
    own, *shuffled = (_line(run, cycle) for run in (fold, *shuffled_runs(fold)))
    return own, shuffled


def _line(run: Run, cycle: int) -> Values:
    """What the run logged at a cycle; empty if it has no such line."""
    line: Mapping[str, Any] = next((line for line in run.metrics if line["cycle"] == cycle), {})
    return {name: float(line[name]) for name in LOGGED if isinstance(line.get(name), int | float)}


def _measured_ends(
    source: Source, bench: Bench, ends: tuple[MeasuredState, ...], runs: Sequence[Sequence[Run]]
) -> list[Ends]:
    """Numbers of the last checkpoint of each run; none if one of them lacks it, or has another width."""
    cycle = ends[-1].state.cycle
    if any(cycle not in run.checkpoints for fold in runs for run in fold):
        return []
    before = _union(source, ends[0].output)
    states = [State(cycle, cycle_label(cycle), run.checkpoints[cycle]) for fold in runs for run in fold]
    after = [_union(source, _last(source.layers_of(state, "last", bench.cache))) for state in states]
    if any(rows.shape != before.shape for rows in after):
        return []
    found = iter(numbers_of_ends(bench, [(before, rows) for rows in after]))
    values = [[next(found) for _ in fold] for fold in runs]
    return [Ends(own, shuffled) for own, *shuffled in values]


def _union(source: Source, rows: Float[np.ndarray, "rows dim"]) -> Points:
    return unit_rows(rows[source.clouds["union"]], source.rounding)


def _last(layers: Mapping[int, Float[np.ndarray, "rows dim"]]) -> Float[np.ndarray, "rows dim"]:
    return layers[max(layers)]
