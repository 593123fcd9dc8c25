"""A run assembled from its options: objective, optimizer, state, watch and trackers."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator

from topores import variants
from topores.backbones.encoder import Encoder
from topores.config import TrainConfig, default_values
from topores.errors import UsageError
from topores.objectives._objective import Objective
from topores.runs import Run
from topores.text.batches import Batches
from topores.text.retrieval import question_groups
from topores.training.best import Best
from topores.training.closed_form import solve_at_once
from topores.training.evaluate import Evaluations
from topores.training.heads.products import one_thread
from topores.training.heads.tight import tight_step
from topores.training.loop import Trainee, as_one_module, train_until
from topores.training.monitors import Watch
from topores.training.schedule import kept_cycles
from topores.training.signals import stop_asked
from topores.training.state import Progress, load_state
from topores.training.tracking import open_trackers
from topores.training.turn import Turn
from topores.training.written import write_until

log = logging.getLogger(__name__)

COARSELY = "coarsely"
"""What run.json of the many runs beside a run with folds says under 'logged'."""


def train_run(
    run: Run,
    config: TrainConfig,
    encoder: Encoder,
    accelerator: Accelerator,
    *,
    resume: bool,
    stopping: Callable[[], bool] | None = None,
) -> Run:
    """Train the run in its folder to its last cycle, from the newest state if `resume`.

    Args:
        stopping: Whether to save and stop after a step; if it is not given, a signal to this process says so.
    """
    assert config.batch_size is not None  # resolved when the run began
    objective: Objective = variants.load("topores.objectives", config.objective).build(config)
    objective.to(encoder.model.device)
    batches = Batches(run.corpus, config.batch_size, config.seed)
    if not (resume and has_state(run)):
        encoder.begin(run.corpus, config)
    encoder.prepare(run.corpus, config)
    objective.prepare(encoder, run.corpus)
    objective.to(encoder.model.device)
    optimizer = optimizer_of(encoder, objective, config)
    modules = as_one_module(encoder, objective)
    progress = _restore(run, modules, optimizer, batches, accelerator) if resume else Progress()
    tight = tight_step(
        encoder, objective, batches, processes=accelerator.num_processes, piece_size=config.micro_batch_size
    )
    watch = Watch(
        run.metrics, run.held_out_ranks, question_groups(run.corpus, "held_out"), loss=getattr(objective, "loss", ""),
        says=not run.facts.keys() & {"null", "fold"},
    )  # fmt: skip
    best = Best(run, kept_cycles(config.checkpoints, config.cycles), asked=config.keep == "best")
    turn = Turn(config.encoder, run.metrics, asked=config.stop_at_turn)
    first = progress.step // batches.per_cycle
    if accelerator.is_main_process:
        best.settle()
        accelerator.wait_for_everyone()
    with (
        nullcontext(stopping) if stopping else stop_asked() as stops,
        open_trackers(
            config.trackers, run.name, run.folder, config.to_mapping(),
            first_cycle=first, writes=accelerator.is_main_process,
        ) as record,
    ):  # fmt: skip
        trainee = Trainee(
            run, encoder, objective, optimizer, batches, accelerator, progress, config.seed,
            config.micro_batch_size, watch, best, turn, record, Evaluations(), tight, config.failures,
            beside=run.facts.get("logged") == COARSELY,
        )  # fmt: skip
        if encoder.closed_form:
            solve_at_once(trainee, config.cycles)
        elif encoder.written:
            write_until(trainee, config.cycles, checkpoints=config.checkpoints, stopping=stops)
        else:
            # The tight step runs on one thread: waking torch's others between steps costs more than they save.
            with one_thread() if tight else nullcontext():
                train_until(trainee, config.cycles, checkpoints=config.checkpoints, stopping=stops)
    return Run(run.folder)


def optimizer_of(encoder: Encoder, objective: Objective, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW over what is trained of the encoder, and over the objective's own parameters as it groups them."""
    assert config.learning_rate is not None  # resolved when the run began
    decay = config.weight_decay if encoder.decays else 0.0
    groups: list[dict[str, Any]] = [
        *encoder.parameter_groups(config.learning_rate, decay),
        *objective.parameter_groups(config.learning_rate),
    ]
    # An accelerator without the fused kernel takes the plain one.
    fused = encoder.model.device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate, weight_decay=config.weight_decay, fused=fused,
    )  # fmt: skip


def refuse_ignored_decay(config: TrainConfig, encoder: Encoder) -> None:
    """
    Raises:
        UsageError: A decay is asked for that this encoder would not use.
    """
    usual = default_values({})["weight_decay"]
    if not encoder.decays and config.weight_decay not in (0.0, usual):
        raise UsageError(
            f"--weight-decay is {config.weight_decay:g}, but '{config.encoder}' is not decayed, because its neutral "
            "value is not 0; leave the option out."
        )


def has_state(run: Run) -> bool:
    """Whether there is a state to continue from."""
    return any((run.folder / "state").glob("step-*"))


def _restore(
    run: Run, modules: torch.nn.Module, optimizer: torch.optim.Optimizer, batches: Batches, accelerator: Accelerator
) -> Progress:
    """Restore a run from its newest intact state, and cut its metrics back to the same cycle."""
    progress, cycle = Progress(), -1
    if has_state(run):
        progress = load_state(run.folder / "state", modules, optimizer, logged=len(run.metrics))
        cycle = progress.step // batches.per_cycle
    elif run.metrics:
        log.warning("'%s' has no saved state to continue from; training starts again at cycle 0.", run.folder)
    if accelerator.is_main_process:
        run.keep_metrics_until(cycle)
    return progress
