"""Full fine-tuning: every weight of a sentence-transformers model is trained."""

from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.encoders._base import load_base
from topores.encoders._encoder import Encoder
from topores.encoders._head import by_side

__all__ = ["Encoder", "build", "open_model"]

LEARNING_RATE = 4e-5
BATCH_SIZE = 32


def build(config: TrainConfig, device: str) -> Encoder:
    """The encoder on the base model of `config`.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return open_model(config.model, device, precision=config.precision)


def open_model(model: str, device: str, *, precision: str = "fp32") -> Encoder:
    """Any model as an encoder: a folder, a checkpoint of whatever encoder, a hub id, or the packaged MiniLM.

    Args:
        precision: 'fp32', or 'bf16' for the linear layers in training.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    keep_freed_memory()
    return Encoder(by_side(load_base(model, device)), precision=precision)
