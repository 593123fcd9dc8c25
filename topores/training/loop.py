"""The training loop: whole, on one screen, with nothing hidden that a resume would need."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import Optimizer
from tqdm import tqdm

from topores.compute.files import write_whole
from topores.domain import PAIRINGS
from topores.encoders.full import Encoder
from topores.errors import InputError, Interrupted
from topores.objectives.four_pairings import FourPairings, PairingLosses
from topores.runs import Run
from topores.text.batches import Batches
from topores.training.evaluate import evaluate
from topores.training.schedule import kept_cycles, logged_cycles
from topores.training.state import Progress, save_state

STATE_EVERY = 120.0
"""Seconds of training that a crash may cost."""


@dataclass
class Trainee:
    """What a loop changes, and what it needs to do so."""

    run: Run
    encoder: Encoder
    objective: FourPairings
    optimizer: Optimizer
    batches: Batches
    accelerator: Accelerator
    progress: Progress

    @property
    def modules(self) -> nn.ModuleDict:
        """Encoder and objective as one module, for the resume state."""
        return nn.ModuleDict({"encoder": self.encoder, "objective": self.objective})


def train_until(trainee: Trainee, cycles: int, *, checkpoints: str, seed: int, stopping: Callable[[], bool]) -> None:
    """Train from where `trainee.progress` stands to `cycles`; log and keep what the schedule names.

    Args:
        checkpoints: log, every:K, a list, or none (DESIGN: the run folder).
        seed: With the step, all that batches and dropout depend on.
        stopping: Asked after every step; True saves the state and ends.

    Raises:
        Interrupted: `stopping` said so; the state is saved.
    """
    kept = kept_cycles(checkpoints, cycles)
    logged = logged_cycles(cycles, kept)
    progress, batches = trainee.progress, trainee.batches
    started = time.monotonic() - progress.seconds
    if progress.step == 0:
        log_cycle(trainee, 0, untrained_losses(trainee, seed), keep=kept(0))
    saved_at = time.monotonic()

    bar = tqdm(total=cycles, initial=progress.step // batches.per_cycle, unit="cycle", disable=None, leave=False)
    while progress.step < cycles * batches.per_cycle:
        progress.losses.append(take_step(trainee, seed))
        progress.step += 1
        cycle, rest = divmod(progress.step, batches.per_cycle)
        progress.seconds = time.monotonic() - started
        if rest == 0:
            losses, progress.losses = mean_losses(progress.losses), []
            bar.set_postfix(loss=f"{losses['loss']:.3f}", refresh=False)
            bar.update()
            if logged(cycle):
                log_cycle(trainee, cycle, losses, keep=kept(cycle))
        stop = stopping() and progress.step < cycles * batches.per_cycle
        if stop or time.monotonic() - saved_at > STATE_EVERY:
            save_state(trainee.run.folder / "state", trainee.modules, trainee.optimizer, progress)
            saved_at = time.monotonic()
        if stop:
            bar.close()
            raise Interrupted(f"Stopped in cycle {cycle + 1:,} of {cycles:,}, saved; go on with --resume.")
    bar.close()


def take_step(trainee: Trainee, seed: int) -> dict[str, float]:
    """One batch: its losses, its gradient, one step of the optimizer."""
    step = trainee.progress.step
    batch = trainee.batches.at(step)
    # Batch and dropout depend on (seed, step, rank) alone, so a resumed run needs no replay.
    torch.manual_seed(seed_for(seed, step, trainee.accelerator.process_index))
    trainee.encoder.train()
    losses = trainee.objective(trainee.encoder, batch)
    if not torch.isfinite(losses.total):
        raise InputError(f"The loss of step {step} is {losses.total.item()}; give a smaller --learning-rate.")
    trainee.accelerator.backward(losses.total)
    trainee.optimizer.step()
    trainee.optimizer.zero_grad()
    trainee.objective.after_step(trainee.encoder)
    return as_numbers(losses)


@torch.no_grad()
def untrained_losses(trainee: Trainee, seed: int) -> dict[str, float]:
    """The losses of the first cycle's batches before any step, under the dropout they will meet."""
    trainee.encoder.train()
    losses = []
    for step in range(trainee.batches.per_cycle):
        torch.manual_seed(seed_for(seed, step, trainee.accelerator.process_index))
        losses.append(as_numbers(trainee.objective(trainee.encoder, trainee.batches.at(step))))
    return mean_losses(losses)


def log_cycle(trainee: Trainee, cycle: int, losses: dict[str, float], *, keep: bool) -> None:
    """Evaluate, write the line of metrics.jsonl and, if the schedule says so, a checkpoint and the state."""
    run, corpus = trainee.run, trainee.batches.corpus
    rows = trainee.encoder.encode([p.text for p in (*corpus.t1, *corpus.t2)])
    measured = evaluate(rows[: len(corpus.t1)], rows[len(corpus.t1) :], corpus)
    if keep:
        write_whole(run.checkpoint_path(cycle), trainee.encoder.save)
    run.append_metrics({"cycle": cycle, **losses, **measured, "seconds": round(trainee.progress.seconds, 3)})
    if keep:
        save_state(run.folder / "state", trainee.modules, trainee.optimizer, trainee.progress)


def as_numbers(losses: PairingLosses) -> dict[str, float]:
    parts = torch.stack([losses.total, *(losses.by_pairing[name] for name in PAIRINGS)]).tolist()
    return dict(zip(["loss", *(f"loss_{name}" for name in PAIRINGS)], parts, strict=True))


def mean_losses(losses: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([line[name] for line in losses])) for name in losses[0]}


def seed_for(seed: int, step: int, rank: int) -> int:
    """A seed for torch that differs for every step and process, and never overlaps by addition."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0])
