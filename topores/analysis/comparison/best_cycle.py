"""The cycle at which held-out retrieval is best, where learning turns into memorising, and the space there."""

from dataclasses import dataclass

import numpy as np

from topores.analysis.comparison.run import ByCycle, ComparedRun
from topores.analysis.verdict.evidence import LOOPS, RETRIEVAL


@dataclass(frozen=True)
class BestCycle:
    cycle: int
    """The logged cycle with the highest held-out MRR; the first of equal ones."""
    held_out: float
    untrained: float | None
    """Held-out MRR at cycle 0."""
    last: float
    """Held-out MRR at the last logged cycle."""
    train: float | None
    loss: float | None
    loops: float | None
    """Total loop persistence there over that of the first state, interpolated between kept states."""


def best_cycle(run: ComparedRun) -> BestCycle | None:
    """None where nothing is held out."""
    mrr = run.values[RETRIEVAL]
    if not mrr:
        return None
    cycle = max(mrr, key=lambda c: mrr[c])
    return BestCycle(
        cycle=cycle,
        held_out=mrr[cycle],
        untrained=mrr.get(0),
        last=list(mrr.values())[-1],
        train=run.values["train_mrr"].get(cycle),
        loss=run.losses.get(cycle),
        loops=_times_the_start(run.values[LOOPS], cycle),
    )


def _times_the_start(values: ByCycle, cycle: int) -> float | None:
    """Along the logarithm of 1 + cycle, as checkpoints are kept."""
    cycles = list(values)
    if not cycles or not cycles[0] <= cycle <= cycles[-1] or not values[cycles[0]]:
        return None
    there = np.interp(np.log1p(cycle), np.log1p(cycles), list(values.values()))
    return float(there) / values[cycles[0]]
