"""The folds of a run: how many there are, and the runs of the others, with other pairs held out."""

import logging
from dataclasses import replace
from typing import Any

from topores.config import TrainConfig
from topores.config.train import HELD_OUT
from topores.domain import Corpus
from topores.errors import InputError
from topores.runs import Run
from topores.text.fingerprint import corpus_sha256
from topores.text.folds import fold_pairs, fold_texts
from topores.text.pair_files import PairTable
from topores.training.prepare import Texts
from topores.training.provenance import time_of_start

log = logging.getLogger(__name__)

ENOUGH_PAIRS = 400
"""A fifth of them, 80 pairs, sees gains in MRR of .06; 25 runs of such a corpus take minutes."""


def fold_corpora(config: TrainConfig, texts: Texts, corpus: Corpus, *, usual: int) -> list[Corpus]:
    """The corpus of each fold; `corpus` alone where there is one.

    Args:
        usual: How many folds to make if the options do not say it; fewer are made where there are too few pairs, and
            one where so many are held out at once that folds would cost more than they tell.

    Raises:
        InputError: There are too few pairs for the folds that were asked for, or the file itself says what is held out.
    """
    if config.folds is not None:
        return _folds(config, texts, corpus, config.folds)
    if usual == 1 or config.held_out != HELD_OUT or _names_held_out(texts):
        return [corpus]
    if len(corpus.pairs) > ENOUGH_PAIRS:
        log.info(
            "%s pairs are enough to hold a part of them out once; --folds %d --null shuffled holds every pair out.",
            f"{len(corpus.pairs):,}", usual,
        )  # fmt: skip
        return [corpus]
    fewer = ""
    for folds in range(usual, 1, -1):
        try:
            found = _folds(config, texts, corpus, folds)
        except InputError as fault:
            fewer = fewer or str(fault)
            continue
        if fewer:
            log.warning("%d folds instead of %d: %s", folds, usual, fewer)
        return found
    if fewer and len(corpus.pairs_in("held_out")):
        log.warning("A part of the pairs is held out once, instead of every pair in %d folds: %s", usual, fewer)
    return [corpus]


def _folds(config: TrainConfig, texts: Texts, corpus: Corpus, folds: int) -> list[Corpus]:
    if folds == 1:
        return [corpus]
    if not isinstance(texts, PairTable):
        return fold_texts(corpus, folds)
    if _names_held_out(texts):
        raise InputError(
            f"'{config.pairs}' says in its column 'split' what is held out, and --folds {folds} would hold out "
            "other pairs; remove the column, or leave out --folds."
        )
    return fold_pairs(corpus, folds, config.seed)


def _names_held_out(texts: Texts) -> bool:
    """Whether a pair file says itself what is held out."""
    return isinstance(texts, PairTable) and bool({split for split in texts.splits or () if split} - {"train"})


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
