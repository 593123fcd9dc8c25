"""The nulls that were trained beside a run, measured at the cycle where the run is, by the same protocol."""

import logging
from collections.abc import Iterable

import numpy as np

from topores.analysis.measure import Bench, measure_states
from topores.analysis.sources import EncodedSource, Source, run_source
from topores.analysis.verdict import COMPARED, RETRIEVAL
from topores.domain import Measurement, State
from topores.runs import Run

log = logging.getLogger(__name__)

Values = dict[str, float]
"""By the names in `COMPARED`, some of them."""


def values_at(run: Run, measurements: Iterable[Measurement], cycle: int) -> Values:
    """What is compared of a run at one cycle.

    Args:
        measurements: Of the run; those of its last layer are looked at.
    """
    own = [m for m in measurements if m.cycle == cycle and m.cloud == "union" and m.against is None]
    last = max((m.layer for m in own), default=0)
    found = {
        m.measure: m.value
        for m in own
        if m.layer == last and m.measure in COMPARED and m.degree in (None, 1) and m.threshold is None
    }
    line = next((line for line in run.metrics if line["cycle"] == cycle), {})
    retrieved = [line.get(f"held_out_mrr_{way}") for way in ("1to2", "2to1")]
    known = [value for value in retrieved if value is not None]
    return {**found, RETRIEVAL: float(np.mean(known))} if known else found


def shuffled_values(source: Source, bench: Bench, cycle: int) -> list[Values]:
    """What is compared, of each null with permuted pairs that stands beside the run of `source` and came as far."""
    if not isinstance(source, EncodedSource) or source.run is None:
        return []
    for null in source.run.nulls.values():
        if not _at(cycle, null):
            log.warning("The null '%s' keeps no checkpoint of cycle %d, so it is left out.", null.folder, cycle)
    return [
        values_at(null, measured.measurements, cycle)
        for null in nulls_at(source.run, "shuffled", cycle)
        for measured in measure_states(run_source(null, _at(cycle, null), source.device, source), bench, "last")
    ]


def nulls_at(run: Run | None, kind: str, cycle: int) -> list[Run]:
    """The nulls of a kind that keep a checkpoint of `cycle`."""
    nulls = [] if run is None else run.nulls.values()
    return [null for null in nulls if null.facts["null"]["kind"] == kind and _at(cycle, null)]


def _at(cycle: int, run: Run) -> list[State]:
    return [state for state in run.states if state.cycle == cycle]
