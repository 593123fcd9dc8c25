"""The recurrence of RWKV: the base model reads its texts with static decays, a token shift and a bonus."""

from topores.backbones.recurrent import BATCH_SIZE, LEARNING_RATE, RecurrentEncoder, with_recurrence
from topores.config import TrainConfig

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "build"]


def build(config: TrainConfig, device: str) -> RecurrentEncoder:
    """The base model of `config` with the recurrence of RWKV in the place of its softmax attention.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or is not like a BERT.
    """
    return with_recurrence(config, device, "rwkv")
