"""Matrices with orthonormal rows, as a parametrisation that any optimizer may step in."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

Rows = Float[Tensor, "rank dim"]


class Reflections(nn.Module):
    """R = (B H_1 ... H_r E)^T: the first r axes E, reflected, then rotated by a fixed orthogonal B.

    Each reflection H_i = I - 2 v_i v_i^T / |v_i|^2 has v_i = (0, ..., 0, 1, free numbers). Where these are all 0, R is
    the matrix that was assigned. The result is that of torch's `orthogonal(..., "householder")`, but the product
    is taken as I - V T V^T, whose gradient needs three small products and a tenth of the time.

    Source:
        Trivialisations: Lezcano-Casado 2019, https://arxiv.org/abs/1909.09501. The product: Joffrain et al. 2006,
        Accumulating Householder Transformations, Revisited, theorem 2 (T^-1 is the upper triangle of V^T V, its
        diagonal halved), https://doi.org/10.1145/1141885.1141886.
    """

    base: Tensor
    """B (dim, dim)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("base", torch.eye(dim))

    def forward(self, free: Rows) -> Rows:
        """R from the entries of `free` above the diagonal; the others are ignored."""
        rank, dim = free.shape
        axes = torch.eye(dim, rank, dtype=free.dtype, device=free.device)
        vectors = free.T.tril(-1) + axes
        products = vectors.T @ vectors
        inverse = products.triu(1) + torch.diag(products.diagonal() / 2)
        reflected = vectors @ torch.linalg.solve_triangular(inverse, vectors[:rank].T, upper=True) - axes
        return (self.base @ reflected).T

    @torch.no_grad()
    def right_inverse(self, rows: Rows) -> Rows:
        """Free numbers for which `forward` gives `rows`; rows that are not orthonormal are made so."""
        rank, dim = rows.shape
        filled = torch.cat([rows.T, torch.randn(dim, dim - rank, dtype=rows.dtype, device=rows.device)], dim=1)
        base, scale = torch.linalg.qr(filled)
        self.base = base * scale.diagonal().sign()
        return torch.zeros_like(rows)


def with_orthonormal_rows(module: nn.Linear) -> nn.Linear:
    """`module` with a weight whose rows are orthonormal from now on, whatever an optimizer does."""
    register_parametrization(module, "weight", Reflections(module.in_features), unsafe=True)
    return module
