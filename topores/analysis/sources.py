"""What can be analysed: the checkpoints of a run, any models on any texts, bare arrays of embeddings."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from topores.compute.cache import Cache
from topores.compute.devices import choose_device
from topores.compute.files import sha256_file
from topores.compute.keys import code_version, digest, sha256_of_folder
from topores.config import PAIR_FILES, TopologyConfig
from topores.domain import SIDES, AlignedPairs, Corpus, Passage, State
from topores.errors import InputError, UsageError
from topores.runs import Run, is_run, load_run
from topores.text.corpus import CORPUS_FILES
from topores.text.files import read_text
from topores.text.pair_files import read_pairs
from topores.text.passages import first_passage, split_passages


class Source(ABC):
    """States of one space, in order, and the rows of each of their layers."""

    name: str
    states: tuple[State, ...]
    corpus: Corpus | None = None
    run: Run | None = None

    @property
    @abstractmethod
    def clouds(self) -> dict[str, Int[np.ndarray, " points"]]:
        """Rows that form each cloud, by its name."""

    @abstractmethod
    def layers_of(self, state: State, layers: str, cache: Cache | None) -> dict[int, Float[np.ndarray, "rows dim"]]:
        """Unit rows by layer: 'all', 'last', or a list such as '0,3,6'; from the cache if it has them."""

    @abstractmethod
    def content(self, cache: Cache | None) -> dict[str, Any] | None:
        """Hashes of all that decides the rows; None where it cannot be told. Nothing is loaded or computed for it."""


class EncodedSource(Source):
    """Models that encode the same passages: checkpoints of a run, or any sentence-transformers models."""

    def __init__(
        self,
        name: str,
        states: Sequence[State],
        corpus_of: Callable[[], Corpus],
        texts: dict[str, Any],
        device: str,
        run: Run | None = None,
    ) -> None:
        """`corpus_of` reads the passages when they are first asked for; `texts` are hashes of what decides them."""
        self.name, self.states, self.device, self.run = name, tuple(states), device, run
        self._corpus_of, self._texts = corpus_of, texts

    @cached_property
    def corpus(self) -> Corpus:  # type: ignore[override]  # read when it is first asked for
        return self._corpus_of()

    @property
    def clouds(self) -> dict[str, Int[np.ndarray, " points"]]:
        n_1, n_2 = len(self.corpus.t1), len(self.corpus.t2)
        union = np.arange(n_1 + n_2)
        return {"t1": union[:n_1], "t2": union[n_1:], "union": union} if n_2 else {"union": union}

    def layers_of(self, state: State, layers: str, cache: Cache | None) -> dict[int, Float[np.ndarray, "rows dim"]]:
        texts = [p.text for p in (*self.corpus.t1, *self.corpus.t2)]
        weights = sha256_of_model(state.path, cache)
        key = digest(what="layers", weights=weights, texts=texts, code=code_version("topores.encoders"))
        kept = cache.get(key) if cache and weights else None
        rows = kept["layers"] if kept else self._encoded(state, texts)
        if cache and weights and not kept:
            cache.put(key, {"layers": rows})
        return {layer: rows[layer] for layer in chosen_layers(layers, len(rows))}

    def content(self, cache: Cache | None) -> dict[str, Any] | None:
        weights = [sha256_of_model(state.path, cache) for state in self.states]
        return {"weights": weights, "texts": self._texts} if all(weights) else None

    def _encoded(self, state: State, texts: list[str]) -> list[Float[np.ndarray, "rows _"]]:
        from topores.encoders.full import build

        return build(str(state.path), choose_device(self.device)).encode_layers(texts, layers="all")


class ArraySource(Source):
    """.npy files of embeddings, one file a state. Rows are passages of one text, taken to unit length."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.name = paths[0].stem
        self.states = tuple(State(i, path.name, path) for i, path in enumerate(paths))
        rows = {len(self._array(path)) for path in paths}
        if len(rows) > 1:
            raise InputError(
                f"The arrays have {' and '.join(map(str, sorted(rows)))} rows; "
                "give arrays of the same passages in the same order."
            )
        self._points = rows.pop()

    @property
    def clouds(self) -> dict[str, Int[np.ndarray, " points"]]:
        return {"union": np.arange(self._points)}

    def layers_of(self, state: State, layers: str, cache: Cache | None) -> dict[int, Float[np.ndarray, "rows dim"]]:  # noqa: ARG002
        chosen_layers(layers, 1)
        return {0: self._array(state.path)}

    def content(self, cache: Cache | None) -> dict[str, Any] | None:  # noqa: ARG002
        return {"arrays": [sha256_file(state.path) for state in self.states]}

    def _array(self, path: Path) -> Float[np.ndarray, "rows dim"]:
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as fault:
            raise InputError(
                f"'{path}' is no array that can be read ({_first_line(fault)}); save one with numpy.save."
            ) from fault
        if array.ndim != 2 or not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
            raise InputError(f"'{path}' has shape {array.shape} of {array.dtype}; give numbers as (passages, dim).")
        if len(array) < 2:
            raise InputError(f"'{path}' has {len(array)} rows; give at least 2.")
        array = array.astype(np.float64)
        broken = np.flatnonzero(~np.isfinite(array).all(axis=1))
        if len(broken):
            raise InputError(
                f"'{path}' has NaN or infinity in {len(broken)} rows, the first is row {broken[0]}; remove them."
            )
        length = np.linalg.norm(array, axis=1)
        if (length == 0).any():
            raise InputError(f"Row {int(np.argmin(length))} of '{path}' is all zeros, so it has no angle; remove it.")
        return array


def open_source(config: TopologyConfig) -> Source:
    """The states that `--checkpoint` names, in the order given (by cycle for a run).

    Raises:
        InputError: Nothing that can be analysed stands there.
        UsageError: Things that do not go together.
    """
    given = config.checkpoint
    paths = [Path(item) for item in given]
    if all(path.suffix == ".npy" for path in paths):
        return _arrays(paths)
    runs = {_run_of(path) for path in paths}
    run_folder = runs.pop() if len(runs) == 1 else None
    if any(is_run(path) for path in paths) and (len(paths) > 1 or run_folder is None):
        raise UsageError("--checkpoint was given a run folder among others; give a run alone, or single checkpoints.")
    if run_folder is not None and not config.texts:
        return _run_states(load_run(run_folder), paths, config.device)
    return _models(given, config)


def sha256_of_model(path: Path, cache: Cache | None) -> str | None:
    """Hash of a model folder; None for a hub id, whose files are not ours to find.

    The cache keeps it under the sizes and times of the files: a hundred megabytes are not read twice.
    """
    if not path.is_dir():
        return None
    files = {file.relative_to(path).as_posix(): file.stat() for file in sorted(path.rglob("*")) if file.is_file()}
    seen = [[name, facts.st_size, facts.st_mtime_ns, facts.st_ino] for name, facts in files.items()]
    key = digest(what="sha256 of model", folder=str(path.resolve()), files=seen)
    if cache and (kept := cache.get(key)):
        return kept["sha256"]
    found = sha256_of_folder(path)
    if cache:
        cache.put(key, {"sha256": found})
    return found


def chosen_layers(spec: str, present: int) -> list[int]:
    """Layer numbers that 'all', 'last' or a list names, of `present` layers.

    Raises:
        UsageError: A layer that the encoder does not have.
    """
    if spec == "all":
        return list(range(present))
    wanted = [present - 1] if spec == "last" else sorted({int(float(part)) for part in spec.split(",")})
    if wanted[-1] >= present:
        raise UsageError(f"--layers names {wanted[-1]}, but the encoder has layers 0 to {present - 1}.")
    return wanted


def _arrays(paths: list[Path]) -> ArraySource:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"'{missing[0]}' is not there; give a .npy file of embeddings.")
    return ArraySource(paths)


def _run_of(path: Path) -> Path | None:
    """The run that a folder is, or that it is a checkpoint of."""
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
        raise InputError(f"'{run.folder}' keeps no checkpoint yet; let topores train run to its end first.")
    texts = {name: sha256_file(run.folder / name) for name in CORPUS_FILES}
    return EncodedSource(run.name, states, lambda: run.corpus, texts, device, run)


def _models(given: Sequence[str], config: TopologyConfig) -> EncodedSource:
    missing = [item for item in given if item.startswith((".", "/", "~")) and not Path(item).expanduser().exists()]
    if missing:
        raise InputError(
            f"'{missing[0]}' is not there; give a run folder, a checkpoint, a model folder, a hub id or .npy."
        )
    for item in map(Path, given):
        if item.is_dir() and not (item / "modules.json").is_file() and not (item / "config.json").is_file():
            raise InputError(
                f"'{item}' is neither a run (no run.json) nor a model (no modules.json); give a folder that "
                "topores train or sentence-transformers wrote."
            )
    if not config.texts:
        raise UsageError(f"'{given[0]}' brings no texts of its own; give them with --texts FILE (once or twice).")
    states = [State(i, Path(item).name, Path(item)) for i, item in enumerate(given)]
    absent = next((text for text in config.texts if not text.is_file()), None)
    if absent is not None:
        raise InputError(f"'{absent}' is not there; give a text to --texts.")
    texts = {
        "files": [[text.name, sha256_file(text)] for text in config.texts],
        "passage_tokens": config.passage_tokens,
        "repair": config.repair,
    }

    def corpus_of() -> Corpus:
        return _unaligned(*_passages(config, *_reader(given[0], config)))

    return EncodedSource(Path(given[0]).name, states, corpus_of, texts, config.device)


def _unaligned(passages_1: list[Passage], passages_2: list[Passage]) -> Corpus:
    """Passages as a corpus without pairs or split: there to be read, not to be retrieved."""
    nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    pairs = AlignedPairs(nothing, nothing, none, none, np.zeros(0, dtype=bool), 0.0)
    splits = ((None,) * len(passages_1), (None,) * len(passages_2))
    return Corpus(tuple(passages_1), tuple(passages_2), pairs, *splits, 0, "texts")


def _reader(model: str, config: TopologyConfig) -> tuple[Any, int]:
    """The encoder's tokenizer, and the longest passage that it reads and the options allow."""
    from topores.encoders.full import build

    encoder = build(model, choose_device(config.device))
    return encoder.tokenizer, min(config.passage_tokens, encoder.max_tokens or config.passage_tokens)


def _passages(config: TopologyConfig, tokenizer: Any, budget: int) -> tuple[list[Passage], list[Passage]]:
    """Passages of one text, of two, or of the two columns of a pair file."""
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


def _first_line(fault: Exception) -> str:
    return str(fault).split("\n")[0][:120]
