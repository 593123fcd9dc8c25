"""A randomly initialised encoder of the same architecture, without heads."""

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from torch import nn
from transformers import AutoModel

from topores.backbones.encoder import Encoder


def why_not_untrained(model: SentenceTransformer) -> str | None:
    """The reason why no untrained encoder of this architecture can be made, or None."""
    first = next(iter(model), None)
    return None if isinstance(first, Transformer) else "the model does not start with a transformer"


def untrained_like(encoder: Encoder, seed: int) -> Encoder:
    """The transformer of `encoder` with freshly initialised weights, and its pooling.

    Args:
        encoder: Consumed: its transformer is replaced.
        seed: Seed of the weights; the state of the process's generator is restored.
    """
    modules: list[nn.Module] = [m for m in encoder.model if isinstance(m, Transformer | Pooling | Normalize)]
    transformer = modules[0]
    assert isinstance(transformer, Transformer)  # checked by why_not_untrained
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = AutoModel.from_config(transformer.model.config, attn_implementation="sdpa")
    transformer.model = fresh.to(encoder.model.device).eval()
    return Encoder(SentenceTransformer(modules=modules, device=str(encoder.model.device)).eval())
