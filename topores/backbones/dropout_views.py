"""Cached views: what the frozen layers of an encoder give under a few dropout masks, and which of them a text shows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from topores.backbones import ENCODING
from topores.backbones.encoder import Encoder
from topores.compute.keys import code_version, digest

TEXTS_AT_ONCE = 64


def drawn(texts: Sequence[str], count: int) -> Int[Tensor, " texts"]:
    """Which of `count` views each text shows.

    torch's generator decides where a text begins; given twice or more, it goes on to the next, so that none is repeated
    before all were shown.
    """
    begin = torch.randint(count, (len(texts),)).tolist()
    met: dict[str, int] = {}
    times: dict[str, int] = defaultdict(int)
    views = []
    for text, first in zip(texts, begin, strict=True):
        views.append((met.setdefault(text, first) + times[text]) % count)
        times[text] += 1
    return torch.tensor(views)


def begin_view(seed: int, view: int) -> None:
    """Set torch's generator to where the dropout masks of a view begin."""
    torch.manual_seed(int(np.random.SeedSequence([seed, view]).generate_state(1, np.uint64)[0]))


def batches_by_length(texts: Sequence[str]) -> list[list[int]]:
    """The places of all texts, so that texts of like length are computed together."""
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    return [order[i : i + TEXTS_AT_ONCE] for i in range(0, len(order), TEXTS_AT_ONCE)]


def key_of(encoder: Encoder, weights: Iterable[tuple[str, Tensor]], *, model: str, **parts: Any) -> str:
    """The cache's key of what frozen layers give.

    Args:
        encoder: The layers are its own, or all that it has.
        weights: Of the frozen layers, by name.
        model: The frozen layers in words.
        parts: What else decides the result, such as texts and view.
    """
    return digest(
        **parts,
        weights={name: _bits(tensor) for name, tensor in weights},
        own=repr([(module, module.get_config_dict()) for module in encoder.own_modules]),
        precision=encoder.precision, model=model, device=encoder.model.device.type,
        code=code_version(*ENCODING),
    )  # fmt: skip


def _bits(tensor: Tensor) -> list[Any]:
    # numpy knows no bfloat16.
    bits = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return [str(tensor.dtype), list(tensor.shape), bits.numpy()]
