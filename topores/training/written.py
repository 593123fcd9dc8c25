"""Encoders that are written, not trained: each cycle to log is reached at once, whatever lies between."""

import logging
import time
from collections.abc import Callable

from topores.errors import Interrupted
from topores.training.loop import Trainee, log_cycle, on_any_process, untrained_losses
from topores.training.monitors import stop_if
from topores.training.provenance import frozen_sha256
from topores.training.schedule import kept_cycles, visited_cycles
from topores.training.state import save_state

log = logging.getLogger(__name__)


def write_until(trainee: Trainee, cycles: int, *, checkpoints: str, stopping: Callable[[], bool]) -> None:
    """Log and keep cycles 0, 1, 2, 5, 10, ... and those that `checkpoints` names, from `trainee.progress` to `cycles`.

    A line's losses are those of the first cycle's batches, under the same dropout masks at each cycle.

    Args:
        checkpoints: Which cycles to keep: log, every:K, a list, or none.
        stopping: Called between logged cycles; if it returns True, the state is saved and writing ends.

    Raises:
        Interrupted: `stopping` returned True; the state is saved.
        FailedOn: The run has one of the faults in `trainee.fail_on`; the state is saved.
    """
    progress, encoder, per_cycle = trainee.progress, trainee.encoder, trainee.batches.per_cycle
    frozen = None if trainee.beside else frozen_sha256(encoder)
    kept, started = kept_cycles(checkpoints, cycles), time.monotonic() - progress.seconds
    done = progress.step // per_cycle if progress.logged else -1
    if done >= 0:
        # What a resumed run says of how far the state has moved, it says from where it stopped.
        encoder.write(done)
    for cycle in visited_cycles(checkpoints, cycles, after=done):
        encoder.write(cycle)
        progress.step, progress.seconds = cycle * per_cycle, time.monotonic() - started
        faults = log_cycle(trainee, cycle, untrained_losses(trainee), keep=kept(cycle))
        fails = any(fault.name in trainee.fail_on for fault in faults)
        stop = on_any_process(stopping() or fails, trainee.accelerator)
        if trainee.writes and stop:
            save_state(trainee.run.folder / "state", trainee.modules, trainee.optimizer, progress)
        stop_if(faults, trainee.fail_on)
        if stop and cycle < cycles:
            raise Interrupted(f"Stopped after cycle {cycle:,} of {cycles:,} and saved; continue with --resume.")
    if frozen is not None:
        assert frozen_sha256(encoder) == frozen, "writing changed a frozen weight"
        log.info("Every weight of the base is as it was before cycle 0: sha256 %s.", frozen[:12])
