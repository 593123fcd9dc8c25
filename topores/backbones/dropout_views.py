"""Cached views: outputs of an encoder's frozen layers under a few dropout masks, and the choice among them."""

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
PROBE = "The trial found fewer deaths in the treated group, but the interval was wide."


def draw_views(texts: Sequence[str], count: int, generator: torch.Generator | None = None) -> Int[Tensor, " texts"]:
    """The index of the cached view, out of `count`, that each text gets.

    The generator, torch's own if none is given, decides the first view of a text. A repeated text gets the next view
    each time, so that no view is used again before all have been used.
    """
    begin = torch.randint(count, (len(texts),), generator=generator).tolist()
    met: dict[str, int] = {}
    times: dict[str, int] = defaultdict(int)
    views = []
    for text, first in zip(texts, begin, strict=True):
        views.append((met.setdefault(text, first) + times[text]) % count)
        times[text] += 1
    return torch.tensor(views)


def begin_view(seed: int, view: int) -> None:
    """Seed torch's generator for the dropout masks of a view."""
    torch.manual_seed(int(np.random.SeedSequence([seed, view]).generate_state(1, np.uint64)[0]))


@torch.no_grad()
def has_dropout(encoder: Encoder) -> bool:
    """Whether two views of a text differ. Decided by trying it: dropout has many names in third-party models."""
    was_training = encoder.training
    encoder.train()
    # The generator of the process is left as it is.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = encoder([PROBE] * 2, ["t1"] * 2)
    encoder.train(was_training)
    return not torch.allclose(first, second, atol=1e-5)


def batches_by_length(texts: Sequence[str]) -> list[list[int]]:
    """Indices of all texts in batches of similar length."""
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    return [order[i : i + TEXTS_AT_ONCE] for i in range(0, len(order), TEXTS_AT_ONCE)]


def key_of(encoder: Encoder, weights: Iterable[tuple[str, Tensor]], *, model: str, **parts: Any) -> str:
    """Cache key of the outputs of frozen layers.

    Args:
        encoder: The encoder that the layers belong to.
        weights: Names and values of the weights of the frozen layers.
        model: Description of the frozen layers.
        parts: Everything else that determines the result, such as texts and view.
    """
    return digest(
        **parts,
        weights={name: _bits(tensor) for name, tensor in weights},
        own=repr([(module, module.get_config_dict()) for module in encoder.own_modules]),
        precision=encoder.precision, model=model, device=encoder.model.device.type,
        code=code_version(*ENCODING),
    )  # fmt: skip


def _bits(tensor: Tensor) -> list[Any]:
    # As bytes, since numpy has no bfloat16.
    bits = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return [str(tensor.dtype), list(tensor.shape), bits.numpy()]
