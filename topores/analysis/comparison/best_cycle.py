"""Where a run finds unseen partners best, and what its space is like there: the turn from learning to memorising."""

from dataclasses import dataclass

import numpy as np

from topores.analysis.comparison.run import LOOPS, RETRIEVAL, ByCycle, ComparedRun


@dataclass(frozen=True)
class BestCycle:
    cycle: int
    """The logged cycle with the greatest held-out MRR, of equal ones the first."""
    held_out: float
    untrained: float | None
    """Held-out MRR at cycle 0."""
    last: float
    """Held-out MRR at the last logged cycle."""
    train: float | None
    loss: float | None
    loops: float | None
    """Total persistence of the loops there, over that of the first state; read between the kept states around it."""


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
