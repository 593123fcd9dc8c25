"""How the pairing changed the space, over folds: each fold's run beside its own runs on shuffled pairings."""

from typing import Any

import numpy as np

from topores.analysis.gain import Fold, Interval, mean_over_strata, shuffled_runs
from topores.runs import Run

MEASURES = ("uniformity", "rank_me", "modality_gap")
"""Quantities of both texts' space that every run logs."""


def space_by_folds(run: Run, cycle: int) -> dict[str, Interval]:
    """By measure: how much more it changed than after training on shuffled pairings, mean over the folds.

    Empty for a run without folds, at cycle 0, or where a fold has fewer than two shuffled runs that logged `cycle`.
    """
    if cycle == 0 or run.options.fold_count < 2 or len(run.folds) < run.options.fold_count:
        return {}
    lines = [[_line(one, cycle) for one in (fold, *shuffled_runs(fold))] for fold in run.folds]
    if any(len(own) < 3 or None in own for own in lines):
        return {}
    found = {}
    for measure in MEASURES:
        # All runs of a fold start from one untrained encoder, so their changes differ as their ends do.
        ends = [[line.get(measure) for line in own if line is not None] for own in lines]
        if all(isinstance(end, int | float) for own in ends for end in own):
            found[measure] = mean_over_strata([_stratum(np.array(own, dtype=float), n) for n, own in enumerate(ends)])
    return found


def _stratum(ends: np.ndarray, number: int) -> Fold:
    """A fold with one query: the measure of its run, the first, and of its shuffled runs."""
    return Fold(ends[:1], ends[:1], ends[1:, None], np.array([number]))


def _line(run: Run, cycle: int) -> dict[str, Any] | None:
    return next((line for line in run.metrics if line["cycle"] == cycle), None)
