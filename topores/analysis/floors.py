"""The floor of every quantity: the change that is no change, because rounding, layout, dropout or the choice of
passages makes as much of it. The verdict, its claims and the page read it here.

A floor stands only where its cause does: dropout where the encoder has some, layout where there is an encoder.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

from topores.analysis.numbers import CLUSTERS, LOOPS, Values, name_of
from topores.domain import Measurement, NullMeasurement
from topores.phrases import Phrase

DROPOUT, RESAMPLE = "dropout", "resample"
FLOORS = (DROPOUT, RESAMPLE)
"""Nulls that give a noise floor, which a change has to exceed whatever caused it."""

QUANTILE = 0.975
"""Floor of dropout: this quantile of the differences between two draws. A smaller change counts as none."""

SUMS = (LOOPS, CLUSTERS)
"""Quantities that grow with the number of passages."""

LEAST_MOVE = 0.01
"""Movement of the passages, as a share of their spread, below which nothing is worth naming, whatever caused it."""

MOST_BY_LAYOUT = 0.05
"""Movement above which the layout of batches need not be measured: half precision moves rows by less."""

Floors = Mapping[str, Mapping[str, float]]
"""By null of `FLOORS`, then by quantity."""


def floors_of(nulls: Sequence[NullMeasurement], whole: Mapping[int, Values]) -> dict[str, dict[str, float]]:
    """Floor of each quantity by dropout and by resampling.

    Args:
        nulls: Draws of the nulls at the first and the last state.
        whole: Compared quantities of all passages, by cycle: sums over half of the passages are smaller.
    """
    own = {null: [n for n in nulls if n.null == null and n.measurement.cloud == "union"] for null in FLOORS}
    found = {DROPOUT: _between_draws(own[DROPOUT])}
    found[RESAMPLE] = _between_draws([n for n in own[RESAMPLE] if n.measurement.against is not None])
    found[RESAMPLE] |= _of_paired_halves(own[RESAMPLE], whole)
    return {null: floors for null, floors in found.items() if floors}


def _between_draws(nulls: Sequence[NullMeasurement]) -> dict[str, float]:
    """The `QUANTILE` of the differences between any two draws of one state, at the noisier state; for a change, of the
    changes between two draws of one state."""
    drawn: dict[tuple[str, int, bool], list[float]] = {}
    for m in (n.measurement for n in nulls):
        if name := name_of(m):
            drawn.setdefault((name, m.cycle, m.against is None), []).append(m.value)
    found: dict[str, float] = {}
    for (name, _, alone), values in drawn.items():
        noise = [abs(a - b) for a, b in itertools.combinations(values, 2)] if alone else values
        if noise:
            found[name] = max(float(np.quantile(noise, QUANTILE)), found.get(name, 0.0))
    return found


def _of_paired_halves(nulls: Sequence[NullMeasurement], whole: Mapping[int, Values]) -> dict[str, float]:
    """How far a change may be from 0 by the choice of passages: the same halves before and after.

    A half changes as the whole does, but for its choice of passages. Two unrelated halves would differ by much that the
    change does not have, since what tells the halves apart is there both before and after. The deviation of the changes
    is the standard error of the change of all passages (McCarthy 1969), times t at 95 %.
    """
    halves: dict[str, dict[int, dict[int, float]]] = {}
    for n in nulls:
        m: Measurement = n.measurement
        name = name_of(m)
        if name is not None and m.against is None:
            halves.setdefault(name, {}).setdefault(m.cycle, {})[n.replicate] = m.value
    found: dict[str, float] = {}
    for name, by_cycle in halves.items():
        if len(by_cycle) < 2:
            continue
        first, last = min(by_cycle), max(by_cycle)
        both = sorted(by_cycle[first].keys() & by_cycle[last].keys())
        then, now = (
            np.array([by_cycle[cycle][half] for half in both]) * _to_whole(name, by_cycle[cycle], whole.get(cycle, {}))
            for cycle in (first, last)
        )
        if len(both) > 1 and np.isfinite(then).all() and np.isfinite(now).all():
            found[name] = float(student.ppf(QUANTILE, len(both) - 1) * np.std(now - then, ddof=1))
    return found


def _to_whole(name: str, halves: Mapping[int, float], whole: Values) -> float:
    """What a sum over half of the passages is multiplied by; 1 for all else."""
    mean = float(np.mean(list(halves.values())))
    return whole[name] / mean if name in SUMS and name in whole and mean > 0 else 1.0


def floor_of(floors: Floors, name: str) -> float | None:
    """The largest floor of a quantity; None if none was measured."""
    known = [found[name] for found in floors.values() if name in found]
    return max(known) if known else None


def noise_of(floors: Floors) -> Phrase:
    """What makes the noise, in words: nobody draws dropout of an array, or of an encoder without any."""
    if len(floors) == len(FLOORS):
        return Phrase("dropout and resampling")
    return Phrase("dropout alone") if DROPOUT in floors else Phrase("resampling")


def change_by_rounding(before: Float[np.ndarray, "points dim"], row_roundings: Sequence[float]) -> float | None:
    """The change of all passages that storage and layout of two states alone may make; None if there is no spread.

    Args:
        before: Unit rows of the first state, by whose spread changes are measured.
        row_roundings: By state: how far a row of length 1 may be off.
    """
    spread = float(np.linalg.norm(before - before.mean(axis=0)))
    return float(sum(row_roundings) * np.sqrt(len(before))) / spread if spread else None
