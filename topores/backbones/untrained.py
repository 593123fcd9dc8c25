"""A randomly initialised encoder of the same architecture, without heads."""

from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from torch import nn

from topores.backbones.encoder import Encoder
from topores.forward.packable import not_packable
from topores.forward.settings import with_modules
from topores.phrases import Phrase


def why_not_untrained(model: SentenceTransformer) -> Phrase | None:
    """The reason why no untrained encoder of this architecture can be made, or None."""
    modules = list(model)
    if not modules or not isinstance(modules[0], Transformer):
        return Phrase("the model does not start with a transformer")
    pooling = next((place for place, module in enumerate(modules) if isinstance(module, Pooling)), 0)
    # A packable transformer keeps all of its own weights in what is replaced; heads after the pooling are left out.
    own = next((found for m in modules[: pooling + 1] if (found := not_packable(m)) is not None), None)
    if own is None:
        return None
    return Phrase("the weights of its {module} cannot be drawn anew", module=type(own).__name__)


def untrained_like(encoder: Encoder, seed: int) -> Encoder:
    """The transformer of `encoder` with freshly initialised weights, and its pooling.

    Args:
        encoder: Consumed: its transformer is replaced.
        seed: Seed of the weights; the state of the process's generator is restored.
    """
    modules: list[nn.Module] = [m for m in encoder.model if isinstance(m, Transformer | Pooling | Normalize)]
    transformer = modules[0]
    assert isinstance(transformer, Transformer)  # checked by why_not_untrained
    # Its own class: the registry of transformers has the whole encoder-decoder for T5, and MPNet lacks sdpa.
    old: Any = transformer.model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = type(old)._from_config(old.config, attn_implementation=old.config._attn_implementation)
    transformer.model = fresh.to(encoder.model.device).eval()
    return Encoder(with_modules(encoder.model, modules).eval())
