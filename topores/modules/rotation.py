"""A rotation of T1 alone: the embeddings of T2 stay where they are."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from sentence_transformers.sentence_transformer.modules import Router
from torch import Tensor, nn
from torch.nn.utils.parametrizations import orthogonal

from topores.modules.heads import Head, affine


class Rotation(Head):
    """z = Q h for passages of T1, z = h for those of T2, with Q orthogonal; Q starts as the identity.

    A rotation of both texts would leave every cosine as it is, so its gradient would be zero. Within each text nothing
    can change: distances, loops and clusters of t1 and of t2 are those of the base model, whatever Q is.

    A checkpoint has a stock router in its place: `SentenceTransformer(path).encode(texts, task="t1")` rotates, "t2"
    does not.

    Source:
        Lezcano-Casado 2019, trivializations, https://arxiv.org/abs/1909.09501 (Q is a Cayley map).

    Args:
        dim: Dimensions of the embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.forward_kwargs = dim, {"task"}
        turn = nn.Linear(dim, dim, bias=False)
        nn.init.eye_(turn.weight)
        self.turn = orthogonal(turn, orthogonal_map="cayley")

    def forward(self, features: Mapping[str, Any], task: str | None = None, **_: Any) -> dict[str, Any]:
        # In bf16 the turn would no longer be orthogonal.
        with torch.autocast(features["sentence_embedding"].device.type, enabled=False):
            rows, from_t1 = features["sentence_embedding"].to(self.matrix.dtype), features.get("from_t1")
            if from_t1 is None:
                return {**features, "sentence_embedding": self.turn(rows) if task == "t1" else rows}
            return {**features, "sentence_embedding": torch.where(from_t1[:, None], self.turn(rows), rows)}

    @property
    def matrix(self) -> Float[Tensor, "dim dim"]:
        """Q."""
        weight: Tensor = self.turn.weight  # type: ignore[assignment]  # the parametrised weight, computed on access
        return weight

    @matrix.setter
    def matrix(self, orthogonal: Float[Tensor, "dim dim"]) -> None:
        with torch.no_grad():
            self.turn.weight = orthogonal

    @torch.no_grad()
    def stock(self) -> Router:
        """A router with the routes t1 (rotated) and t2 (unchanged, and the default)."""
        return Router({"t1": [affine(self.matrix)], "t2": [affine(torch.eye(self.dim))]}, default_route="t2")
