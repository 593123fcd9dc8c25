"""An encoder of the same shape that knows nothing: the transformer's weights drawn anew, all heads left out."""

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from torch import nn
from transformers import AutoModel

from topores.backbones.encoder import Encoder


def why_not_untrained(model: SentenceTransformer) -> str | None:
    """Why no encoder of the same shape can be made, or None."""
    first = next(iter(model), None)
    return None if isinstance(first, Transformer) else "the model is no transformer whose shape could be taken"


def untrained_like(encoder: Encoder, seed: int) -> Encoder:
    """The transformer of `encoder` as its configuration would draw it before any training, and its pooling.

    Args:
        encoder: It is used up: its transformer is replaced.
        seed: Decides the weights; the process's own generator stays as it is.
    """
    modules: list[nn.Module] = [m for m in encoder.model if isinstance(m, Transformer | Pooling | Normalize)]
    transformer = modules[0]
    assert isinstance(transformer, Transformer)  # why_not_untrained says so
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = AutoModel.from_config(transformer.model.config, attn_implementation="sdpa")
    transformer.model = fresh.to(encoder.model.device).eval()
    return Encoder(SentenceTransformer(modules=modules, device=str(encoder.model.device)).eval())
