"""LoReFT: the representation is changed within a subspace of few dimensions, and the weights not at all."""

from functools import partial

import torch
from sentence_transformers.sentence_transformer.modules import Transformer

from topores.backbones.encoder import Encoder
from topores.backbones.loading import load_base
from topores.backbones.pooled_views import BATCH_SIZE, LEARNING_RATE, with_head
from topores.backbones.upper import UpperEncoder
from topores.compute.memory import keep_freed_memory
from topores.config import TrainConfig
from topores.errors import InputError, UsageError
from topores.forward.layers import chosen_layers, layer_stack
from topores.modules.heads import by_side
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
        UsageError: The rank is above the width, or a layer is not there.
    """
    if config.layers in (None, "last") and config.positions == "all":
        unchanged = Phrase(CANNOT_CHANGE, n=config.rank)
        return with_head(config, device, lambda dim: LoReFT(dim, _within(dim, config.rank)), cannot_change=unchanged)
    return with_loreft(config, device)


def _within(dim: int, rank: int) -> int:
    if rank > dim:
        raise UsageError(f"--rank is {rank}, but the embedding has {dim} dimensions; give {dim} or less.")
    return rank


class IntervenedEncoder(UpperEncoder):
    """An encoder of which LoReFT within its layers is trained, and nothing else."""

    cannot_change = CANNOT_CHANGE_WITHIN

    # Zero is no map that an intervention should be drawn to.
    decays = False


def with_loreft(config: TrainConfig, device: str) -> IntervenedEncoder:
    """The base model of `config` with LoReFT on the outputs of `config.layers`, at `config.positions` of each text.

    Source:
        Wu et al. 2024, eq. 2 and section 3.3, https://arxiv.org/abs/2404.03592.

    Raises:
        InputError: The model is neither installed nor reachable, damaged, or no transformer; or it has LoReFT already.
        UsageError: The rank is above the width, or a layer is not there.
    """
    keep_freed_memory()
    base = by_side(load_base(config.model, device))
    first = base[0]
    if not isinstance(first, Transformer):
        raise InputError(f"'{config.model}' is no transformer, whose layers could be changed; give one.")
    if isinstance(first, IntervenedTransformer):
        raise InputError(f"'{config.model}' has LoReFT in its layers already; give the model it was made from.")
    for parameter in base.parameters():
        parameter.requires_grad = False
    width = first.get_embedding_dimension()
    if config.rank > width:
        raise UsageError(f"--rank is {config.rank}, but the layers are {width} wide; give {width} or less.")
    _, stack = layer_stack(first.auto_model, config.model)
    ranks = dict.fromkeys(chosen_layers(config.layers or "last", len(stack)), config.rank)
    # Own generator: what the process drew before must not decide where training starts.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        intervened = IntervenedTransformer.around(first, ranks, config.positions)
    base[0] = intervened
    lowest = min(ranks)
    return IntervenedEncoder(
        base.to(device).eval(), frozen=lowest, entering=partial(intervened.changed, str(lowest)),
        precision=config.precision,
    )  # fmt: skip
