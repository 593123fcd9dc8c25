"""Full fine-tuning: every weight of a sentence-transformers model is trained."""

from topores.backbones.base import base_of
from topores.backbones.encoder import Encoder
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig

LEARNING_RATE = 4e-5
BATCH_SIZE = 32


def build(config: TrainConfig, device: str) -> Encoder:
    """The encoder on the base model of `config`.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    keep_freed_memory()
    return Encoder(base_of(config, device), precision=config.precision)
