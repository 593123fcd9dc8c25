"""The other folds of a run: the same options on the same texts, with other pairs held out."""

from dataclasses import replace
from typing import Any

from topores.config import TrainConfig
from topores.domain import Corpus
from topores.runs import Run
from topores.text.fingerprint import corpus_sha256
from topores.training.provenance import time_of_start


def options_of(number: int, config: TrainConfig, run: Run) -> TrainConfig:
    """The options of `run` for another fold, which is neither tracked nor stopped and ends where `run` did.

    Only the last checkpoint is kept: what is compared over folds are the ranks of held-out passages, and those are
    logged at every cycle.
    """
    return replace(
        config, output=run.fold_path(number), folds=1, checkpoints="none", fail_on=(), track=(), keep=None,
        cycles=run.metrics[-1]["cycle"], stop_at_turn=False,
    )  # fmt: skip


def facts_of(number: int, run: Run, corpus: Corpus) -> dict[str, Any]:
    """run.json of another fold.

    Args:
        run: The run that it belongs to.
        corpus: The corpus of the fold.
    """
    hashes = {**run.facts["sha256"], "corpus": corpus_sha256(corpus)}
    return {**run.facts, "started": time_of_start(), "sha256": hashes, "fold": number}
