"""LoReFT: the representation is changed within a subspace of few dimensions, and the weights not at all."""

from typing import Any

import torch
from jaxtyping import Float
from sentence_transformers.sentence_transformer.modules import Dense
from torch import Tensor, nn
from torch.nn.functional import linear

from topores.modules.heads import Head, affine
from topores.modules.orthonormal import with_orthonormal_rows


class LoReFT(Head):
    """z = h + R^T (W h + b - R h), on the pooled embedding h.

    R has orthonormal rows and spans the subspace that may change; in it, R z = W h + b, and nothing changes outside.
    On the pooled embedding it does what the same intervention does on all tokens of the last layer before a mean.
    W starts as R and b as 0, so that nothing is changed before training.

    Source:
        Wu et al. 2024, eq. 2, https://arxiv.org/abs/2404.03592.

    Args:
        dim: Dimensions of the embedding.
        rank: Dimensions of the subspace.
    """

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.dim = dim
        self.subspace = with_orthonormal_rows(nn.Linear(dim, rank, bias=False))
        self.source = nn.Linear(dim, rank)
        with torch.no_grad():
            self.source.weight.copy_(self.rows)
            self.source.bias.zero_()

    @property
    def rows(self) -> Float[Tensor, "rank dim"]:
        """R."""
        weight: Tensor = self.subspace.weight
        return weight

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        hidden, rows = features["sentence_embedding"], self.rows
        changed = linear(hidden, self.source.weight - rows, self.source.bias)
        return {**features, "sentence_embedding": hidden + changed @ rows}

    @torch.no_grad()
    def stock(self) -> Dense:
        """z = M h + c with M = I + R^T (W - R) and c = R^T b; det M = det(W R^T)."""
        rows = self.rows
        matrix = torch.eye(self.dim, device=rows.device) + rows.T @ (self.source.weight - rows)
        return affine(matrix, rows.T @ self.source.bias)

    @torch.no_grad()
    def condition_number(self) -> float:
        """Of W R^T, the part of the map that can lose something; infinite if it does."""
        return float(torch.linalg.cond((self.source.weight @ self.rows.T).double()))
