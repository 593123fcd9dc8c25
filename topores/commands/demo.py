"""`topores demo`: the whole job on the sample that ships with topores."""

import logging
import time
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import topores
from topores.commands.topology import run_topology
from topores.commands.train import command_line
from topores.config import Language, TopologyConfig, TrainConfig
from topores.domain import Analysis
from topores.report.figures import need_matplotlib
from topores.training.running import train

log = logging.getLogger(__name__)

DEFAULT_OUTPUT = Path("runs/demo")


def run_demo(
    cycles: str, output: Path, report: Path | None, lang: Language = "en", *, figures: bool = False
) -> tuple[Analysis, Path, float]:
    """Train LoReFT on the sample article and meta-analysis, analyse the space, write the report.

    The frozen layers run once, so that a run takes seconds, and all folds with their nulls no minute. An earlier demo
    in runs/demo is replaced; a run anywhere else is not.
    """
    started = time.monotonic()
    if figures:
        need_matplotlib()
    with resources.as_file(sample_texts()) as texts:
        config = TrainConfig.from_mapping(
            {
                "article": texts / "article.md",
                "meta_analysis": texts / "meta_analysis.md",
                "encoder": "loreft",
                "cycles": cycles,
                "output": output,
            }
        )
        log.info("Training on the sample: a trial from 1988 and the meta-analysis of its topic.")
        run = train(config, force=output == DEFAULT_OUTPUT, argv=command_line())
    log.info("Analysing the space at %d checkpoints.", len(run.checkpoints))
    analysis, path, _ = run_topology(
        TopologyConfig(checkpoint=(str(run.folder),), output=report, lang=lang, figures=figures)
    )
    return analysis, path, time.monotonic() - started


def sample_texts() -> Traversable:
    """Folder of the sample pair: data/sample in a checkout, topores.sample in an installation."""
    checkout = Path(topores.__file__).parent.parent / "data" / "sample"
    return checkout if checkout.is_dir() else resources.files("topores.sample") / "sample"
