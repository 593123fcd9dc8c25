"""Nulls that are runs of their own: measured at the checkpoints of the analysed run, by its protocol."""

import logging
from collections.abc import Iterator

from topores.analysis.measure import measure_states
from topores.analysis.nulls._ground import Ground
from topores.analysis.sources import EncodedSource, Source, run_source
from topores.analysis.verdict.evidence import RETRIEVAL
from topores.domain import Measurement, NullMeasurement
from topores.phrases import Phrase
from topores.quantities import unit_of
from topores.runs import Run, held_out_mrr

log = logging.getLogger(__name__)


def why_no_run(source: Source, kind: str) -> Phrase | None:
    if source.run is None:
        return Phrase("it is trained beside a run of topores train, and these states are none")
    if nulls_beside(source.run, kind):
        return None
    return Phrase("the run has none; train them with topores train --resume --null {kind}", kind=kind)


def nulls_beside(run: Run | None, kind: str) -> list[Run]:
    """The nulls of a kind that belong to `run`; if `run` is a null itself, all others of its family."""
    if run is None:
        return []
    own = run.facts.get("null")
    family = run.nulls if own is None else (run.parent or run).nulls
    return [null for name, null in family.items() if null.facts["null"]["kind"] == kind and name != run.name]


def of_trained(kind: str, ground: Ground) -> Iterator[NullMeasurement]:
    """Numbers of each null of a kind that reached the run's last cycle, at the cycles that both keep."""
    source = ground.source
    assert isinstance(source, EncodedSource)
    cycles, last = {state.cycle for state in source.states}, source.states[-1].cycle
    for number, null in enumerate(nulls_beside(source.run, kind)):
        states = [state for state in null.states if state.cycle in cycles]
        if not states or states[-1].cycle != last:
            log.warning("The null '%s' has no checkpoint of cycle %d, so it is left out.", null.folder, last)
            continue
        for measured in measure_states(run_source(null, states, source.device, source), ground.bench, "last"):
            # Curves are kept for the run only: those of the nulls would be larger than everything else.
            kept = [m for m in measured.measurements if m.threshold is None]
            found = retrieval_of(null, measured.state.cycle, ground.layer)
            yield from (NullMeasurement(kind, number, m) for m in [*kept, *found])


def retrieval_of(run: Run, cycle: int, layer: int) -> list[Measurement]:
    """Held-out MRR, the mean of both directions, where the run logged it."""
    line = next((line for line in run.metrics if line["cycle"] == cycle), {})
    found = held_out_mrr(line)
    return [] if found is None else [Measurement(cycle, layer, "union", RETRIEVAL, found, unit_of(RETRIEVAL))]
