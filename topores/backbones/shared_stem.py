"""Checkpoints that share a transformer: its output is computed once, and each checkpoint's own modules run on it."""

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
from topores.backbones.reopening import stem_of
from topores.compute.keys import digest
from topores.domain import SIDES, Side
from topores.forward.packable import not_packable
from topores.forward.settings import with_modules


class Stem(Encoder):
    """A transformer and its pooling, without the modules after them."""

    @torch.inference_mode()
    def pooled_layers(self, texts: Sequence[str], sides: Sequence[Side]) -> list[Float[Tensor, "texts dim"]]:
        """The pooled hidden states of every layer, not normalised, with dropout if in training mode."""
        batches = batches_by_length(texts)
        parts = [
            self.embed_texts([texts[i] for i in batch], [sides[i] for i in batch], layers=True) for batch in batches
        ]
        back = torch.from_numpy(np.argsort(np.concatenate(batches))).to(self.model.device)
        return [torch.cat(rows)[back] for rows in zip(*parts, strict=True)]


class SharedStem:
    """Encodes the same texts with several checkpoints, one after another.

    Runs that train a head have the same stem in every checkpoint, so its output is kept until a checkpoint has another.

    Args:
        texts: The texts, equal for all checkpoints.
        sides: The side of each text.
    """

    def __init__(self, texts: Sequence[str], sides: Sequence[Side]) -> None:
        self.texts, self.sides = texts, sides
        self._key: str | None = None
        self._pooled: dict[tuple[int, int] | None, list[Tensor]] = {}
        """Pooled output by (seed, view), last layer only; under None without dropout, every layer."""

    @torch.inference_mode()
    def encode_layers(self, encoder: Encoder, folder: Path) -> list[Float[np.ndarray, "texts _"]]:
        """The rows of `encoder.encode_layers`, up to rounding.

        Args:
            encoder: The opened checkpoint.
            folder: Its folder, whose files decide whether the kept stem can be used.
        """
        first, rest = _split_stem(encoder.model)
        key = _key_of(folder, encoder) if first else None
        if key is None:
            return encoder.encode_layers(self.texts, self.sides)
        pooled = self._stem_output(first, key, encoder, None)
        return [unit_rows(rows) for rows in (*pooled[:-1], self._apply_rest(rest, pooled[-1], encoder))]

    @torch.inference_mode()
    def encode_view(self, encoder: Encoder, folder: Path, seed: int, view: int) -> Float[np.ndarray, "texts _"]:
        """Unit rows under the dropout masks of (seed, view).

        Checkpoints with the same stem get the same masks in the same view, so they differ only by their own modules.
        """
        first, rest = _split_stem(encoder.model)
        key = _key_of(folder, encoder) if first else None
        if key is None:
            batches = batches_by_length(self.texts)
            encoder.train()
            begin_view(seed, view)
            parts = [
                encoder([self.texts[i] for i in batch], [self.sides[i] for i in batch]).float() for batch in batches
            ]
            encoder.eval()
            return unit_rows(torch.cat(parts)[np.argsort(np.concatenate(batches))])
        pooled = self._stem_output(first, key, encoder, (seed, view))
        encoder.train()
        begin_view(seed, view)
        rows = self._apply_rest(rest, pooled[-1], encoder)
        encoder.eval()
        return unit_rows(rows)

    def _stem_output(
        self, first: list[nn.Module], key: str, encoder: Encoder, view: tuple[int, int] | None
    ) -> list[Tensor]:
        """Output of transformer and pooling, computed once for each stem and view."""
        if key != self._key:
            self._pooled, self._key = {}, key
        if view not in self._pooled:
            stem = Stem(with_modules(encoder.model, first))
            # What encode() cuts off comes after the other modules.
            stem.model.truncate_dim = None
            stem.train(view is not None)
            if view is not None:
                begin_view(*view)
            pooled = stem.pooled_layers(self.texts, self.sides)
            stem.eval()
            self._pooled[view] = pooled if view is None else pooled[-1:]
        return self._pooled[view]

    def _apply_rest(self, rest: list[nn.Module], pooled: Tensor, encoder: Encoder) -> Tensor:
        features = {"sentence_embedding": pooled, **encoder.side_features(self.sides)}
        for module in rest:
            features = module(features)
        return encoder.shorten(features["sentence_embedding"])


def _split_stem(model: SentenceTransformer) -> tuple[list[nn.Module], list[nn.Module]]:
    """(transformer and pooling, other modules); the first is empty if the others may need more than pooled rows."""
    modules = list(model)
    begins_so = len(modules) > 1 and isinstance(modules[0], Transformer) and isinstance(modules[1], Pooling)
    reads_rows_alone = all(not_packable(module) is None for module in modules[2:])
    return (modules[:2], modules[2:]) if begins_so and reads_rows_alone else ([], modules)


def _key_of(folder: Path, encoder: Encoder) -> str | None:
    """Hash of the files of transformer and pooling, and of the prompts.

    None if the folder does not keep them apart from other modules.
    """
    stem = stem_of(folder)
    return None if stem is None else digest(stem=stem, prompts=encoder.prompts_of(SIDES, len(SIDES)))
