"""OFT: each linear layer's inputs are rotated block by block; its weight is frozen."""

import math
from collections.abc import Mapping

from peft import OFTConfig
from torch import nn

from topores.backbones.adapted import AdaptedEncoder, with_adapters
from topores.config import TrainConfig
from topores.errors import InputError, UsageError
from topores.forward.layers import Linear

LEARNING_RATE = 1e-3
BATCH_SIZE = 32
CANNOT_CHANGE = "lengths of the neurons of each layer, and the angles between them; no other weight"


def build(config: TrainConfig, device: str) -> AdaptedEncoder:
    """The base model of `config` with W R for each weight W of the linear layers in the chosen layers.

    R is orthogonal, block-diagonal with blocks of `rank` dimensions, and starts as the identity. All rows of W,
    the neurons, are rotated together, so their lengths, the angles between them and their hyperspherical energy cannot
    change.

    Source:
        Qiu et al. 2023, eq. 4, https://arxiv.org/abs/2306.07280.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or is not a transformer of plain linear
            layers.
        UsageError: The block size does not divide the width, or a layer does not exist.
    """

    size = config.encoder_options.rank

    def configure(linears: Mapping[str, Linear]) -> OFTConfig:
        plain = [linear for linear in linears.values() if isinstance(linear, nn.Linear)]
        if len(plain) < len(linears):
            raise InputError(f"'{config.model}' has Conv1D layers, which OFT does not know; give --encoder lora.")
        _check_blocks(size, math.gcd(*(linear.in_features for linear in plain)))
        # The exact Cayley map: the series that peft uses by default is orthogonal only to a few digits.
        return OFTConfig(oft_block_size=size, use_cayley_neumann=False, target_modules=list(linears))

    return with_adapters(config, device, configure, cannot_change=CANNOT_CHANGE)


def _check_blocks(size: int, width: int) -> None:
    """
    Raises:
        UsageError: Blocks of `size` do not divide `width`, or have one dimension, which cannot be rotated.
    """
    if size > 1 and width % size == 0:
        return
    fits = [divisor for divisor in range(2, width + 1) if width % divisor == 0]
    near = sorted(fits, key=lambda divisor: abs(divisor - size))[:2]
    remedy = f"give {' or '.join(map(str, sorted(near)))}" if near else "choose another encoder"
    raise UsageError(f"--rank is {size}, but {width} inputs cannot be rotated in blocks of {size}; {remedy}.")
