"""States of one space, and the rows of each of their layers: encoded by models, or bare arrays."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from topores.analysis.arrays import read_embeddings
from topores.analysis.rows import RowTexts, corpus_of_rows, labels_of, matched_rows
from topores.backbones import ENCODING
from topores.compute.cache import Cache
from topores.compute.devices import choose_device
from topores.compute.files import sha256_file
from topores.compute.keys import code_version, digest, sha256_of_folder
from topores.domain import Corpus, State
from topores.errors import InputError, UsageError
from topores.phrases import Phrase
from topores.runs import Run
from topores.text.corpus import CORPUS_FILES
from topores.text.shuffling import with_random_tokens
from topores.topology.rounding import NOISE, SINGLE

if TYPE_CHECKING:
    from topores.backbones.encoder import Encoder
    from topores.backbones.shared_stem import SharedStem

Rows = Float[np.ndarray, "rows dim"]

ONE_BY_ONE = 16
"""Passages that are encoded one by one, to see how far the layout of a batch moves a row."""


class Source(ABC):
    """States of one space, in order, and the rows of each of their layers."""

    name: str
    states: tuple[State, ...]
    corpus: Corpus | None = None
    run: Run | None = None
    roundings: tuple[float, ...] = (NOISE * SINGLE,)
    """How far rounding may move a row of length 1, by state; one number if it is the same for all."""

    @property
    def rounding(self) -> float:
        """The largest of the roundings, so that the same rows are twins in every state."""
        return max(self.roundings)

    def layout_rounding(self, state: State, rows: Rows) -> float:  # noqa: ARG002
        """How far another batch and layout move a row of length 1; 0 where nothing is encoded."""
        return 0.0

    @property
    @abstractmethod
    def clouds(self) -> dict[str, Int[np.ndarray, " points"]]:
        """Rows that form each cloud, by its name."""

    @abstractmethod
    def layers_of(self, state: State, layers: str, cache: Cache | None) -> dict[int, Float[np.ndarray, "rows dim"]]:
        """Unit rows by layer: 'all', 'last', or a list such as '0,3,6'; from the cache if it has them."""

    @abstractmethod
    def content(self, cache: Cache | None) -> dict[str, Any] | None:
        """Hashes of everything that decides the rows; None if part of it is unknown. Nothing is loaded or computed."""


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
        *,
        prompts: tuple[str | None, str | None] = (None, None),
    ) -> None:
        """
        Args:
            corpus_of: Reads the passages when they are first needed.
            texts: Hashes of what decides the passages and how they are read.
            prompts: For T1 and for T2, as `read_sides` takes them.
        """
        self.name, self.states, self.device, self.run = name, tuple(states), device, run
        self._corpus_of, self._texts, self._prompts = corpus_of, texts, prompts
        self._opened: tuple[Encoder, Path] | None = None

    @cached_property
    def corpus(self) -> Corpus:  # type: ignore[override]  # read when it is first needed
        return self._corpus_of()

    @cached_property
    def stem(self) -> "SharedStem":
        """Layers that all models share, which are computed once."""
        return self._stem_of(self.corpus)

    def _stem_of(self, corpus: Corpus) -> "SharedStem":
        from topores.backbones.shared_stem import SharedStem

        passages = (*corpus.t1, *corpus.t2)
        return SharedStem([p.text for p in passages], [p.side for p in passages])

    @property
    def clouds(self) -> dict[str, Int[np.ndarray, " points"]]:
        n_1, n_2 = len(self.corpus.t1), len(self.corpus.t2)
        union = np.arange(n_1 + n_2)
        return {"t1": union[:n_1], "t2": union[n_1:], "union": union} if n_2 else {"union": union}

    def layers_of(self, state: State, layers: str, cache: Cache | None) -> dict[int, Float[np.ndarray, "rows dim"]]:
        texts = [p.text for p in (*self.corpus.t1, *self.corpus.t2)]
        rows = self._cached_layers(state, texts, cache) if cache else self._encode_layers(state)
        return {layer: rows[layer] for layer in chosen_layers(layers, len(rows))}

    def content(self, cache: Cache | None) -> dict[str, Any] | None:
        weights = [sha256_of_model(state.path, cache) for state in self.states]
        return {"weights": weights, "texts": self._texts} if all(weights) else None

    def _cached_layers(self, state: State, texts: list[str], cache: Cache) -> list[Float[np.ndarray, "rows _"]]:
        """The layers from the cache, or computed and put there."""
        weights = sha256_of_model(state.path, cache)
        code = code_version(*ENCODING)
        key = digest(
            what="layers", weights=weights, texts=texts, t1=len(self.corpus.t1), prompts=self._prompts, code=code
        )
        kept = cache.get(key) if weights else None
        if kept:
            return kept["layers"]
        rows = self._encode_layers(state)
        if weights:
            cache.put(key, {"layers": rows})
        return rows

    def _encode_layers(self, state: State) -> list[Float[np.ndarray, "rows _"]]:
        return self.stem.encode_layers(self._open(state), state.path)

    def _open(self, state: State) -> "Encoder":
        """The encoder of a state. It shares the transformer of the last one that was opened, if that is the same."""
        from topores.backbones.loading import open_model
        from topores.backbones.reopening import reopen

        found = reopen(state.path, *self._opened) if self._opened else None
        if found is None:
            found = open_model(str(state.path), choose_device(self.device), prompts=self._prompts)
            self._opened = found, state.path
        return found

    def layout_rounding(self, state: State, rows: Rows) -> float:
        """How far a few passages are moved by being encoded one by one, against their `rows` of the last layer."""
        passages = (*self.corpus.t1, *self.corpus.t2)
        places = np.linspace(0, len(passages) - 1, min(ONE_BY_ONE, len(passages))).astype(int).tolist()
        alone = self._open(state).encode(
            [passages[i].text for i in places], [passages[i].side for i in places], batch_size=1
        )
        given = np.stack([rows[i] for i in places]).astype(np.float64)
        given /= np.linalg.norm(given, axis=1, keepdims=True)
        return float(np.linalg.norm(alone - given, axis=1).max())

    # For the nulls: other rows from the same encoders, at the last layer.

    def encoded_again(self, state: State) -> Rows:
        """Rows of all passages, computed again even if they are cached."""
        return self._stem_of(self.corpus).encode_layers(self._open(state), state.path)[-1]

    def rows_under_dropout(self, state: State, count: int, seed: int, cache: Cache | None) -> list[Rows]:
        """Rows of all passages under `count` dropout masks, which the seed decides."""
        weights, encoder = sha256_of_model(state.path, cache), None
        texts, code = [p.text for p in (*self.corpus.t1, *self.corpus.t2)], code_version(*ENCODING)
        found = []
        for view in range(count):
            key = digest(
                what="view", weights=weights, texts=texts, t1=len(self.corpus.t1), prompts=self._prompts,
                view=[seed, view], code=code,
            )  # fmt: skip
            kept = cache.get(key) if cache and weights else None
            if kept is None:
                encoder = encoder or self._open(state)
                kept = {"rows": self.stem.encode_view(encoder, state.path, seed, view)}
                if cache and weights:
                    cache.put(key, kept)
            found.append(kept["rows"])
        return found

    def why_no_dropout(self) -> Phrase | None:
        from topores.backbones.dropout_views import has_dropout

        if has_dropout(self._open(self.states[-1])):
            return None
        return Phrase("the encoder has no dropout, so nothing is drawn")

    def rows_of_random_text(self, states: Sequence[State], seed: int) -> list[Rows]:
        """By state: rows of passages of the same lengths, with each text's tokens in random order."""
        opened = [self._open(state) for state in states]
        stem = self._stem_of(with_random_tokens(self.corpus, opened[0].tokenizer, seed))
        return [stem.encode_layers(encoder, state.path)[-1] for encoder, state in zip(opened, states, strict=True)]

    def why_not_untrained(self) -> Phrase | None:
        from topores.backbones.untrained import why_not_untrained

        return why_not_untrained(self._open(self.states[-1]).model)

    def rows_of_untrained(self, state: State, seed: int) -> Rows:
        """Rows of all passages by an encoder of the same architecture with random weights."""
        from topores.backbones.untrained import untrained_like

        encoder = untrained_like(self._open(state), seed)
        passages = (*self.corpus.t1, *self.corpus.t2)
        return encoder.encode([p.text for p in passages], [p.side for p in passages])


class ArraySource(Source):
    """Files of embeddings, one per state. Rows are passages of one text, scaled to unit length."""

    def __init__(
        self, paths: Sequence[Path], ids: Sequence[Sequence[str] | None] | None = None, texts: RowTexts | None = None
    ) -> None:
        """
        Args:
            ids: By file: the id of each row, where rows are to be matched by them. None: ids that the files hold.
            texts: What the rows of the first file stand for.
        """
        labels = labels_of(paths)
        self.name = re.sub(r"[\\/]+", "-", str(Path(labels[0]).with_suffix("")))
        self.states = tuple(State(i, label, path) for i, (label, path) in enumerate(zip(labels, paths, strict=True)))
        read = [read_embeddings(path) for path in paths]
        own = list(ids or [found.ids for found in read])
        self._kept = matched_rows(paths, [len(found.rows) for found in read], own)
        self._texts = texts
        if texts is not None and sum(map(len, texts)) != len(read[0].rows):
            count = sum(map(len, texts))
            raise InputError(
                f"--texts has {count} texts, and '{paths[0]}' has {len(read[0].rows)} rows; give one text a row, "
                "in order."
            )
        self.roundings = tuple(found.rounding for found in read)

    @cached_property
    def corpus(self) -> Corpus | None:  # type: ignore[override]  # made when it is first needed
        return None if self._texts is None else corpus_of_rows(self._texts, self._kept[0])

    @property
    def clouds(self) -> dict[str, Int[np.ndarray, " points"]]:
        union = np.arange(len(self._kept[0]))
        if self.corpus is None or not self.corpus.t2:
            return {"union": union}
        n_1 = len(self.corpus.t1)
        return {"t1": union[:n_1], "t2": union[n_1:], "union": union}

    def layers_of(self, state: State, layers: str, cache: Cache | None) -> dict[int, Float[np.ndarray, "rows dim"]]:  # noqa: ARG002
        chosen_layers(layers, 1)
        return {0: read_embeddings(state.path).rows[self._kept[state.cycle]]}

    def content(self, cache: Cache | None) -> dict[str, Any] | None:  # noqa: ARG002
        found: dict[str, Any] = {"arrays": [sha256_file(state.path) for state in self.states]}
        if self._texts is not None:
            found["texts"] = [list(side) for side in self._texts]
        return found | {"rows": [digest(rows=kept) for kept in self._kept]}


def run_source(run: Run, states: Sequence[State], device: str, beside: EncodedSource | None = None) -> EncodedSource:
    """Checkpoints of a run, on the passages of its folder.

    Args:
        beside: Another source of the same passages; layers that its models share with these are computed once.
    """
    texts = {name: sha256_file(run.folder / name) for name in CORPUS_FILES}
    source = EncodedSource(run.name, states, lambda: run.corpus, texts, device, run)
    if beside is not None:
        source.stem, source._opened = beside.stem, beside._opened
    return source


def sha256_of_model(path: Path, cache: Cache | None) -> str | None:
    """Hash of a model folder; None for a hub id.

    The cache keeps it under the sizes and times of the files, so that large files are not read twice.
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
    """Layer numbers named by 'all', 'last' or a list, out of `present` layers.

    Raises:
        UsageError: The encoder lacks one of the layers.
    """
    if spec == "all":
        return list(range(present))
    wanted = [present - 1] if spec == "last" else sorted({int(float(part)) for part in spec.split(",")})
    if wanted[-1] >= present:
        raise UsageError(f"--layers names {wanted[-1]}, but the encoder has layers 0 to {present - 1}.")
    return wanted
