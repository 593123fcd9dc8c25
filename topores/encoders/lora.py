"""LoRA: a trained low-rank matrix is added to each linear layer's frozen weight."""

import logging
from collections.abc import Mapping

from peft import LoraConfig

from topores.backbones.adapted import AdaptedEncoder, with_adapters
from topores.config import TrainConfig
from topores.errors import UsageError
from topores.forward.layers import Linear
from topores.phrases import Phrase

log = logging.getLogger(__name__)

LEARNING_RATE = 4e-4
BATCH_SIZE = 32

CANNOT_CHANGE = "of each linear layer's weight, all but a change of rank {n}; no other weight"


def build(config: TrainConfig, device: str) -> AdaptedEncoder:
    """The base model of `config` with W + 2 B A for each weight W of the linear layers in the chosen layers.

    B starts at zero, so the model is unchanged before training. The change of a weight always has rank at most
    `rank`.

    Source:
        Hu et al. 2021, eq. 3 (with alpha = 2 r), https://arxiv.org/abs/2106.09685.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or is not a transformer.
        UsageError: The rank is above the width, or a layer does not exist.
    """

    rank = config.encoder_options.rank

    def configure(linears: Mapping[str, Linear]) -> LoraConfig:
        widths = {name: min(linear.weight.shape) for name, linear in linears.items()}
        width, wide_enough = max(widths.values()), [name for name, own in widths.items() if own >= rank]
        if rank > width:
            raise UsageError(f"--rank is {rank}, but the layers are {width} wide; give {width} or less.")
        if len(wide_enough) < len(widths):
            narrow = len(widths) - len(wide_enough)
            log.info("%d of %d linear layers are narrower than rank %d and stay frozen.", narrow, len(widths), rank)
        # No adapter dropout: the base model's dropout makes the two views.
        return LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=wide_enough)

    return with_adapters(config, device, configure, cannot_change=Phrase(CANNOT_CHANGE, n=rank))
