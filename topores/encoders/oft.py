"""OFT: each linear layer's inputs are rotated block by block, and its weight is not changed."""

import math
from collections.abc import Mapping

from peft import OFTConfig
from torch import nn

from topores.backbones.adapted import AdaptedEncoder, with_adapters
from topores.config import TrainConfig
from topores.errors import UsageError

LEARNING_RATE = 1e-3
BATCH_SIZE = 32
CANNOT_CHANGE = "lengths of the neurons of each layer, and the angles between them; no other weight"


def build(config: TrainConfig, device: str) -> AdaptedEncoder:
    """The base model of `config` with W R for each weight W of the linear layers in the chosen layers.

    R is orthogonal, of blocks of `rank` dimensions each, and starts as the identity. All rows of W, the
    neurons, are turned alike: their lengths and the angles between them cannot change, nor can their
    hyperspherical energy.

    Source:
        Qiu et al. 2023, eq. 4, https://arxiv.org/abs/2306.07280.

    Raises:
        InputError: The model is neither installed nor reachable, damaged, or no transformer.
        UsageError: Blocks of that size do not fill the width, or a layer is not there.
    """

    size = config.encoder_options.rank

    def configure(linears: Mapping[str, nn.Linear]) -> OFTConfig:
        _check_blocks(size, math.gcd(*(linear.in_features for linear in linears.values())))
        # Cayley's map itself: the series that peft takes by default is orthogonal to a few digits only.
        return OFTConfig(oft_block_size=size, use_cayley_neumann=False, target_modules=list(linears))

    return with_adapters(config, device, configure, cannot_change=CANNOT_CHANGE)


def _check_blocks(size: int, width: int) -> None:
    """Whether blocks of `size` fill `width` dimensions.

    Raises:
        UsageError: They do not, or a block is a single dimension, which cannot be rotated.
    """
    if size > 1 and width % size == 0:
        return
    fits = [divisor for divisor in range(2, width + 1) if width % divisor == 0]
    near = sorted(fits, key=lambda divisor: abs(divisor - size))[:2]
    remedy = f"give {' or '.join(map(str, sorted(near)))}" if near else "choose another encoder"
    raise UsageError(f"--rank is {size}, and blocks of {size} do not rotate {width} inputs; {remedy}.")
