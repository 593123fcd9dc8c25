"""The training loop: all of it on one screen, with no hidden state that a resume would need."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from topores.backbones.encoder import Encoder
from topores.domain import DIRECTIONS
from topores.errors import Diverged, Interrupted
from topores.evaluations._subject import Subject
from topores.objectives._objective import Losses, Objective
from topores.runs import Run
from topores.text.batches import Batches
from topores.training.best import Best
from topores.training.checkpoint import keep_checkpoint
from topores.training.evaluate import Evaluations
from topores.training.heads.tight import TightStep
from topores.training.monitors import Fault, Watch, stop_if
from topores.training.schedule import coarsely_logged_cycles, kept_cycles, logged_cycles
from topores.training.state import Progress, save_state
from topores.training.tracking import Record
from topores.training.turn import Turn
from topores.training.views import Views, shared_encode

log = logging.getLogger(__name__)

STATE_EVERY = 120.0
"""Seconds of training that a crash may cost."""


@dataclass
class Trainee:
    """Everything that the training loop changes or reads."""

    run: Run
    encoder: Encoder
    objective: Objective
    optimizer: Optimizer
    batches: Batches
    accelerator: Accelerator
    progress: Progress
    seed: int
    """Batches and dropout depend on this and on the step alone."""
    piece_size: int | None
    """How many views are in memory at once (--micro-batch-size); None for the whole batch."""
    watch: Watch
    """Notices when the run collapses, stalls or only memorises."""
    best: Best
    """Keeps the checkpoint of the best cycle (--keep best)."""
    turn: Turn
    """Notices where the run should end before its last cycle (--stop-at-turn)."""
    record: Record
    """Sends a logged cycle to the trackers."""
    evaluations: Evaluations
    """Measures a logged cycle."""
    tight: TightStep | None = None
    """Replaces autograd where only a head is trained and one batch is the whole corpus."""
    fail_on: frozenset[str] = frozenset()
    """Which of 'collapsed', 'stalled' and 'memorised' end the run."""
    beside: bool = False
    """Whether it is one of many runs beside another: it is logged coarsely and shows no progress of its own."""

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes the run folder."""
        return self.accelerator.is_main_process

    def views(self, step: int) -> Views:
        """The encoder as the objective of one step sees it."""
        # Batch and dropout depend on (seed, step, rank) alone, so a resumed run needs no replay.
        rank = self.accelerator.process_index
        return Views(
            self.encoder, self.accelerator, self.piece_size, lambda n: seed_for(self.seed, step, rank, n), self.trained
        )

    @cached_property
    def trained(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.modules.parameters() if parameter.requires_grad]

    @property
    def modules(self) -> nn.ModuleDict:
        return as_one_module(self.encoder, self.objective)


def as_one_module(encoder: Encoder, objective: Objective) -> nn.ModuleDict:
    """Encoder and objective as one module, under the names that the resume state uses."""
    return nn.ModuleDict({"encoder": encoder, "objective": objective})


def train_until(trainee: Trainee, cycles: int, *, checkpoints: str, stopping: Callable[[], bool]) -> None:
    """Train from `trainee.progress` to `cycles` or to the turn, logging and keeping the cycles of the schedule.

    Args:
        checkpoints: Which cycles to keep: log, every:K, a list, or none.
        stopping: Called after every step; if it returns True, the state is saved and training ends.

    Raises:
        Interrupted: `stopping` returned True; the state is saved.
        FailedOn: The run has one of the faults in `trainee.fail_on`; the state is saved.
        Diverged: A loss or an embedding is not finite.
    """
    kept = kept_cycles(checkpoints, cycles)
    logged = (coarsely_logged_cycles if trainee.beside else logged_cycles)(cycles, kept)
    progress, batches = trainee.progress, trainee.batches
    started = time.monotonic() - progress.seconds
    if progress.step == 0 and not progress.logged:
        log_cycle(trainee, 0, untrained_losses(trainee), keep=kept(0))
    saved_at, turned = time.monotonic(), trainee.turn.reached is not None

    done, silent = progress.step // batches.per_cycle, None if trainee.writes and not trainee.beside else True
    bar = tqdm(total=cycles, initial=done, unit="cycle", leave=False, disable=silent)
    while progress.step < cycles * batches.per_cycle and not turned:
        progress.losses.append(take_step(trainee))
        progress.step += 1
        cycle, rest = divmod(progress.step, batches.per_cycle)
        faults = []
        progress.seconds = time.monotonic() - started
        if rest == 0:
            trainee.encoder.after_cycle()
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
            raise Interrupted(f"Stopped in cycle {cycle + 1:,} of {cycles:,} and saved; continue with --resume.")
    bar.close()
    if trainee.turn.reached:
        log.info("%s", trainee.turn.reached.sentence)


def take_step(trainee: Trainee) -> dict[str, float]:
    """Train on one batch; returns its losses by key of metrics.jsonl."""
    step = trainee.progress.step
    views = trainee.views(step)
    if not trainee.encoder.training:
        trainee.encoder.train()
    numbers = compute_gradients(trainee, views, step)
    if not math.isfinite(numbers["loss"]):
        raise _divergence(trainee, f"the loss of step {step:,} is {numbers['loss']}")
    trainee.optimizer.step()
    trainee.optimizer.zero_grad()
    trainee.objective.after_step(views)
    return numbers


def compute_gradients(trainee: Trainee, views: Views, step: int) -> dict[str, float]:
    """The losses of a step. Gradients are left in the parameters."""
    if trainee.tight:
        return trainee.tight.gradients(views.seed_of(0))
    losses = trainee.objective(views, trainee.batches.for_step(step))
    if torch.isfinite(losses.total):
        views.backward(losses.total)
    return as_numbers(losses, trainee.objective.metrics)


@torch.no_grad()
def untrained_losses(trainee: Trainee) -> dict[str, float]:
    """Losses of the first cycle's batches before any step, under the dropout masks that training will use."""
    trainee.encoder.train()
    objective, batches = trainee.objective, trainee.batches
    steps = range(batches.per_cycle)
    return mean_losses([as_numbers(objective(trainee.views(i), batches.for_step(i)), objective.metrics) for i in steps])


def log_cycle(trainee: Trainee, cycle: int, losses: dict[str, float], *, keep: bool) -> list[Fault]:
    """Evaluate and write the line of metrics.jsonl and, for cycles to keep, a checkpoint and the state.

    Args:
        keep: Whether the schedule keeps this cycle. The best cycle so far and the turn are kept too, if asked for.

    Returns:
        What is wrong with the run at this cycle; empty in a process that does not write.
    """
    run, corpus = trainee.run, trainee.batches.corpus
    passages = (*corpus.t1, *corpus.t2)
    texts, sides = [p.text for p in passages], [p.side for p in passages]
    rows = shared_encode(trainee.encoder, texts, sides, trainee.accelerator)
    # Numbers so large that their length overflows become rows of zeros.
    if not np.isfinite(rows).all() or not rows.any() or not math.isfinite(losses["loss"]):
        raise _divergence(trainee, f"after step {trainee.progress.step:,} embeddings or losses are not finite numbers")
    if not trainee.writes:
        return []
    subject = Subject(trainee.encoder, trainee.objective, corpus, rows[: len(corpus.t1)], rows[len(corpus.t1) :])
    measured = {**trainee.evaluations(subject), **trainee.encoder.facts(corpus), **trainee.turn.measure(rows, corpus)}
    line = {"cycle": cycle, **losses, **measured, "seconds": round(trainee.progress.seconds, 3)}
    better, turned = trainee.best.see(line), trainee.turn.see(line)
    keep = keep or better or turned
    if keep:
        trainee.encoder.note_complete(keep_checkpoint(run, cycle, trainee.encoder.save))
    found = None
    if len(corpus.pairs_in("held_out")):
        found = {way: subject.ranks["held_out", way].tolist() for way in DIRECTIONS}
        run.append_ranks(cycle, found, sync=keep)
    run.append_metrics(line)
    trainee.progress.logged += 1
    trainee.record(cycle, line)
    if keep:
        save_state(run.folder / "state", trainee.modules, trainee.optimizer, trainee.progress)
    if better:
        trainee.best.settle()
    return trainee.watch.see(line, found)


def _divergence(trainee: Trainee, seen: str) -> Diverged:
    rate = trainee.optimizer.param_groups[0]["lr"]
    return Diverged(
        f"Training diverged in cycle {trainee.progress.step // trainee.batches.per_cycle + 1:,}: {seen}; train again "
        f"with a smaller --learning-rate (it was {rate:g})."
    )


def on_any_process(asked: bool, accelerator: Accelerator) -> bool:
    """Whether any process was asked to stop. All must stop after the same step."""
    if accelerator.num_processes == 1:
        return asked
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), reduction="sum") > 0)


def as_numbers(losses: Losses, promised: Sequence[str]) -> dict[str, float]:
    """The losses of a step for metrics.jsonl: `loss`, and what the objective promised to log.

    Raises:
        ValueError: The objective logged something else than its `metrics`.
    """
    if set(losses.logged) != set(promised):
        raise ValueError(f"the objective logged {sorted(losses.logged)}, but its metrics are {sorted(promised)}")
    values = {"loss": losses.total, **{name: losses.logged[name] for name in promised}}
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    # Together: each transfer from an accelerator waits for all that it has to do.
    numbers = dict(zip(tensors, torch.stack([t.detach() for t in tensors.values()]).tolist(), strict=True))
    return {name: numbers[name] if name in numbers else float(value) for name, value in values.items()}


def mean_losses(losses: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([line[name] for line in losses])) for name in losses[0]}


def seed_for(seed: int, step: int, rank: int, piece: int) -> int:
    """A seed for torch that differs for every step, process and piece (hashed, so that sums cannot collide)."""
    return int(np.random.SeedSequence([seed, step, rank, piece]).generate_state(1, np.uint64)[0])
