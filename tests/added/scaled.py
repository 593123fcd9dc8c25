"""An encoder with a module of its own: one learned factor for each dimension of the frozen embedding."""

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Module

from topores.backbones.encoder import Encoder
from topores.backbones.loading import load_base

LEARNING_RATE = 1e-2
BATCH_SIZE = 16


class Scale(Module):
    """h -> factors * h."""

    config_keys = ["dim"]  # noqa: RUF012

    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.factors = torch.nn.Parameter(torch.ones(dim))

    def forward(self, features):
        return {**features, "sentence_embedding": features["sentence_embedding"] * self.factors}

    def save(self, output_path, *_, safe_serialization=True, **__):
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path, subfolder="", **_):
        made = cls(**cls.load_config(model_name_or_path, subfolder=subfolder))
        return cls.load_torch_weights(model_name_or_path, subfolder=subfolder, model=made)


def build(config, device):
    base = load_base(config.model, device).requires_grad_(False)
    model = SentenceTransformer(modules=[*base, Scale(base.get_embedding_dimension())], device=device)
    return Encoder(model.eval(), precision=config.precision)
