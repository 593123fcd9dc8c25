"""Training runs in which the effect cannot be: the same texts and budget, without what is said to cause a change."""

import datetime
import logging
from dataclasses import replace
from typing import Any, NamedTuple

from topores.config import TrainConfig
from topores.domain import Corpus
from topores.runs import Run
from topores.text.shuffling import with_shuffled_pairs

log = logging.getLogger(__name__)


class Null(NamedTuple):
    """One of the runs that --null asks for."""

    kind: str
    """'shuffled' or 'frozen'."""
    seed: int
    """Seed of the permutation; 0 where nothing is drawn."""

    @property
    def told(self) -> str:
        return "the training pairs permuted" if self.kind == "shuffled" else "learning rate 0"

    @property
    def name(self) -> str:
        """Of its folder, within the run's own."""
        return f"{self.kind}-{self.seed}" if self.seed else self.kind


def nulls_of(config: TrainConfig) -> list[Null]:
    """The nulls that `config` asks for, in the order in which they are trained."""
    seeds = {"shuffled": range(1, config.seeds + 1), "frozen": range(1)}
    return [Null(kind, seed) for kind in seeds if kind in config.null_kinds for seed in seeds[kind]]


def options_of(null: Null, config: TrainConfig, run: Run) -> TrainConfig:
    """The options of `run`, but for what makes the null. Nobody tracks or stops it, and it ends where `run` ended."""
    options = replace(
        config, output=run.folder / "nulls" / null.name, null=(), fail_on=(), track=(), keep=None,
        cycles=run.metrics[-1]["cycle"], stop_at_turn=False,
    )  # fmt: skip
    return replace(options, learning_rate=0.0) if null.kind == "frozen" else options


def corpus_of(null: Null, corpus: Corpus) -> Corpus:
    """The passages of `corpus`, with its pairs or others.

    Raises:
        InputError: Its pairs cannot be permuted.
    """
    return with_shuffled_pairs(corpus, null.seed) if null.kind == "shuffled" else corpus


def refuse_impossible_nulls(config: TrainConfig, corpus: Corpus) -> None:
    """
    Raises:
        InputError: A null that `config` asks for cannot be made of this corpus.
    """
    for null in nulls_of(config):
        corpus_of(null, corpus)


def facts_of(null: Null, facts: dict[str, Any]) -> dict[str, Any]:
    """run.json of the null of a run that has `facts`."""
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {**facts, "started": started, "null": {"kind": null.kind, "seed": null.seed}}
