"""Heads on the pooled embedding, and the stock modules of sentence-transformers that can stand for them."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Module, Pooling, Router, StaticEmbedding
from torch import Tensor, nn

from topores.domain import SIDES
from topores.forward.packable import Packable
from topores.forward.routes import has_route_by_side
from topores.forward.settings import with_modules

LOCATION = ("subfolder", "token", "cache_folder", "revision", "local_files_only")
"""Arguments of a module's `load` that say where its files are."""


@runtime_checkable
class Replaceable(Protocol):
    """A module that stock modules can stand for."""

    def stock(self) -> Module:
        """A module of sentence-transformers that computes the same, to rounding."""


class Head(Packable, Module):
    """A module on 'sentence_embedding' (texts, dim) that stock modules can stand for.

    Checkpoints of runs hold the stock module, so that they load without `trust_remote_code`. Saved as it is, a head
    keeps its own options and weights; a subclass names the arguments of its constructor in `config_keys`.
    """

    config_keys: list[str] = ["dim"]  # noqa: RUF012  # as sentence-transformers declares it

    dim: int
    """Dimensions of the embedding, before and after."""

    @abstractmethod
    def stock(self) -> Module:
        """A module of sentence-transformers that computes the same, to rounding."""

    def save(self, output_path: str, *arguments: Any, safe_serialization: bool = True, **options: Any) -> None:
        del arguments, options
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, *arguments: Any, **options: Any) -> "Head":
        module = super().load(model_name_or_path, *arguments, **options)
        where = {name: options[name] for name in LOCATION if name in options}
        cls.load_torch_weights(model_name_or_path, model=module, **where)
        return module


class BySide(Packable, nn.Module):
    """A router of pooled rows with the routes t1 and t2, for batches of both sides. A checkpoint has the router."""

    def __init__(self, router: Router) -> None:
        super().__init__()
        self.router = router

    def forward(self, features: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        from_t1 = features.get("from_t1")
        if from_t1 is None:
            return self.router(features, **options)
        rows = [self.router(dict(features), task=side)["sentence_embedding"] for side in SIDES]
        return {**features, "sentence_embedding": torch.where(from_t1[:, None], *rows)}


def stock_module(module: nn.Module) -> nn.Module:
    """The stock module that stands for `module` in a checkpoint; `module` itself if there is none."""
    if isinstance(module, BySide):
        return module.router
    return module.stock() if isinstance(module, Replaceable) else module


def with_stock_modules(model: SentenceTransformer) -> SentenceTransformer:
    """A model that computes the same as `model`, of stock modules as far as they can stand for its own."""
    before = list(model)
    modules = [stock_module(module) for module in before]
    if all(now is then for now, then in zip(modules, before, strict=True)):
        return model
    return with_modules(model, modules)


def by_side(model: SentenceTransformer) -> SentenceTransformer:
    """`model`, in which a router of the two sides takes batches of both from now on, if it takes pooled rows.

    One that takes texts or tokens runs once for each side; `Encoder.embed_texts` sees to it.
    """
    pooled = False
    for name, module in model.named_children():
        if pooled and isinstance(module, Router) and has_route_by_side(module):
            setattr(model, name, BySide(module))
        # Static embeddings have no tokens to pool.
        pooled = pooled or isinstance(module, Pooling | StaticEmbedding)
    return model


def plain_routers(model: SentenceTransformer) -> SentenceTransformer:
    """`model` with its routers as `encode(texts, task=...)` takes them; the opposite of `by_side`."""
    if not any(isinstance(module, BySide) for module in model):
        return model
    return with_modules(model, [module.router if isinstance(module, BySide) else module for module in model])


def affine(matrix: Float[Tensor, "rows columns"], shift: Float[Tensor, " rows"] | None = None) -> Dense:
    """h -> M h + c as a stock module; without a bias if there is no c."""
    return Dense(
        matrix.shape[1], len(matrix), bias=shift is not None, activation_function=nn.Identity(),
        init_weight=matrix.detach().clone(), init_bias=None if shift is None else shift.detach().clone(),
    )  # fmt: skip
