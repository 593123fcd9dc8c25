"""The base model of a run: opened, with the pooling, the prompts and the dropout that its options name."""

import logging

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dropout, Normalize, Pooling, Transformer

from topores.backbones.loading import load_base
from topores.backbones.sides import read_sides
from topores.config import TrainConfig
from topores.errors import UsageError
from topores.forward.settings import with_modules
from topores.modules.heads import by_side

log = logging.getLogger(__name__)


def base_of(config: TrainConfig, device: str) -> SentenceTransformer:
    """The model that `config` trains, before anything is added to it.

    Raises:
        InputError: The model is neither installed nor reachable, is damaged, or is of a kind that cannot be used.
        UsageError: --pooling is given for a model that has no tokens to pool.
    """
    return finish_base(load_base(config.model, device), config)


def finish_base(model: SentenceTransformer, config: TrainConfig) -> SentenceTransformer:
    """`model` with the pooling, the prompts, the routes and the dropout that `config` names."""
    return by_side(_with_dropout(read_as(model, config), config.dropout))


def read_as(model: SentenceTransformer, config: TrainConfig) -> SentenceTransformer:
    """`model` with the pooling, the prompts and the routes that `config` names."""
    if config.pooling is not None:
        model = _with_pooling(model, config.pooling, config.model)
    return read_sides(model, (config.prompt_1, config.prompt_2), config.model)


def _with_pooling(model: SentenceTransformer, pooling: str, name: str) -> SentenceTransformer:
    modules = list(model)
    found = [place for place, module in enumerate(modules) if isinstance(module, Pooling)]
    if not isinstance(modules[0], Transformer) or not found:
        raise UsageError(f"--pooling is '{pooling}', but '{name}' has no tokens to pool; leave the option out.")
    old = modules[found[0]]
    modules[found[0]] = Pooling(old.embedding_dimension, pooling, include_prompt=old.include_prompt)
    return with_modules(model, modules)


def _with_dropout(model: SentenceTransformer, share: float | None) -> SentenceTransformer:
    """`model` with a stock module that drops a share of the embedding's numbers in training."""
    if not share:
        return model
    modules = list(model)
    after = [modules.pop()] if isinstance(modules[-1], Normalize) else []
    return with_modules(model, [*modules, Dropout(share), *after])
