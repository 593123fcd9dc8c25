"""What a run trains with, put together from its options: objective, optimizer, state, watch and trackers."""

import logging
from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator

from topores import variants
from topores.backbones.encoder import Encoder
from topores.config import TrainConfig
from topores.runs import Run
from topores.text.batches import Batches
from topores.training.best import Best
from topores.training.closed_form import solve_at_once
from topores.training.heads.products import one_thread
from topores.training.heads.tight import tight_step
from topores.training.loop import Trainee, as_one_module, train_until
from topores.training.monitors import Watch
from topores.training.schedule import kept_cycles
from topores.training.signals import stop_asked
from topores.training.state import Progress, load_state
from topores.training.tracking import open_trackers
from topores.training.turn import Turn

log = logging.getLogger(__name__)

TEMPERATURE_PACE = 100
"""Learning rate of the logarithm of a learned temperature, in that of the weights."""


def train_run(run: Run, config: TrainConfig, encoder: Encoder, accelerator: Accelerator, *, resume: bool) -> Run:
    """Train the run that stands in its folder, from the newest state if `resume`, to its last cycle."""
    assert config.batch_size is not None  # resolved when the run began
    objective = variants.load("topores.objectives", config.objective).build(config).to(encoder.model.device)
    batches = Batches(run.corpus, config.batch_size, config.seed)
    encoder.prepare(run.corpus, config)
    optimizer = optimizer_of(encoder, objective, config)
    modules = as_one_module(encoder, objective)
    progress = _restored(run, modules, optimizer, batches, accelerator) if resume else Progress()
    tight = tight_step(
        encoder, objective, batches, processes=accelerator.num_processes, piece_size=config.micro_batch_size
    )
    watch = Watch(run.metrics, loss=config.loss, says="null" not in run.facts)
    best = Best(run, kept_cycles(config.checkpoints, config.cycles), asked=config.keep == "best")
    turn = Turn(config.encoder, run.metrics, asked=config.stop_at_turn)
    first = progress.step // batches.per_cycle
    if accelerator.is_main_process:
        best.settle()
        accelerator.wait_for_everyone()
    with (
        stop_asked() as stopping,
        open_trackers(
            config.trackers, run.name, run.folder, config.to_mapping(),
            first_cycle=first, writes=accelerator.is_main_process,
        ) as record,
    ):  # fmt: skip
        trainee = Trainee(
            run, encoder, objective, optimizer, batches, accelerator, progress, config.seed,
            config.micro_batch_size, watch, best, turn, record, tight, config.failures,
        )  # fmt: skip
        if encoder.closed_form:
            solve_at_once(trainee, config.cycles)
        else:
            # The tight step is on one thread: torch's others, woken between two steps, take longer than they help.
            with one_thread() if tight else nullcontext():
                train_until(trainee, config.cycles, checkpoints=config.checkpoints, stopping=stopping)
    return Run(run.folder)


def optimizer_of(encoder: Encoder, objective: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW over what is trained. A temperature is no weight that should decay, and one number may move faster."""
    assert config.learning_rate is not None  # resolved when the run began
    decay = config.weight_decay if encoder.decays else 0.0
    groups: list[dict[str, Any]] = [
        {"params": [p for p in encoder.parameters() if p.requires_grad], "weight_decay": decay},
        {"params": list(objective.parameters()), "weight_decay": 0.0, "lr": TEMPERATURE_PACE * config.learning_rate},
    ]
    # An accelerator without the fused kernel takes the plain one.
    fused = encoder.model.device.type in ("cpu", "cuda")
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate, fused=fused)


def _restored(
    run: Run, modules: torch.nn.Module, optimizer: torch.optim.Optimizer, batches: Batches, accelerator: Accelerator
) -> Progress:
    """Bring a run to its newest whole state, and its metrics to the same cycle."""
    progress, cycle = Progress(), -1
    if any((run.folder / "state").glob("step-*")):
        progress = load_state(run.folder / "state", modules, optimizer, logged=len(run.metrics))
        cycle = progress.step // batches.per_cycle
    elif run.metrics:
        log.warning("'%s' holds no state to go on from; it begins again at cycle 0.", run.folder)
    if accelerator.is_main_process:
        run.keep_metrics_until(cycle)
    return progress
