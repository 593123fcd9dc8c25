"""Orthonormal rows: torch's own parametrisation is the reference."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal

from topores.modules.orthonormal import with_orthonormal_rows

SHAPES = [(1, 7), (5, 20), (6, 7)]


def both(rank: int, dim: int, dtype: torch.dtype = torch.float64) -> tuple[nn.Linear, nn.Linear]:
    """Ours and torch's, somewhere away from their start."""
    modules = []
    for make in (with_orthonormal_rows, lambda module: orthogonal(module, orthogonal_map="householder")):
        torch.manual_seed(0)
        module = make(nn.Linear(dim, rank, bias=False, dtype=dtype))
        with torch.no_grad():
            module.parametrizations.weight.original += torch.randn(rank, dim, dtype=dtype).triu(1)
        modules.append(module)
    return modules[0], modules[1]


@pytest.mark.parametrize(("rank", "dim"), SHAPES)
def test_rows_and_gradient_are_torchs(rank: int, dim: int) -> None:
    ours, theirs = both(rank, dim)
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-12)
    weights = torch.randn(rank, dim, dtype=torch.float64)
    for module in (ours, theirs):
        (module.weight * weights).sum().backward()
    gradients = [module.parametrizations.weight.original.grad for module in (ours, theirs)]
    assert torch.allclose(*gradients, atol=1e-12)
    assert (gradients[0].tril() == 0).all()
    assert gradients[0].abs().max() > 0


@pytest.mark.parametrize(("rank", "dim"), [*SHAPES, (1, 1), (7, 7)])
def test_rows_that_are_assigned_come_back(rank: int, dim: int) -> None:
    module, _ = both(rank, dim)
    wanted = torch.linalg.qr(torch.randn(dim, rank, dtype=torch.float64))[0].T
    module.weight = wanted
    assert torch.allclose(module.weight, wanted, atol=1e-12)


def test_what_is_not_orthonormal_is_made_so() -> None:
    module, _ = both(3, 8)
    given = torch.randn(3, 8, dtype=torch.float64)
    module.weight = given
    assert torch.allclose(module.weight @ module.weight.T, torch.eye(3, dtype=torch.float64), atol=1e-12)
    assert torch.linalg.matrix_rank(torch.cat([module.weight, given])) == 3


def test_rows_stay_orthonormal_over_many_steps() -> None:
    """In float32, with steps that are large and a decay that has no business there."""
    module, _ = both(4, 16, torch.float32)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.1)
    wanted = torch.randn(4, 16)
    first = (module.weight * wanted).sum().item()
    for _ in range(500):
        optimizer.zero_grad()
        (module.weight * wanted).sum().backward()
        optimizer.step()
    assert (module.weight * wanted).sum().item() < first - 1
    assert (module.weight @ module.weight.T - torch.eye(4)).abs().max() < 1e-5
