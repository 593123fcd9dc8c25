"""Null controls: training runs on the same texts and budget, without the cause whose effect is to be shown."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from topores.config import TrainConfig
from topores.domain import Corpus
from topores.errors import InputError
from topores.runs import Run
from topores.text.fingerprint import corpus_sha256, passages_sha256
from topores.text.shuffling import with_shuffled_pairs
from topores.training.provenance import time_of_start

log = logging.getLogger(__name__)

PER_FOLD, ALONE = 4, 3
"""How many permutations stand beside each fold, and beside a run that holds out a part of the pairs once."""


class Null(NamedTuple):
    """One of the runs that --null asks for."""

    kind: str
    """'shuffled' or 'frozen'."""
    seed: int
    """Seed of the permutation; 0 for a null that draws nothing."""

    @property
    def description(self) -> str:
        return "the training pairs permuted" if self.kind == "shuffled" else "learning rate 0"

    @property
    def name(self) -> str:
        """Name of its folder within the run's nulls/."""
        return f"{self.kind}-{self.seed}" if self.seed else self.kind


def nulls_of(config: TrainConfig) -> list[Null]:
    """The nulls that `config` asks for, in the order in which they are trained."""
    seeds = {"shuffled": range(1, config.permutations + 1), "frozen": range(1)}
    return [Null(kind, seed) for kind in seeds if kind in config.null_kinds for seed in seeds[kind]]


def options_of(null: Null, config: TrainConfig, run: Run) -> TrainConfig:
    """The options of `run`, changed to those of the null: neither tracked nor stopped, it ends where `run` did."""
    options = replace(
        config, output=run.folder / "nulls" / null.name, null=(), folds=1, fail_on=(), track=(), keep=None,
        cycles=run.metrics[-1]["cycle"], stop_at_turn=False,
    )  # fmt: skip
    return replace(options, learning_rate=0.0) if null.kind == "frozen" else options


def corpus_of(null: Null, corpus: Corpus) -> Corpus:
    """The corpus that a null is trained on: `corpus` itself, or with its training pairs permuted.

    Raises:
        InputError: Its pairs cannot be permuted.
    """
    return with_shuffled_pairs(corpus, null.seed) if null.kind == "shuffled" else corpus


def with_controls(config: TrainConfig, corpora: Sequence[Corpus], *, usual: bool) -> TrainConfig:
    """The options with folds and nulls filled in where they do not say them.

    Args:
        corpora: One for each fold.
        usual: Whether runs of this encoder are cheap enough to have nulls unless told otherwise.
    """
    folds = len(corpora)
    asked = replace(config, folds=folds, seeds=config.seeds or (PER_FOLD if folds > 1 else ALONE))
    if config.null is not None:
        return asked
    with_nulls = replace(asked, null=("shuffled",) if usual and folds > 1 else ())
    try:
        for corpus in corpora:
            refuse_impossible_nulls(with_nulls, corpus)
    except InputError as fault:
        log.warning("There are no nulls to compare with: %s", fault)
        return replace(asked, null=())
    return with_nulls


def refuse_impossible_nulls(config: TrainConfig, corpus: Corpus) -> None:
    """
    Raises:
        InputError: A null that `config` asks for cannot be made of this corpus.
    """
    for null in nulls_of(config):
        corpus_of(null, corpus)


def facts_of(null: Null, facts: dict[str, Any], corpus: Corpus) -> dict[str, Any]:
    """run.json of a null.

    Args:
        facts: run.json of the run it belongs to.
        corpus: The corpus of that run.
    """
    hashes = {**facts["sha256"], "corpus": corpus_sha256(corpus_of(null, corpus))}
    if null.kind == "shuffled":
        # Its own pairs differ on purpose, and it is compared by those that it was made from.
        hashes |= {"parent_corpus": corpus_sha256(corpus), "parent_passages": passages_sha256(corpus)}
    return {**facts, "started": time_of_start(), "sha256": hashes, "null": {"kind": null.kind, "seed": null.seed}}
