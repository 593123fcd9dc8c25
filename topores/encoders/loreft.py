"""LoReFT: representations are changed within a low-dimensional subspace; all weights are frozen."""

from functools import partial

import torch
from sentence_transformers.sentence_transformer.modules import Transformer

from topores.backbones.base import base_of
from topores.backbones.encoder import Encoder
from topores.backbones.own_modules import is_own
from topores.backbones.pooled_views import BATCH_SIZE, LEARNING_RATE, with_head
from topores.backbones.upper import UpperEncoder
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.errors import InputError, UsageError
from topores.forward.layers import chosen_layers, layer_stack
from topores.modules.intervened import IntervenedTransformer
from topores.modules.loreft import LoReFT
from topores.phrases import Phrase

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "build"]

CANNOT_CHANGE = "before normalisation, the part outside a subspace of dimension {n}"
CANNOT_CHANGE_WITHIN = "every weight; of the hidden states, what lies outside the subspaces that are changed"


def build(config: TrainConfig, device: str) -> Encoder:
    """The base model of `config` with LoReFT, by default on all positions of the last layer.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
        UsageError: The rank is above the width, or a layer does not exist.
    """
    options = config.encoder_options
    if options.layers == "last" and options.positions == "all":
        unchanged = Phrase(CANNOT_CHANGE, n=options.rank)
        return with_head(
            config, device, lambda dim: LoReFT(dim, _check_rank(dim, options.rank)), cannot_change=unchanged
        )
    return with_loreft(config, device)


def _check_rank(dim: int, rank: int) -> int:
    if rank > dim:
        raise UsageError(f"--rank is {rank}, but the embedding has {dim} dimensions; give {dim} or less.")
    return rank


class IntervenedEncoder(UpperEncoder):
    """An encoder that trains only LoReFT interventions within its layers."""

    cannot_change = CANNOT_CHANGE_WITHIN

    # Weight decay would pull towards 0; the neutral intervention is the identity.
    decays = False


def with_loreft(config: TrainConfig, device: str) -> IntervenedEncoder:
    """The base model of `config` with LoReFT on the outputs of its `layers`, at its `positions` of each text.

    Source:
        Wu et al. 2024, eq. 2 and section 3.3, https://arxiv.org/abs/2404.03592.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, is not a transformer, or has LoReFT.
        UsageError: The rank is above the width, or a layer does not exist.
    """
    keep_freed_memory()
    base = base_of(config, device)
    first = base[0]
    if not isinstance(first, Transformer):
        raise InputError(f"'{config.model}' is not a transformer, so its layers cannot be adapted; give one.")
    if is_own(first):
        raise InputError(f"'{config.model}' already has {type(first).__name__}; give the model it was trained from.")
    for parameter in base.parameters():
        parameter.requires_grad = False
    width, options = first.get_embedding_dimension(), config.encoder_options
    if options.rank > width:
        raise UsageError(f"--rank is {options.rank}, but the layers are {width} wide; give {width} or less.")
    _, stack = layer_stack(first.auto_model, config.model)
    ranks = dict.fromkeys(chosen_layers(options.layers, len(stack)), options.rank)
    # A separate generator: earlier draws of the process must not affect the initial weights.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        intervened = IntervenedTransformer.around(first, ranks, options.positions)
    base[0] = intervened
    lowest = min(ranks)
    return IntervenedEncoder(
        base.to(device).eval(), frozen=lowest, entering=partial(intervened.intervene, str(lowest)),
        precision=config.precision,
    )  # fmt: skip
