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

from topores.compute.keys import digest, sha256_of_folder
from topores.domain import Side
from topores.encoders._encoder import Encoder, unit_rows
from topores.encoders._views import batches_by_length


class Stem(Encoder):
    """A transformer and its pooling, and nothing after them."""

    @torch.inference_mode()
    def pooled_layers(self, texts: Sequence[str]) -> list[Float[Tensor, "texts dim"]]:
        """The hidden states of every layer, pooled, of any length, without dropout."""
        self.eval()
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
        self._pooled: list[Tensor] = []

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
        if key != self._key:
            stem = Stem(SentenceTransformer(modules=first, device=str(encoder.model.device)))
            self._pooled, self._key = stem.pooled_layers(self.texts), key
        features = {"sentence_embedding": self._pooled[-1], **encoder.sided(self.sides)}
        for module in rest:
            features = module(features)
        return [unit_rows(rows) for rows in (*self._pooled[:-1], features["sentence_embedding"])]


def _divided(model: SentenceTransformer) -> tuple[list[nn.Module], list[nn.Module]]:
    """Transformer and pooling, and what follows; nothing and all, where a model begins otherwise."""
    modules = list(model)
    begins_so = len(modules) > 1 and isinstance(modules[0], Transformer) and isinstance(modules[1], Pooling)
    return (modules[:2], modules[2:]) if begins_so else ([], modules)


def _key_of(folder: Path) -> str | None:
    """Hash of the files of transformer and pooling; None if the folder does not say which these are."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return None
    places = [folder / module["path"] for module in json.loads(listed.read_text(encoding="utf-8"))]
    if folder in places[2:]:
        return None
    return digest(stem=[sha256_of_folder(place, without=places[2:]) for place in places[:2]])
