"""`topores train`: two fixed texts in, a run folder with checkpoints out."""

import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from accelerate import Accelerator

from topores import variants
from topores.compute.devices import choose_device, choose_precision
from topores.config import TrainConfig
from topores.encoders.full import Encoder
from topores.errors import RunError
from topores.runs import Run, held_out_mrr, is_run, load_run
from topores.text.corpus import write_corpus
from topores.training.assemble import train_run
from topores.training.best import refuse_without_held_out
from topores.training.nulls import corpus_of, facts_of, nulls_of, options_of
from topores.training.prepare import build_corpus, read_texts
from topores.training.provenance import circumstances, run_facts
from topores.training.tracking import refuse_missing
from topores.training.turn import Turn, refuse_unmeasured

log = logging.getLogger(__name__)

MAY_CHANGE = ("output", "cycles", "fail_on", "track", "null", "seeds", "stop_at_turn")
"""Options that decide nothing of what a cycle does. --keep is none: the best cycle's checkpoint would not be there."""

SHOWN = {
    "loss": "loss",
    "train_mrr_1to2": "train MRR T1->T2",
    "train_mrr_2to1": "train MRR T2->T1",
    "held_out_mrr_1to2": "held-out MRR T1->T2",
    "held_out_mrr_2to1": "held-out MRR T2->T1",
    "uniformity": "uniformity",
    "rank_me": "RankMe",
    "modality_gap": "modality gap",
}
"""Metrics in the summary, in words."""


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
    config = resolved(config, device)
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
    corpus = build_corpus(config, texts, encoder)
    refuse_without_held_out(config.keep, corpus)
    with run.written_by_us_alone():
        # Once more: while we read the texts another process may have trained here, to its end.
        run.refuse_if_occupied(force=force)
        run.clear()
        write_corpus(corpus, run.folder)
        run.write_start(config, run_facts(encoder, corpus, texts, config, argv, processes=accelerator.num_processes))
        done = train_run(run, config, encoder, accelerator, resume=False)
    return _with_nulls(done, accelerator)


def resume(folder: Path, given: dict[str, Any] | None = None) -> Run:
    """Continue the run in `folder` to its last cycle, or to a later one.

    Args:
        given: Options given again; each must agree with the run's, but `cycles` may be larger, what only looks on
            (fail_on, track) may change, and `stop_at_turn` may be taken back: then it goes on past its turn.

    Raises:
        RunError: There is no run, its state is damaged, or an option differs.
    """
    run = load_run(folder)
    accelerator = Accelerator(cpu=choose_device(run.options.device) == "cpu")
    if not accelerator.is_main_process:
        return _follow(run, accelerator)
    with run.written_by_us_alone():
        run = load_run(folder)
        config = agreed_options(run, given or {})
        _warn_of_other_circumstances(run, accelerator)
        if config != run.options:
            run.write_start(config, run.facts)
        done = train_run(run, config, build_encoder(config, accelerator), accelerator, resume=True)
    return _with_nulls(done, accelerator)


def _with_nulls(run: Run, accelerator: Accelerator) -> Run:
    """Train the nulls that the options of `run` ask for, each to its end; those that are there go on or stay."""
    for null in nulls_of(run.options):
        options = options_of(null, run.options, run)
        assert options.output is not None  # it lies in the run's folder
        beside = Run(options.output)
        begun = is_run(beside.folder)
        if begun and beside.metrics and beside.metrics[-1]["cycle"] >= options.cycles:
            continue
        log.info("Null '%s' of '%s': %s.", null.name, run.folder, null.told)
        if not accelerator.is_main_process:
            _trained_by_first(beside, accelerator)
            continue
        with beside.written_by_us_alone():
            if not begun:
                beside.clear()
                write_corpus(corpus_of(null, run.corpus), beside.folder)
            beside.write_start(options, facts_of(null, run.facts))
            train_run(beside, options, build_encoder(options, accelerator), accelerator, resume=begun)
    return run


def _warn_of_other_circumstances(run: Run, accelerator: Accelerator) -> None:
    now = circumstances(accelerator.device, accelerator.num_processes)
    for name in now:
        if run.facts.get(name, now[name]) != now[name]:
            log.warning(
                "'%s' goes on with %s = %s, but was begun with %s: it will not end in the bits of a run never stopped.",
                run.folder, name, now[name], run.facts[name],
            )  # fmt: skip


def _follow(run: Run, accelerator: Accelerator) -> Run:
    """Train in a process that does not write: with what the first one put into the run folder."""
    return _with_nulls(_trained_by_first(run, accelerator), accelerator)


def _trained_by_first(run: Run, accelerator: Accelerator) -> Run:
    accelerator.wait_for_everyone()
    if not is_run(run.folder):
        raise RunError(f"'{run.folder}' is not seen by process {accelerator.process_index}; give a shared --output.")
    # Read anew: the first process may have written other options since.
    run = Run(run.folder)
    return train_run(run, run.options, build_encoder(run.options, accelerator), accelerator, resume=True)


def agreed_options(run: Run, given: dict[str, Any]) -> TrainConfig:
    """The run's options, with more cycles if more are asked for."""
    stored = run.options.to_mapping()
    # What 'auto' meant was decided when the run began.
    given = {name: value for name, value in given.items() if (name, value) != ("precision", "auto")}
    # Read through the same types, so that './a.txt' and 'a.txt', 20 and '20' are equal.
    asked = TrainConfig.from_mapping({**stored, **given}).to_mapping()
    differ = [name for name in given if asked[name] != stored[name] and name not in MAY_CHANGE]
    if differ:
        name = differ[0]
        raise RunError(
            f"--{name.replace('_', '-')} is {asked[name]}, but '{run.folder}' was started with {stored[name]}; "
            "leave the option out, or choose another --output."
        )
    if asked["cycles"] < stored["cycles"]:
        raise RunError(
            f"--cycles is {asked['cycles']}, but '{run.folder}' goes to {stored['cycles']}; give more, or none."
        )
    if asked["stop_at_turn"] and not stored["stop_at_turn"]:
        raise RunError(
            f"--stop-at-turn goes by what is logged from cycle 0 on, and '{run.folder}' was started without it; leave "
            "the option out, or choose another --output."
        )
    return TrainConfig.from_mapping({**stored, **{name: asked[name] for name in MAY_CHANGE if name != "output"}})


def resolved(config: TrainConfig, device: str) -> TrainConfig:
    """What 'auto' and options that were not given mean, for this encoder on this device."""
    variant = _variant(config)
    return dataclasses.replace(
        config,
        precision=choose_precision(config.precision, device),
        learning_rate=variant.LEARNING_RATE if config.learning_rate is None else config.learning_rate,
        batch_size=variant.BATCH_SIZE if config.batch_size is None else config.batch_size,
    )


def default_output(config: TrainConfig) -> Path:
    """runs/<name>: the folder of two texts called article.* and meta_analysis.*, else the file's own name."""
    source = config.pairs or config.article
    assert source is not None  # TrainConfig refuses to be without
    generic = source.stem.lower() in ("article", "pairs", "train", "data") and source.resolve().parent.name
    return Path("runs") / (source.resolve().parent.name if generic else source.stem)


def build_encoder(config: TrainConfig, accelerator: Accelerator) -> Encoder:
    encoder: Encoder = _variant(config).build(config, str(accelerator.device))
    return encoder


def _variant(config: TrainConfig) -> ModuleType:
    return variants.load("topores.encoders", config.encoder.replace("-", "_"))


def command_line(argv: Sequence[str] | None = None) -> list[str]:
    """What was typed, with the program's own name first."""
    return ["topores", *(sys.argv[1:] if argv is None else argv)]


def summary(run: Run, seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "run": str(run.folder),
        "cycles": run.metrics[-1]["cycle"],
        "seconds": round(seconds, 3),
        "metrics": run.metrics[-1],
        "best": _best(run),
        "turn": _turn(run),
        "nulls": {name: str(null.folder) for name, null in run.nulls.items()},
    }


def _best(run: Run) -> dict[str, Any] | None:
    """What --keep best kept."""
    best = run.best if run.options.keep == "best" else None
    if best is None:
        return None
    path = run.checkpoints.get(best["cycle"])
    return {"cycle": best["cycle"], "held_out_mrr": held_out_mrr(best), "checkpoint": path and str(path)}


def _turn(run: Run) -> str | None:
    """Where --stop-at-turn ended the run, and by what; None where it came to its last cycle."""
    reached = Turn(run.options.encoder, run.metrics, asked=run.options.stop_at_turn).reached
    return reached.sentence if reached else None


def in_words(run: Run) -> str:
    """What a reader wants to know when the training is done: did unseen pairs get better, and what to do next."""
    first, last = run.metrics[0], run.metrics[-1]
    kinds: dict[str, list[dict[str, Any]]] = {}
    for null in run.nulls.values():
        kinds.setdefault(null.facts["null"]["kind"], []).append(null.metrics[-1])
    end = f"{'turn, ' if _turn(run) else ''}cycle {last['cycle']:,}"
    rows = [["", "untrained", end, *(f"{kind} ({len(ends)})" for kind, ends in kinds.items())]]
    rows += [
        [
            label,
            *(_shown([line[name]]) for line in (first, last)),
            *(_shown([e[name] for e in ends]) for ends in kinds.values()),
        ]
        for name, label in SHOWN.items()
    ]
    table = [
        f"{label:24}{was:>12}{now:>16}" + "".join(f"{null:>16}" for null in nulls) for label, was, now, *nulls in rows
    ]
    best = _best(run)
    if best:
        table += ["", f"Best: cycle {best['cycle']:,}, held-out MRR {best['held_out_mrr']:.3f}: {best['checkpoint']}"]
    return "\n".join([*table, "", f"Run: {run.folder}", f"Next: topores topology --checkpoint {run.folder}"])


def _shown(values: Sequence[float | None]) -> str:
    """The mean of one number over runs."""
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"
