"""The commands as functions, with the command line's options as keyword arguments."""

from pathlib import Path
from typing import Any

from topores.commands.topology import analyse as _analyse
from topores.config import TopologyConfig, TrainConfig
from topores.domain import Analysis
from topores.errors import UsageError
from topores.runs import Run, load_run
from topores.training.running import resume as _resume
from topores.training.running import train as _train

__all__ = ["analyse", "load_run", "train"]


def train(*, resume: bool = False, force: bool = False, **options: Any) -> Run:
    """`topores train` as a function.

    Args:
        resume: Continue the run in `output`; other options need not be given again, and must agree.
        force: Replace the run that stands in `output`.
        options: Fields of `topores.config.TrainConfig`, e.g. article, meta_analysis, cycles, output.

    Returns:
        The run: its options, facts, corpus, metrics and checkpoints.

    Raises:
        ToporesError: One line that says what was seen, what was expected, what to do.
    """
    if not resume:
        return _train(TrainConfig.from_mapping(options), force=force)
    if not options.get("output"):
        raise UsageError("output is missing; name the run folder to continue.")
    return _resume(Path(options["output"]), options)


def analyse(*checkpoints: str | Path, **options: Any) -> Analysis:
    """`topores topology` as a function, without writing a report.

    Args:
        checkpoints: A run folder, or checkpoints, model folders, hub ids or .npy files in order of time.
        options: Fields of `topores.config.TopologyConfig`, e.g. layers, max_degree, texts.

    Returns:
        Diagrams, measurements, loops and the verdict.

    Raises:
        ToporesError: One line that says what was seen, what was expected, what to do.
    """
    return _analyse(TopologyConfig.from_mapping({**options, "checkpoint": [str(c) for c in checkpoints]}))
