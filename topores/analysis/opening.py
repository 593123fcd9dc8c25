"""Opens what `--checkpoint` names: checkpoints of a run, any models on any texts, or arrays of embeddings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topores.analysis.arrays import is_array_file, kinds, read_embeddings
from topores.analysis.rows import labels_of, read_ids, read_row_texts
from topores.analysis.sources import ArraySource, EncodedSource, Source, run_source
from topores.analysis.texts import corpus_of
from topores.compute.devices import choose_device
from topores.compute.files import sha256_file
from topores.config import TopologyConfig
from topores.domain import Corpus, State
from topores.errors import InputError, UsageError
from topores.runs import Run, is_run, load_run

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
    arrays = [path for path in paths if is_array_file(path)]
    if arrays and len(arrays) == len(paths):
        _refuse_prompts(config, f"'{given[0]}' is an array")
        return _arrays(paths, config)
    _refuse_files(paths)
    if config.ids:
        raise UsageError(f"--ids names rows of arrays, and '{given[0]}' is none; leave it out.")
    runs = {_run_of(path) for path in paths}
    run_folder = runs.pop() if len(runs) == 1 else None
    if any(is_run(path) for path in paths) and (len(paths) > 1 or run_folder is None):
        raise UsageError(
            "--checkpoint names a run folder and other things; give one run folder alone, or single checkpoints."
        )
    if run_folder is not None and not config.texts:
        _refuse_prompts(config, f"'{run_folder}' is a run, which has its own")
        return _run_states(load_run(run_folder), paths, config.device)
    return _models(given, config)


def _refuse_prompts(config: TopologyConfig, why: str) -> None:
    for name, given in zip(("--prompt-1", "--prompt-2"), config.prompts, strict=True):
        if given is not None:
            raise UsageError(f"{name} says how a model reads --texts, but {why}; leave it out.")


def _arrays(paths: list[Path], config: TopologyConfig) -> ArraySource:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"'{missing[0]}' does not exist; give a .npy file of embeddings.")
    texts = [read_row_texts(path, config.column_names) for path in config.texts] or None
    if not config.ids:
        return ArraySource(paths, None, texts)
    if len(config.ids) not in (1, len(paths)):
        raise UsageError(f"--ids was given {len(config.ids)} times for {len(paths)} arrays; give it once for each.")
    files = config.ids * len(paths) if len(config.ids) == 1 else config.ids
    ids = [read_ids(file, len(read_embeddings(path).rows), path) for file, path in zip(files, paths, strict=True)]
    return ArraySource(paths, ids, texts)


def _refuse_files(paths: Sequence[Path]) -> None:
    """A checkpoint is a folder; arrays and models do not go together."""
    for path in paths:
        if is_array_file(path) and len(paths) > 1:
            raise UsageError(f"'{path}' is a file of embeddings and other states are models; give one kind of them.")
        if path.is_file():
            raise InputError(
                f"'{path}' is a file that topores cannot read as embeddings; give a matrix as one of {kinds()}, or the "
                "folder of a run or a model."
            )


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
    labels = labels_of([Path(item) for item in given])
    states = [State(i, label, Path(item)) for i, (label, item) in enumerate(zip(labels, given, strict=True))]
    absent = next((text for text in config.texts if not text.is_file()), None)
    if absent is not None:
        raise InputError(f"'{absent}' does not exist; give a text file to --texts.")
    texts = {
        "files": [[text.name, sha256_file(text)] for text in config.texts],
        "passage_tokens": config.passage_tokens,
        "repair": config.repair,
        "columns": config.columns,
        "lines": config.lines,
        "prompts": config.prompts,
    }

    def read_corpus() -> Corpus:
        corpus = corpus_of(config, *_reader(given[0], config))
        if config.prompt_2 is not None and not corpus.t2:
            raise UsageError(f"--prompt-2 is '{config.prompt_2}', but --texts has one text; leave it out.")
        return corpus

    name = labels[0].replace("/", "-")
    return EncodedSource(name, states, read_corpus, texts, config.device, prompts=config.prompts)


def _reader(model: str, config: TopologyConfig) -> tuple[Any, int]:
    """The encoder's tokenizer, and the longest passage that both the encoder and the options allow."""
    from topores.backbones.loading import open_model

    encoder = open_model(model, choose_device(config.device), prompts=config.prompts)
    return encoder.tokenizer, min(config.passage_tokens, encoder.room or config.passage_tokens)
