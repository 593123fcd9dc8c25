"""`topores train`: two fixed texts in, a run folder with checkpoints out."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from topores import variants
from topores.compute.devices import choose_device
from topores.config import TrainConfig
from topores.domain import Corpus, Text
from topores.encoders.full import Encoder
from topores.errors import RunError, UsageError
from topores.runs import Run, load_run
from topores.text.batches import Batches
from topores.text.corpus import corpus_from_pairs, corpus_from_texts, write_corpus
from topores.text.files import read_text
from topores.text.pair_files import PairTable, read_pairs
from topores.text.script import script_coverage, warning
from topores.training.loop import Trainee, train_until
from topores.training.provenance import run_facts
from topores.training.signals import stop_asked
from topores.training.state import Progress, load_state

log = logging.getLogger(__name__)

Texts = tuple[Text, Text] | PairTable

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

    Args:
        config: What to train on what, and where to.
        force: Replace the run that stands in the output folder.
        argv: Command line to keep with the run.

    Raises:
        ToporesError: Unusable input (3), an output folder that holds another run (4), no space (5), interrupted (130).
    """
    run = Run(config.output or default_output(config))
    run.refuse_if_occupied(force=force)
    # The texts are read before the folder is touched: bad input leaves nothing behind.
    texts = _read_texts(config)
    encoder = build_encoder(config)
    corpus = build_corpus(config, texts, encoder)
    with run.written_by_us_alone():
        run.clear()
        write_corpus(corpus, run.folder)
        run.write_start(config, run_facts(encoder, corpus, texts, config, argv))
        return _train(run, config, encoder, corpus, resume=False)


def resume(folder: Path, given: dict[str, Any] | None = None) -> Run:
    """Continue the run in `folder` to its last cycle, or to a later one.

    Args:
        given: Options given again; each must agree with the run's, but `cycles` may be larger.

    Raises:
        RunError: There is no run, its state is damaged, or an option differs.
    """
    run = load_run(folder)
    config = agreed_options(run, given or {})
    with run.written_by_us_alone():
        encoder = build_encoder(config)
        return _train(run, config, encoder, run.corpus, resume=True)


def agreed_options(run: Run, given: dict[str, Any]) -> TrainConfig:
    """The run's options, with more cycles if more are asked for."""
    stored = run.options.to_mapping()
    # Read through the same types, so that './a.txt' and 'a.txt', 20 and '20' are equal.
    asked = TrainConfig.from_mapping({**stored, **given}).to_mapping()
    differ = [name for name in given if asked[name] != stored[name] and name not in ("output", "cycles")]
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
    return TrainConfig.from_mapping({**stored, "cycles": asked["cycles"]})


def default_output(config: TrainConfig) -> Path:
    """runs/<name>: the folder of two texts called article.* and meta_analysis.*, else the file's own name."""
    source = config.pairs or config.article
    assert source is not None  # TrainConfig refuses to be without
    generic = source.stem.lower() in ("article", "pairs", "train", "data") and source.resolve().parent.name
    return Path("runs") / (source.resolve().parent.name if generic else source.stem)


def build_encoder(config: TrainConfig) -> Encoder:
    return variants.load("topores.encoders", config.encoder).build(config.model, choose_device(config.device))


def passage_budget(config: TrainConfig, encoder: Encoder) -> int:
    """`passage_tokens`, or what the encoder reads at most: no passage is longer."""
    limit = encoder.max_tokens
    if limit is None or config.passage_tokens <= limit:
        return config.passage_tokens
    log.warning(
        "'%s' reads at most %d tokens: passages are that long, not %d.", config.model, limit, config.passage_tokens
    )
    return limit


def build_corpus(config: TrainConfig, texts: Texts, encoder: Encoder) -> Corpus:
    """Passages, alignment and split; says what a user should know of them."""
    contents = [*texts.articles, *texts.meta_analyses] if isinstance(texts, PairTable) else [t.content for t in texts]
    unknown_script = warning(script_coverage(contents, encoder.tokenizer), config.model)
    if unknown_script:
        log.warning(unknown_script)
    make: Any = corpus_from_pairs if isinstance(texts, PairTable) else corpus_from_texts
    corpus: Corpus = make(
        *([texts] if isinstance(texts, PairTable) else texts),
        encoder.tokenizer, encoder.encode,
        max_tokens=passage_budget(config, encoder), held_out=config.held_out, embargo=config.embargo, seed=config.seed,
    )  # fmt: skip
    train, held_out = len(corpus.pairs_in("train")), len(corpus.pairs_in("held_out"))
    log.info(
        "%d and %d passages, %d aligned pairs (%.0f %% of the texts found a partner); %d to train on, %d held out.",
        len(corpus.t1), len(corpus.t2), len(corpus.pairs), 100 * corpus.pairs.share, train, held_out,
    )  # fmt: skip
    if config.held_out and not held_out:
        log.warning("The texts are too short to hold anything out: nothing here can tell learning from memorising.")
    return corpus


def _read_texts(config: TrainConfig) -> Texts:
    if config.pairs:
        return read_pairs(config.pairs, repair=config.repair)
    assert config.article is not None and config.meta_analysis is not None  # noqa: PT018  TrainConfig refuses
    return read_text(config.article, repair=config.repair), read_text(config.meta_analysis, repair=config.repair)


def _train(run: Run, config: TrainConfig, encoder: Encoder, corpus: Corpus, *, resume: bool) -> Run:
    objective = variants.load("topores.objectives", config.objective).build(
        temperature=config.temperature,
        identity_weight=config.identity_weight,
        cross_weight=config.cross_weight,
        loss=config.loss,
    )
    accelerator = _accelerator(encoder)
    optimizer = torch.optim.AdamW(
        [p for p in encoder.parameters() if p.requires_grad], lr=config.learning_rate, weight_decay=config.weight_decay
    )
    encoder, optimizer = accelerator.prepare(encoder, optimizer)
    trainee = Trainee(
        run, encoder, objective, optimizer, Batches(corpus, config.batch_size, config.seed), accelerator, Progress()
    )
    if resume and any((run.folder / "state").glob("step-*")):
        trainee.progress = load_state(run.folder / "state", trainee.modules, optimizer)
        run.keep_metrics_until(trainee.progress.step // trainee.batches.per_cycle)
    elif resume:
        run.keep_metrics_until(-1)
    if config != run.options:
        run.write_start(config, run.facts)
    with stop_asked() as stopping:
        train_until(trainee, config.cycles, checkpoints=config.checkpoints, seed=config.seed, stopping=stopping)
    return Run(run.folder)


def _accelerator(encoder: Encoder) -> Accelerator:
    device = encoder.model.device.type
    accelerator = Accelerator(cpu=device == "cpu")
    if accelerator.num_processes > 1:
        raise UsageError(f"{accelerator.num_processes} processes were started, but topores trains in one; start one.")
    return accelerator


def command_line(argv: Sequence[str] | None = None) -> list[str]:
    """What was typed, with the program's own name first."""
    return ["topores", *(sys.argv[1:] if argv is None else argv)]


def summary(run: Run, seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "run": str(run.folder),
        "cycles": run.options.cycles,
        "seconds": round(seconds, 3),
        "metrics": run.metrics[-1],
    }


def in_words(run: Run) -> str:
    """What a reader wants to know when the training is done: did unseen pairs get better, and what to do next."""
    first, last = run.metrics[0], run.metrics[-1]
    rows = [("", "untrained", f"cycle {last['cycle']:,}")]
    rows += [(label, _shown(first[name]), _shown(last[name])) for name, label in SHOWN.items()]
    table = [f"{label:24}{was:>12}{now:>16}" for label, was, now in rows]
    return "\n".join([*table, "", f"Run: {run.folder}", f"Next: topores topology --checkpoint {run.folder}"])


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
