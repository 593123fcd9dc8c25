"""The training loop: whole, on one screen, with nothing hidden that a resume would need."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import Optimizer
from tqdm import tqdm

from topores.backbones.encoder import Encoder
from topores.domain import PAIRINGS
from topores.errors import InputError, Interrupted
from topores.evaluations.geometry import evaluate
from topores.objectives.four_pairings import FourPairings, PairingLosses
from topores.runs import Run
from topores.text.batches import Batches
from topores.training.best import Best
from topores.training.checkpoint import keep_checkpoint
from topores.training.heads.tight import TightStep
from topores.training.monitors import Fault, Watch, stop_if
from topores.training.schedule import kept_cycles, logged_cycles
from topores.training.state import Progress, save_state
from topores.training.tracking import Record
from topores.training.turn import Turn
from topores.training.views import Views, shared_encode

log = logging.getLogger(__name__)

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
    seed: int
    """With the step, all that batches and dropout depend on."""
    piece_size: int | None
    """Views that are in memory at once (--micro-batch-size); None for all of a batch."""
    watch: Watch
    """Says when the run collapses, freezes or only memorises."""
    best: Best
    """Keeps the checkpoint of the best cycle (--keep best)."""
    turn: Turn
    """Says where the run is to end before its last cycle (--stop-at-turn)."""
    record: Record
    """Sends a logged cycle to the trackers."""
    tight: TightStep | None = None
    """Takes the place of the graph, where a head is all that is trained and a batch is the whole corpus."""
    fail_on: frozenset[str] = frozenset()
    """Of 'collapsed', 'frozen' and 'memorised', those that end the run."""

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes the run folder."""
        return self.accelerator.is_main_process

    def views(self, step: int) -> Views:
        """The encoder as the objective of one step sees it."""
        # Batch and dropout depend on (seed, step, rank) alone, so a resumed run needs no replay.
        rank = self.accelerator.process_index
        return Views(self.encoder, self.accelerator, self.piece_size, lambda n: seed_for(self.seed, step, rank, n))

    @property
    def modules(self) -> nn.ModuleDict:
        return as_one_module(self.encoder, self.objective)


def as_one_module(encoder: Encoder, objective: FourPairings) -> nn.ModuleDict:
    """Encoder and objective under the names that the resume state has for them."""
    return nn.ModuleDict({"encoder": encoder, "objective": objective})


def train_until(trainee: Trainee, cycles: int, *, checkpoints: str, stopping: Callable[[], bool]) -> None:
    """Train from where `trainee.progress` stands to `cycles`, or to the turn; log and keep what the schedule names.

    Args:
        checkpoints: log, every:K, a list, or none (DESIGN: the run folder).
        stopping: Asked after every step; True saves the state and ends.

    Raises:
        Interrupted: `stopping` said so; the state is saved.
        FailedOn: The run does what `trainee.fail_on` names; the state is saved.
    """
    kept = kept_cycles(checkpoints, cycles)
    logged = logged_cycles(cycles, kept)
    progress, batches = trainee.progress, trainee.batches
    started = time.monotonic() - progress.seconds
    if progress.step == 0 and not progress.logged:
        log_cycle(trainee, 0, untrained_losses(trainee), keep=kept(0))
    saved_at, turned = time.monotonic(), trainee.turn.reached is not None

    done, silent = progress.step // batches.per_cycle, None if trainee.writes else True
    bar = tqdm(total=cycles, initial=done, unit="cycle", leave=False, disable=silent)
    while progress.step < cycles * batches.per_cycle and not turned:
        progress.losses.append(take_step(trainee))
        progress.step += 1
        cycle, rest = divmod(progress.step, batches.per_cycle)
        faults = []
        progress.seconds = time.monotonic() - started
        if rest == 0:
            losses, progress.losses = mean_losses(progress.losses), []
            bar.set_postfix(loss=f"{losses['loss']:.3f}", refresh=False)
            bar.update()
            if logged(cycle):
                faults = log_cycle(trainee, cycle, losses, keep=kept(cycle))
                turned = on_any_process(trainee.turn.reached is not None, trainee.accelerator)
        fails = any(fault.name in trainee.fail_on for fault in faults)
        stop = on_any_process(stopping() or fails, trainee.accelerator)
        if trainee.writes and (stop or time.monotonic() - saved_at > STATE_EVERY):
            save_state(trainee.run.folder / "state", trainee.modules, trainee.optimizer, progress)
            saved_at = time.monotonic()
        stop_if(faults, trainee.fail_on)
        if stop and not turned and progress.step < cycles * batches.per_cycle:
            bar.close()
            raise Interrupted(f"Stopped in cycle {cycle + 1:,} of {cycles:,}, saved; go on with --resume.")
    bar.close()
    if trainee.turn.reached:
        log.info("%s", trainee.turn.reached.sentence)


def take_step(trainee: Trainee) -> dict[str, float]:
    """One batch: its losses, its gradient, one step of the optimizer."""
    step = trainee.progress.step
    views = trainee.views(step)
    if not trainee.encoder.training:
        trainee.encoder.train()
    numbers = with_gradients(trainee, views, step)
    if not math.isfinite(numbers["loss"]):
        raise InputError(f"The loss of step {step} is {numbers['loss']}; give a smaller --learning-rate.")
    trainee.optimizer.step()
    trainee.optimizer.zero_grad()
    trainee.objective.after_step(views)
    return numbers


def with_gradients(trainee: Trainee, views: Views, step: int) -> dict[str, float]:
    """The losses of a step; what is trained has its gradient when this returns."""
    if trainee.tight:
        found = trainee.tight.gradients(views.seed_of(0))
        named = {f"loss_{name}": found.by_pairing[name] for name in PAIRINGS}
        return {
            "loss": found.total, **named, "one_minus_p": found.one_minus_p, "temperature": trainee.objective.temperature
        }  # fmt: skip
    losses = trainee.objective(views, trainee.batches.at(step))
    if torch.isfinite(losses.total):
        views.backward(losses.total)
    return as_numbers(losses, trainee.objective)


@torch.no_grad()
def untrained_losses(trainee: Trainee) -> dict[str, float]:
    """The losses of the first cycle's batches before any step, under the dropout they will meet."""
    trainee.encoder.train()
    steps = range(trainee.batches.per_cycle)
    return mean_losses(
        [as_numbers(trainee.objective(trainee.views(i), trainee.batches.at(i)), trainee.objective) for i in steps]
    )


def log_cycle(trainee: Trainee, cycle: int, losses: dict[str, float], *, keep: bool) -> list[Fault]:
    """Evaluate, write the line of metrics.jsonl and, if the cycle is to be kept, a checkpoint and the state.

    Args:
        keep: The schedule keeps it. The best cycle so far and the turn are kept as well, where asked for.

    Returns:
        What the run does wrong, if anything; nothing in a process that does not write.
    """
    run, corpus = trainee.run, trainee.batches.corpus
    passages = (*corpus.t1, *corpus.t2)
    texts, sides = [p.text for p in passages], [p.side for p in passages]
    rows = shared_encode(trainee.encoder, texts, sides, trainee.accelerator)
    if not trainee.writes:
        return []
    measured = evaluate(rows[: len(corpus.t1)], rows[len(corpus.t1) :], corpus) | trainee.turn.measure(rows, corpus)
    line = {"cycle": cycle, **losses, **measured, "seconds": round(trainee.progress.seconds, 3)}
    better, turned = trainee.best.see(line), trainee.turn.see(line)
    keep = keep or better or turned
    if keep:
        keep_checkpoint(run, cycle, trainee.encoder.save)
    run.append_metrics(line)
    trainee.progress.logged += 1
    trainee.record(cycle, line)
    if keep:
        save_state(run.folder / "state", trainee.modules, trainee.optimizer, trainee.progress)
    if better:
        trainee.best.settle()
    return trainee.watch.see(line)


def on_any_process(asked: bool, accelerator: Accelerator) -> bool:
    """Whether any process was asked to stop: all must stop after the same step."""
    if accelerator.num_processes == 1:
        return asked
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), reduction="sum") > 0)


def as_numbers(losses: PairingLosses, objective: FourPairings) -> dict[str, float]:
    parts = [losses.total, *(losses.by_pairing[name] for name in PAIRINGS), losses.one_minus_p]
    names = ["loss", *(f"loss_{name}" for name in PAIRINGS), "one_minus_p"]
    return dict(zip(names, torch.stack(parts).tolist(), strict=True)) | {"temperature": objective.temperature}


def mean_losses(losses: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([line[name] for line in losses])) for name in losses[0]}


def seed_for(seed: int, step: int, rank: int, piece: int) -> int:
    """A seed for torch that differs for every step, process and piece, and never overlaps by addition."""
    return int(np.random.SeedSequence([seed, step, rank, piece]).generate_state(1, np.uint64)[0])
