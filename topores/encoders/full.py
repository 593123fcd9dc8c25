"""Full fine-tuning: every weight of a sentence-transformers model is trained."""

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.config import TrainConfig

LEARNING_RATE = 4e-5
BATCH_SIZE = 32


def build(config: TrainConfig, device: str) -> Encoder:
    """The encoder on the base model of `config`.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return open_model(config.model, device, precision=config.precision)
