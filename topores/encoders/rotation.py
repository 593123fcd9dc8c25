"""A trained rotation of T1 relative to T2: T2's embeddings are unchanged, and T1's are rotated."""

from topores.backbones.pooled_views import BATCH_SIZE, LEARNING_RATE, HeadEncoder, with_head
from topores.config import TrainConfig
from topores.modules.rotation import Rotation

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "build"]

CANNOT_CHANGE = "everything within each text: its distances, clusters and loops"


def build(config: TrainConfig, device: str) -> HeadEncoder:
    """The base model of `config` with a trained rotation of T1.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return with_head(config, device, Rotation, cannot_change=CANNOT_CHANGE)
