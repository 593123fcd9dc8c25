"""A linear head: the frozen encoder's embedding times a square matrix, initialised to the identity."""

import torch

from topores.backbones.pooled_views import BATCH_SIZE, LEARNING_RATE, HeadEncoder, with_head
from topores.config import TrainConfig
from topores.modules.heads import affine

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "build"]

CANNOT_CHANGE = "before normalisation, which passages lie on one line or plane, and in what ratios"


def build(config: TrainConfig, device: str) -> HeadEncoder:
    """The base model of `config` under a linear head.

    The head is sentence-transformers' own `Dense` without bias and activation.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return with_head(config, device, lambda dim: affine(torch.eye(dim)), cannot_change=CANNOT_CHANGE)
