"""Opens what `--checkpoint` names: checkpoints of a run, any models on any texts, or arrays of embeddings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from topores.analysis.sources import ArraySource, EncodedSource, Source, run_source
from topores.compute.devices import choose_device
from topores.compute.files import sha256_file
from topores.config import PAIR_FILES, TopologyConfig
from topores.domain import SIDES, AlignedPairs, Corpus, Passage, State
from topores.errors import InputError, UsageError
from topores.runs import Run, is_run, load_run
from topores.text.files import read_text
from topores.text.pair_files import read_pairs
from topores.text.passages import first_passage, split_passages

MODEL_FILES = ("modules.json", "config.json", "adapter_config.json")
"""Folders of sentence-transformers, of transformers and of peft have one of these."""


def open_source(config: TopologyConfig) -> Source:
    """The states that `--checkpoint` names, in the order given (by cycle for a run).

    Raises:
        InputError: There is nothing that can be analysed.
        UsageError: The options do not go together.
    """
    given = config.checkpoint
    paths = [Path(item) for item in given]
    if all(path.suffix == ".npy" for path in paths):
        return _arrays(paths)
    runs = {_run_of(path) for path in paths}
    run_folder = runs.pop() if len(runs) == 1 else None
    if any(is_run(path) for path in paths) and (len(paths) > 1 or run_folder is None):
        raise UsageError(
            "--checkpoint names a run folder and other things; give one run folder alone, or single checkpoints."
        )
    if run_folder is not None and not config.texts:
        return _run_states(load_run(run_folder), paths, config.device)
    return _models(given, config)


def _arrays(paths: list[Path]) -> ArraySource:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"'{missing[0]}' does not exist; give a .npy file of embeddings.")
    return ArraySource(paths)


def _run_of(path: Path) -> Path | None:
    """The run in a folder, or the run that a checkpoint belongs to."""
    if is_run(path):
        return path
    parents = path.resolve().parents
    return parents[1] if path.is_dir() and len(parents) > 1 and is_run(parents[1]) else None


def _run_states(run: Run, paths: list[Path], device: str) -> EncodedSource:
    states = run.states
    if not is_run(paths[0]):
        wanted = {path.resolve() for path in paths}
        states = tuple(state for state in states if state.path.resolve() in wanted)
    if not states:
        raise InputError(f"'{run.folder}' has no checkpoint yet; let topores train finish first.")
    return run_source(run, states, device)


def _models(given: Sequence[str], config: TopologyConfig) -> EncodedSource:
    missing = [item for item in given if item.startswith((".", "/", "~")) and not Path(item).expanduser().exists()]
    if missing:
        raise InputError(
            f"'{missing[0]}' does not exist; give a run folder, a checkpoint, a model folder, a hub id or a .npy file."
        )
    for item in map(Path, given):
        if item.is_dir() and not any((item / name).is_file() for name in MODEL_FILES):
            raise InputError(
                f"'{item}' is neither a run (no run.json) nor a model (no modules.json); give a folder that "
                "topores train or sentence-transformers wrote."
            )
    if not config.texts:
        raise UsageError(f"'{given[0]}' has no texts of its own; give them with --texts FILE (once or twice).")
    states = [State(i, Path(item).name, Path(item)) for i, item in enumerate(given)]
    absent = next((text for text in config.texts if not text.is_file()), None)
    if absent is not None:
        raise InputError(f"'{absent}' does not exist; give a text file to --texts.")
    texts = {
        "files": [[text.name, sha256_file(text)] for text in config.texts],
        "passage_tokens": config.passage_tokens,
        "repair": config.repair,
    }

    def corpus_of() -> Corpus:
        return _corpus_without_pairs(*_passages(config, *_reader(given[0], config)))

    return EncodedSource(Path(given[0]).name, states, corpus_of, texts, config.device)


def _corpus_without_pairs(passages_1: list[Passage], passages_2: list[Passage]) -> Corpus:
    """A corpus without pairs or split: its passages can be read, not retrieved."""
    nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    pairs = AlignedPairs(nothing, nothing, none, none, np.zeros(0, dtype=bool), 0.0)
    splits = ((None,) * len(passages_1), (None,) * len(passages_2))
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, *splits, 0, "texts")


def _reader(model: str, config: TopologyConfig) -> tuple[Any, int]:
    """The encoder's tokenizer, and the longest passage that both the encoder and the options allow."""
    from topores.backbones.loading import open_model

    encoder = open_model(model, choose_device(config.device))
    return encoder.tokenizer, min(config.passage_tokens, encoder.room or config.passage_tokens)


def _passages(config: TopologyConfig, tokenizer: Any, budget: int) -> tuple[list[Passage], list[Passage]]:
    """Passages of one text, of two texts, or of the two columns of a pair file."""
    if config.texts[0].suffix.lower() in PAIR_FILES:
        table = read_pairs(config.texts[0], repair=config.repair)
        columns = zip(SIDES, (table.articles, table.meta_analyses), strict=True)
        first, second = (
            [
                first_passage(text, tokenizer, max_tokens=budget, side=side, document=document)
                for text, document in zip(texts, table.ids, strict=True)
            ]
            for side, texts in columns
        )
        return first, second
    texts = [read_text(path, repair=config.repair) for path in config.texts]
    passages = [
        split_passages(text, tokenizer, max_tokens=budget, side=side) for text, side in zip(texts, SIDES, strict=False)
    ]
    for text, found in zip(texts, passages, strict=True):
        if len(found) < 2:
            raise InputError(
                f"'{text.name}' gives {len(found)} passage of at most {budget} tokens; give a longer text."
            )
    return passages[0], passages[1] if len(passages) > 1 else []
