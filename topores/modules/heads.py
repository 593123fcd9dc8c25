"""Heads on the pooled embedding, and the modules of sentence-transformers that a checkpoint has in their place."""

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Module, Router
from torch import Tensor, nn

from topores.domain import SIDES


class Head(Module):
    """A module on 'sentence_embedding' (texts, dim) that stock modules can stand for.

    sentence-transformers loads no classes of others unless it is told to trust them, so a checkpoint has none.
    """

    dim: int
    """Dimensions of the embedding, before and after."""

    @abstractmethod
    def stock(self) -> Module:
        """A module of sentence-transformers that does what this one does, to rounding."""

    def save(self, output_path: str, *arguments: Any, **options: Any) -> None:
        self.stock().save(output_path, *arguments, **options)


class BySide(nn.Module):
    """A router with the routes t1 and t2, for batches in which both sides occur."""

    def __init__(self, router: Router) -> None:
        super().__init__()
        self.router = router

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        from_t1 = features.get("from_t1")
        if from_t1 is None:
            return self.router(features, **options)
        rows = [self.router(dict(features), task=side)["sentence_embedding"] for side in SIDES]
        return {**features, "sentence_embedding": torch.where(from_t1[:, None], *rows)}


def with_stock_heads(model: SentenceTransformer) -> SentenceTransformer:
    """The same model as a checkpoint has it."""
    modules = [module.stock() if isinstance(module, Head) else module for module in model]
    return SentenceTransformer(modules=modules, device=str(model.device))


def by_side(model: SentenceTransformer) -> SentenceTransformer:
    """`model`, a router of the two sides in it now taking batches of both."""
    for name, module in model.named_children():
        if isinstance(module, Router) and set(module.sub_modules) == set(SIDES):
            setattr(model, name, BySide(module))
    return model


def affine(matrix: Float[Tensor, "dim dim"], shift: Float[Tensor, " dim"] | None = None) -> Dense:
    """h -> M h + c as a stock module; without a bias if there is no c."""
    dim = len(matrix)
    return Dense(
        dim, dim, bias=shift is not None, activation_function=nn.Identity(),
        init_weight=matrix.detach().clone(), init_bias=None if shift is None else shift.detach().clone(),
    )  # fmt: skip
