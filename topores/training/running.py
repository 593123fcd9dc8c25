"""Train a run from its start or its newest state to its last cycle, then its null controls and its other folds."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from topores.compute.devices import choose_device
from topores.config import TrainConfig
from topores.errors import RunError
from topores.runs import Run, is_run, load_run
from topores.text.corpus import write_corpus
from topores.training.agreement import (
    agreed_options,
    build_encoder,
    default_output,
    model_folders,
    refuse_other_weights,
    refuse_unfit,
    resolve_defaults,
    with_found_models,
)
from topores.training.assemble import refuse_ignored_decay, train_run
from topores.training.beside import train_beside
from topores.training.best import refuse_without_held_out
from topores.training.folds import fold_corpora
from topores.training.nulls import refuse_impossible_nulls, with_controls
from topores.training.outlook import outlook
from topores.training.prepare import (
    build_corpus,
    open_reader,
    read_texts,
    warn_of_equal_views,
    warn_of_learner,
)
from topores.training.provenance import circumstances, run_facts
from topores.training.tracking import refuse_missing
from topores.training.turn import refuse_unmeasured

log = logging.getLogger(__name__)


def train(config: TrainConfig, *, force: bool = False, argv: Sequence[str] = ()) -> Run:
    """Train a new run and return it.

    Started by torchrun or accelerate launch, the first process prepares the run folder and the others read it there.

    Args:
        config: What to train on what, and where to.
        force: Replace the run that stands in the output folder.
        argv: Command line to keep with the run.

    Raises:
        ToporesError: Unusable input (3), an output folder that holds another run (4), no space (5), interrupted (130).
    """
    device = choose_device(config.device)
    config = resolve_defaults(config, device)
    accelerator = Accelerator(cpu=device == "cpu")
    run = Run(config.output or default_output(config))
    if not accelerator.is_main_process:
        return _follow(run, accelerator)
    run.refuse_if_occupied(force=force)
    refuse_missing(config.trackers)
    if config.stop_at_turn:
        refuse_unmeasured(config.encoder)
    # The texts are read before the folder is touched: bad input leaves nothing behind.
    texts = read_texts(config)
    encoder = build_encoder(config, accelerator)
    refuse_unfit(config, encoder)
    corpus = build_corpus(config, texts, open_reader(config, str(accelerator.device)))
    corpora = fold_corpora(config, texts, corpus, usual=encoder.usual_folds)
    corpus = corpora[0]
    config = with_controls(config, corpora, usual=encoder.usual_folds > 1)
    if len(corpora) > 1:
        log.info("%s", outlook(corpora, config.permutations if "shuffled" in config.null_kinds else 0))
    refuse_ignored_decay(config, encoder)
    warn_of_learner(config, texts, corpus, encoder)
    refuse_without_held_out(config.keep, corpus)
    for fold in corpora:
        refuse_impossible_nulls(config, fold)
    warn_of_equal_views(config, encoder)
    with run.written_by_us_alone():
        # Again: another process may have trained here, to its end, while this one read the texts.
        run.refuse_if_occupied(force=force)
        with run.replacing():
            write_corpus(corpus, run.folder)
            for number, fold in enumerate(corpora[1:], 2):
                write_corpus(fold, run.fold_path(number))
            facts = run_facts(encoder, corpus, texts, config, argv, processes=accelerator.num_processes)
            facts["folders"] = model_folders(config, run)
            run.write_start(config, facts)
            with run.marking_divergence():
                done = train_run(run, config, encoder, accelerator, resume=False)
    return train_beside(done, accelerator, partial(_trained_by_first, accelerator=accelerator))


def resume(folder: Path, given: dict[str, Any] | None = None) -> Run:
    """Continue the run in `folder` to its last cycle, or to a later one.

    Args:
        given: Options given again; each must agree with the run's, but `cycles` may be larger, those that only watch
            (fail_on, track) may change, and `stop_at_turn` may be turned off to continue past the turn.

    Raises:
        RunError: There is no run, its state is damaged, it diverged, or an option or the base model's weights differ.
    """
    run = load_run(folder)
    if run.diverged:
        raise RunError(
            f"'{folder}' cannot be continued: {run.diverged} Give the changed options with --force or another --output."
        )
    accelerator = Accelerator(cpu=choose_device(run.options.device) == "cpu")
    if not accelerator.is_main_process:
        return _follow(run, accelerator)
    with run.written_by_us_alone():
        run = load_run(folder)
        config = agreed_options(run, given or {})
        _warn_of_other_circumstances(run, accelerator)
        encoder = build_encoder(with_found_models(config, run), accelerator)
        refuse_other_weights(run, encoder)
        if config != run.options:
            run.write_start(config, run.facts)
        with run.marking_divergence():
            done = train_run(run, config, encoder, accelerator, resume=True)
    return train_beside(done, accelerator, partial(_trained_by_first, accelerator=accelerator))


def _warn_of_other_circumstances(run: Run, accelerator: Accelerator) -> None:
    now = circumstances(accelerator.device, accelerator.num_processes)
    for name in now:
        if run.facts.get(name, now[name]) != now[name]:
            log.warning(
                "'%s' continues with %s = %s, but was started with %s: it will not end in the same bits as a run "
                "without a break.",
                run.folder, name, now[name], run.facts[name],
            )  # fmt: skip


def _follow(run: Run, accelerator: Accelerator) -> Run:
    """Train in a process that does not write, with what the first process wrote into the run folder."""
    follow = partial(_trained_by_first, accelerator=accelerator)
    return train_beside(follow(run), accelerator, follow)


def _trained_by_first(run: Run, accelerator: Accelerator) -> Run:
    accelerator.wait_for_everyone()
    if not is_run(run.folder):
        raise RunError(
            f"'{run.folder}' is not visible to process {accelerator.process_index}; give an --output that all "
            "processes share."
        )
    # Read again: the first process may have written other options since.
    run = Run(run.folder)
    encoder = build_encoder(with_found_models(run.options, run), accelerator)
    return train_run(run, run.options, encoder, accelerator, resume=True)
