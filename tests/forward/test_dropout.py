"""The cheap dropout behaves like torch's dropout, and depends only on torch's seed."""

import pytest
import torch
from torch import nn

from topores.forward.dropout import CheapDropout, use_cheap_dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_share_and_scale_are_those_of_dropout(p: float) -> None:
    torch.manual_seed(0)
    dropped = CheapDropout(p)(torch.ones(1000, 1003))
    kept = dropped[dropped > 0]
    assert len(kept) / dropped.numel() == pytest.approx(1 - p, abs=3e-3)
    assert kept.unique().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    # No row or column is favoured: binomial counts within five standard deviations.
    for counts in ((dropped == 0).sum(dim=0), (dropped == 0).sum(dim=1)):
        assert (counts - 1000 * p).abs().max() < 6 * (1003 * p * (1 - p)) ** 0.5 + 3


def test_the_mean_is_kept_and_neighbours_are_independent() -> None:
    torch.manual_seed(1)
    dropped = CheapDropout(0.25)(torch.ones(2_000_000))
    assert dropped.mean().item() == pytest.approx(1, abs=2e-3)
    both = ((dropped[1:] == 0) & (dropped[:-1] == 0)).float().mean().item()
    assert both == pytest.approx(0.25**2, abs=1e-3)


def test_the_gradient_passes_where_the_value_did() -> None:
    x = torch.randn(40, 7, requires_grad=True)
    dropped = CheapDropout(0.3)(x)
    dropped.sum().backward()
    assert torch.equal(x.grad != 0, dropped != 0)
    assert torch.allclose(dropped, x.grad * x)


def test_torchs_seed_decides_and_two_calls_differ() -> None:
    x, dropout = torch.ones(999), CheapDropout(0.5)
    torch.manual_seed(3)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(3)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("p", "value"), [(0.0, 1.0), (1.0, 0.0)])
def test_all_or_nothing(p: float, value: float) -> None:
    assert torch.equal(CheapDropout(p)(torch.ones(5)), torch.full((5,), value))


def test_without_training_nothing_is_dropped() -> None:
    x = torch.randn(9)
    assert torch.equal(CheapDropout(0.5).eval()(x), x)


def test_dropouts_of_a_model_are_exchanged_wherever_they_are() -> None:
    model = nn.Sequential(nn.Dropout(0.1), nn.ModuleDict({"inner": nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.2))}))
    names = list(model.state_dict())
    use_cheap_dropout(model.eval())
    found = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    assert [type(m) for m in found] == [CheapDropout, CheapDropout]
    assert [m.p for m in found] == [0.1, 0.2]
    assert not any(m.training for m in found)
    assert list(model.state_dict()) == names
