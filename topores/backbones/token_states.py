"""Cached token states: hidden states of the frozen texts below a cut, computed once per view and memory-mapped."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from topores.backbones.dropout_views import batches_by_length, begin_view, key_of
from topores.backbones.encoder import Encoder
from topores.compute.cache import Cache
from topores.compute.keys import digest
from topores.compute.resources import available_memory
from topores.forward.cut import Cut, Hidden
from topores.forward.layout import Layout, lay_out

log = logging.getLogger(__name__)

States = Float[np.ndarray, "tokens dim"]


@dataclass
class Tokenised:
    """Tokenised texts in batches of similar length."""

    batches: list[list[int]]
    """Indices of the texts in each batch."""
    features: list[dict[str, Tensor]]
    """Output of the tokenizer for each batch."""
    lengths: Int[np.ndarray, " texts"]
    """Number of tokens of each text."""

    @classmethod
    def from_texts(cls, encoder: Encoder, texts: Sequence[str]) -> "Tokenised":
        batches, lengths = batches_by_length(texts), np.zeros(len(texts), dtype=np.int64)
        features = [encoder.tokenise([texts[i] for i in batch]) for batch in batches]
        for batch, tokens in zip(batches, features, strict=True):
            lengths[batch] = tokens["attention_mask"].sum(dim=1).cpu().numpy()
        return cls(batches, features, lengths)

    @property
    def starts(self) -> Int[np.ndarray, " bounds"]:
        """Offset of each text if all tokens are in one row, and the end of the last one."""
        return np.concatenate([[0], np.cumsum(self.lengths)])


class TokenStates:
    """Hidden states of each token of some texts, under several dropout masks and without dropout.

    Args:
        texts: Distinct texts.
        starts: Offset of each text in a view, and the end of the last one.
        views: One array per dropout mask, then one without dropout.
    """

    def __init__(self, texts: Sequence[str], starts: Int[np.ndarray, " bounds"], views: Sequence[States]) -> None:
        self.starts, self.views = starts, views
        self._place = {text: place for place, text in enumerate(texts)}

    def contains(self, texts: Sequence[str]) -> bool:
        return all(text in self._place for text in texts)

    def gather(
        self, texts: Sequence[str], views: Int[Tensor, " texts"] | None, device: torch.device
    ) -> tuple[Hidden, Layout]:
        """The states of `texts` in the flat layout, with zeros for padding.

        Args:
            views: View index for each text; by default the view without dropout.
        """
        places = np.array([self._place[text] for text in texts])
        chosen = [len(self.views) - 1] * len(texts) if views is None else views.tolist()
        begin, end = self.starts[places], self.starts[places + 1]
        layout = lay_out(torch.from_numpy(end - begin).to(device))
        flat = np.zeros((sum(layout.sizes), self.views[0].shape[1]), dtype=np.float32)
        for text, at in _text_offsets(layout):
            flat[at : at + end[text] - begin[text]] = self.views[chosen[text]][begin[text] : end[text]]
        return torch.from_numpy(flat).to(device)[None], layout


def token_states(encoder: Encoder, cut: Cut, texts: Sequence[str], *, masks: int, seed: int) -> TokenStates | None:
    """The states of distinct `texts` under `masks` dropout masks and without dropout; computed unless cached.

    They are memory-mapped from the cache, or held in memory if the disk is full. If neither has room, a warning is
    logged and None returned.
    """
    tokenised, cache = Tokenised.from_texts(encoder, texts), Cache()
    keys = _keys(encoder, cut, tokenised, masks, seed)
    found = {key: kept["states"] for key in keys if (kept := cache.get(key, mapped=True)) is not None}
    missing = [view for view, key in enumerate(keys) if key not in found]
    if missing:
        each = int(tokenised.lengths.sum()) * cut.dim * 4
        on_disk = len(missing) * each < cache.room() and each < available_memory()
        if not on_disk and len(missing) * each > available_memory():
            log.warning(
                "The frozen layers run in every step: caching their output takes %.1f GB per view, but only "
                "%.1f GB of memory and %.1f GB of disk are left; give fewer --cached-views.",
                each / 2**30, available_memory() / 2**30, cache.room() / 2**30,
            )  # fmt: skip
            return None
        log.info(
            "The first %d of %d layers are frozen; they encode %d passages in %d views, once per run (%.1f MB %s).",
            cut.layers, len(cut.stack), len(texts), len(missing), len(missing) * each / 2**20,
            "on disk" if on_disk else "in memory",
        )  # fmt: skip
    for view in missing:
        states = _compute_states(encoder, cut, tokenised, seed, view if view < masks else None)
        if on_disk:
            cache.put(keys[view], {"states": states})
            states = (cache.get(keys[view], mapped=True) or {"states": states})["states"]
        found[keys[view]] = states
    return TokenStates(texts, tokenised.starts, [found[key] for key in keys])


def _keys(encoder: Encoder, cut: Cut, tokenised: Tokenised, masks: int, seed: int) -> list[str]:
    """Cache key of each view; the view without dropout is last and does not depend on the seed."""
    tokens = [{name: tensor.cpu().numpy() for name, tensor in batch.items()} for batch in tokenised.features]
    frozen = key_of(encoder, cut.weights_below(), model=cut.description, what="token states", tokens=tokens)
    return [digest(frozen=frozen, **view) for view in [*({"seed": seed, "mask": m} for m in range(masks)), {}]]


@torch.inference_mode()
def _compute_states(encoder: Encoder, cut: Cut, tokenised: Tokenised, seed: int, view: int | None) -> States:
    """One view of all texts; without dropout if `view` is None."""
    was_training = encoder.training
    encoder.train(view is not None)
    if view is not None:
        begin_view(seed, view)
    starts = tokenised.starts
    flat = np.empty((starts[-1], cut.dim), dtype=np.float32)
    for batch, features in zip(tokenised.batches, tokenised.features, strict=True):
        with encoder.autocast(enabled=view is not None):
            hidden, layout = cut.run_below(features)
        states = hidden[0].float().cpu().numpy()
        for text, at in _text_offsets(layout):
            begin, end = starts[batch[text]], starts[batch[text] + 1]
            flat[begin:end] = states[at : at + end - begin]
    encoder.train(was_training)
    return flat


def _text_offsets(layout: Layout) -> list[tuple[int, int]]:
    """(text, offset in the flat layout) for each text."""
    texts = torch.cat(layout.rows).tolist()
    tokens = np.repeat([block.tokens for block in layout.blocks], [block.texts for block in layout.blocks])
    return list(zip(texts, (np.cumsum(tokens) - tokens).tolist(), strict=True))
