"""Checkpoints that share a transformer: what it gives is computed once, and each one's own modules work on that."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor, nn

from topores.backbones.dropout_views import batches_by_length, begin_view
from topores.backbones.encoder import Encoder, unit_rows
from topores.compute.keys import digest, sha256_of_folder
from topores.domain import Side
from topores.forward.packable import not_packable


class Stem(Encoder):
    """A transformer and its pooling, and nothing after them."""

    @torch.inference_mode()
    def pooled_layers(self, texts: Sequence[str]) -> list[Float[Tensor, "texts dim"]]:
        """The hidden states of every layer, pooled, of any length, in the mode it is in."""
        batches = batches_by_length(texts)
        parts = [self._embed(self._features([texts[i] for i in batch], None), layers=True) for batch in batches]
        back = torch.from_numpy(np.argsort(np.concatenate(batches))).to(self.model.device)
        return [torch.cat(rows)[back] for rows in zip(*parts, strict=True)]


class SharedStem:
    """Rows of all layers of several checkpoints on the same texts, in turn.

    Runs that train a head have the same stem in every checkpoint: it is remembered until one has another.

    Args:
        texts: The same for all checkpoints.
        sides: Of each text.
    """

    def __init__(self, texts: Sequence[str], sides: Sequence[Side]) -> None:
        self.texts, self.sides = texts, sides
        self._key: str | None = None
        self._pooled: dict[tuple[int, int] | None, list[Tensor]] = {}
        """By seed and view, of the last layer; without dropout, of every layer, under None."""

    @torch.inference_mode()
    def encode_layers(self, encoder: Encoder, folder: Path) -> list[Float[np.ndarray, "texts _"]]:
        """What `encoder.encode_layers` gives, to rounding.

        Args:
            encoder: The checkpoint, opened.
            folder: Where it lies; its files decide whether the stem is the remembered one.
        """
        first, rest = _divided(encoder.model)
        key = _key_of(folder) if first else None
        if key is None:
            return encoder.encode_layers(self.texts, self.sides)
        pooled = self._of_stem(first, key, encoder, None)
        return [unit_rows(rows) for rows in (*pooled[:-1], self._after(rest, pooled[-1], encoder))]

    @torch.inference_mode()
    def encode_view(self, encoder: Encoder, folder: Path, seed: int, view: int) -> Float[np.ndarray, "texts _"]:
        """Unit rows under the dropout masks that seed and view decide.

        Checkpoints of one stem have the same masks in the same view, so that they differ by their own modules alone.
        """
        first, rest = _divided(encoder.model)
        key = _key_of(folder) if first else None
        if key is None:
            batches = batches_by_length(self.texts)
            encoder.train()
            begin_view(seed, view)
            parts = [
                encoder([self.texts[i] for i in batch], [self.sides[i] for i in batch]).float() for batch in batches
            ]
            encoder.eval()
            return unit_rows(torch.cat(parts)[np.argsort(np.concatenate(batches))])
        pooled = self._of_stem(first, key, encoder, (seed, view))
        return unit_rows(self._after(rest, pooled[-1], encoder))

    def _of_stem(
        self, first: list[nn.Module], key: str, encoder: Encoder, view: tuple[int, int] | None
    ) -> list[Tensor]:
        """What transformer and pooling give, computed once for each stem and view."""
        if key != self._key:
            self._pooled, self._key = {}, key
        if view not in self._pooled:
            stem = Stem(SentenceTransformer(modules=first, device=str(encoder.model.device)))
            stem.train(view is not None)
            if view is not None:
                begin_view(*view)
            pooled = stem.pooled_layers(self.texts)
            stem.eval()
            self._pooled[view] = pooled if view is None else pooled[-1:]
        return self._pooled[view]

    def _after(self, rest: list[nn.Module], pooled: Tensor, encoder: Encoder) -> Tensor:
        features = {"sentence_embedding": pooled, **encoder.sided(self.sides)}
        for module in rest:
            features = module(features)
        return features["sentence_embedding"]


def _divided(model: SentenceTransformer) -> tuple[list[nn.Module], list[nn.Module]]:
    """Transformer and pooling, and the modules after them; no stem where what follows may need more than its rows."""
    modules = list(model)
    begins_so = len(modules) > 1 and isinstance(modules[0], Transformer) and isinstance(modules[1], Pooling)
    reads_rows_alone = all(not_packable(module) is None for module in modules[2:])
    return (modules[:2], modules[2:]) if begins_so and reads_rows_alone else ([], modules)


def _key_of(folder: Path) -> str | None:
    """Hash of the files of transformer and pooling; None if the folder does not say which these are."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return None
    places = [folder / module["path"] for module in json.loads(listed.read_text(encoding="utf-8"))]
    if folder in places[2:]:
        return None
    return digest(stem=[sha256_of_folder(place, without=places[2:]) for place in places[:2]])
