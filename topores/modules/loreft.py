"""LoReFT: a change of the representation within a subspace of few dimensions; the weights stay as they are."""

from collections.abc import Mapping
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

    R has orthonormal rows, which span the subspace that may change: there R z = W h + b, and outside z = h. On the mean
    of a text's tokens this equals the same intervention on each of its tokens in the last layer. W starts as R and b as
    0, so nothing is changed before training.

    Source:
        Wu et al. 2024, eq. 2, https://arxiv.org/abs/2404.03592.

    Args:
        dim: Dimensions of the embedding.
        rank: Dimensions of the subspace.
    """

    config_keys: list[str] = ["dim", "rank"]  # noqa: RUF012  # as sentence-transformers declares it

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.dim, self.rank = dim, rank
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

    def forward(self, features: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        # In bf16 the rows of R would no longer be orthonormal.
        with torch.autocast(features["sentence_embedding"].device.type, enabled=False):
            rows = self.rows
            hidden = features["sentence_embedding"].to(rows.dtype)
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
        """Condition number of W R^T, the only part of the map that can be singular; infinite if it is."""
        return float(torch.linalg.cond((self.source.weight @ self.rows.T).double()))
