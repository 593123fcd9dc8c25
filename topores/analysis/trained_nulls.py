"""The nulls that were trained beside a run, measured at the cycle where the run is, by the same protocol."""

import logging
from collections.abc import Iterable

import numpy as np

from topores.analysis.measure import Bench, measure_states
from topores.analysis.sources import EncodedSource, Source
from topores.compute.files import sha256_file
from topores.domain import Measurement
from topores.runs import Run
from topores.text.corpus import CORPUS_FILES

log = logging.getLogger(__name__)

MEASURES = ("total_persistence", "uniformity", "rank_me", "intrinsic_dimension", "modality_gap")
"""What is compared of the union cloud at the last layer, beside held-out retrieval."""

Values = dict[str, float]
"""'held_out_mrr', and some of `MEASURES`."""


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
        if m.layer == last and m.measure in MEASURES and m.degree in (None, 1) and m.threshold is None
    }
    line = next((line for line in run.metrics if line["cycle"] == cycle), {})
    retrieved = [line.get(f"held_out_mrr_{way}") for way in ("1to2", "2to1")]
    known = [value for value in retrieved if value is not None]
    return {**found, "held_out_mrr": float(np.mean(known))} if known else found


def shuffled_values(source: Source, bench: Bench, cycle: int) -> list[Values]:
    """What is compared, of each null with permuted pairs that stands beside the run of `source` and came as far."""
    return [
        values_at(null, measured.measurements, cycle)
        for null in nulls_at(source.run, "shuffled", cycle)
        for measured in measure_states(_source_of(null, cycle, source), bench, "last")
    ]


def nulls_at(run: Run | None, kind: str, cycle: int) -> list[Run]:
    """The nulls of a kind that keep a checkpoint of `cycle`; those that do not are named in the log."""
    nulls = [] if run is None else [null for null in run.nulls.values() if null.facts["null"]["kind"] == kind]
    for null in nulls:
        if cycle not in null.checkpoints:
            log.warning("The null '%s' keeps no checkpoint of cycle %d, so it is left out.", null.folder, cycle)
    return [null for null in nulls if cycle in null.checkpoints]


def _source_of(null: Run, cycle: int, beside: Source) -> EncodedSource:
    texts = {name: sha256_file(null.folder / name) for name in CORPUS_FILES}
    states = [state for state in null.states if state.cycle == cycle]
    device = beside.device if isinstance(beside, EncodedSource) else "auto"
    return EncodedSource(null.name, states, lambda: null.corpus, texts, device, null)
