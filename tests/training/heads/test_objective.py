"""A cycle's losses and gradients against those of torch's graph, and what they must not depend on."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrizations import orthogonal

from topores.config import LOSSES
from topores.domain import PAIRINGS
from topores.objectives.four_pairings import four_pairings
from topores.training.heads.objective import HeadObjective, kept_bytes

every_loss = pytest.mark.parametrize("loss", LOSSES)
VIEWS, DIM, RANK = 3, 12, 3
WEIGHTS = {"1to1": 0.5, "2to2": 0.75, "1to2": 1.0, "2to1": 1.25}


class Setting:
    """A bank, an alignment with several partners and none, neighbours, a draw of views, and heads."""

    def __init__(self, n_1=7, n_2=5, seed=0, dim=DIM, dtype=torch.float64, density=0.3, fractional=False):
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        n = n_1 + n_2
        self.bank = (normal(n, dim) + 0.3 * normal(VIEWS, n, dim)).to(dtype)
        weights = torch.rand(n_1, n_2, generator=generator, dtype=torch.float64)
        weights = torch.where(weights < density, weights, 0.0)
        self.alignment = weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-9)
        near = torch.rand(n, n, generator=generator) < 0.05
        self.negative_weights = ~(near | near.T)
        if fractional:
            drawn = torch.rand(n, n, generator=generator, dtype=torch.float64)
            both = torch.where(drawn < 0.7, drawn, 1.0)
            self.negative_weights = torch.where(near | near.T, 0.0, torch.minimum(both, both.T))
        self.first = torch.randint(VIEWS, (n,), generator=generator)
        self.second = (self.first + 1) % VIEWS
        self.layer = orthogonal(nn.Linear(dim, RANK, bias=False, dtype=dtype), orthogonal_map="householder")
        with torch.no_grad():
            self.layer.weight = torch.linalg.qr(normal(dim, RANK))[0].T.to(dtype)
        self.W = self.layer.weight.detach() + 0.2 * normal(RANK, dim).to(dtype)
        self.b = 0.3 * normal(RANK).to(dtype)
        self.M = torch.eye(dim, dtype=dtype) + 0.2 * normal(dim, dim).to(dtype)

    def objective(self, **options):
        options = {"temperature": 0.3, "pairing_weights": WEIGHTS, **options}
        return HeadObjective(self.bank, self.alignment, self.negative_weights, **options)

    def loreft(self, objective):
        return objective.loreft(self.layer.weight, self.W, self.b, self.first, self.second)

    def linear(self, objective):
        return objective.linear(self.M, self.first, self.second)

    def by_graph(self, head, leaves, *, temperature=0.3, loss="infonce", weights=WEIGHTS):
        """Losses of `four_pairings`, and gradients by `leaves` and by the logarithm of the temperature; in float64."""
        passages, n_1 = torch.arange(self.bank.shape[1]), len(self.alignment)
        one, other = (self.bank[drawn, passages] for drawn in (self.first, self.second))
        log_temperature = torch.tensor(math.log(temperature), dtype=torch.float64, requires_grad=True)
        views = [normalize(head(rows), dim=1) for rows in (one[:n_1], other[:n_1], one[n_1:], other[n_1:])]
        losses = four_pairings(
            *views, weights=self.alignment, negative_weights=self.negative_weights,
            temperature=log_temperature.exp(), pairing_weights=weights, loss=loss,
        )  # fmt: skip
        return losses, torch.autograd.grad(losses.total, [*leaves, log_temperature])

    def loreft_by_graph(self, **options):
        """The gradient of R is that of the numbers from which the parametrisation makes it."""
        leaves = [self.layer.parametrizations.weight.original, *(x.clone().requires_grad_() for x in (self.W, self.b))]

        def head(h):
            R = self.layer.weight
            return h + (h @ leaves[1].T + leaves[2] - h @ R.T) @ R

        return self.by_graph(head, leaves, **options)

    def linear_by_graph(self, **options):
        M = self.M.clone().requires_grad_()
        return self.by_graph(lambda h: h @ M.T, [M], **options)

    def passed_on(self, by_R):
        """The gradient of what R is made from."""
        return torch.autograd.grad(self.layer.weight, self.layer.parametrizations.weight.original, by_R)[0]

    def double(self):
        """The same numbers in float64."""
        other = Setting.__new__(Setting)
        other.__dict__ = {
            k: v.double() if getattr(v, "dtype", None) == torch.float32 else v for k, v in vars(self).items()
        }
        dim = self.bank.shape[2]
        other.layer = orthogonal(nn.Linear(dim, RANK, bias=False, dtype=torch.float64), orthogonal_map="householder")
        with torch.no_grad():
            other.layer.weight = torch.linalg.qr(self.layer.weight.double().T)[0].T
            other.layer.parametrizations.weight.original.copy_(self.layer.parametrizations.weight.original)
            other.layer.parametrizations.weight[0].base.copy_(self.layer.parametrizations.weight[0].base)
        return other


def assert_equal_to_graph(cycle, gradients, found, *, within):
    losses, expected = found
    assert cycle.losses.total == pytest.approx(losses.total.item(), rel=within)
    assert cycle.losses.one_minus_p == pytest.approx(losses.one_minus_p.item(), rel=within)
    for name in PAIRINGS:
        assert cycle.losses.by_pairing[name] == pytest.approx(losses.by_pairing[name].item(), rel=within), name
    for ours, theirs in zip(
        [*gradients, torch.tensor(cycle.log_temperature, dtype=torch.float64)], expected, strict=True
    ):
        assert float((ours - theirs).norm()) <= within * max(float(theirs.norm()), 1e-3)


@every_loss
@pytest.mark.parametrize("memory", [0, 2**30], ids=["products of the cycle", "products kept"])
@pytest.mark.parametrize("fractional", [False, True], ids=["excluded or not", "weighted negatives"])
def test_loreft_is_that_of_the_graph(loss, memory, fractional):
    setting = Setting(fractional=fractional)
    objective = setting.objective(loss=loss, memory=memory)
    assert objective.keeps_products == (memory > 0)
    cycle = setting.loreft(objective)
    gradients = [setting.passed_on(cycle.subspace), cycle.source, cycle.bias]
    assert_equal_to_graph(cycle, gradients, setting.loreft_by_graph(loss=loss), within=1e-10)


@every_loss
@pytest.mark.parametrize("dim", [4, 40], ids=["more rows than dimensions", "fewer"])
@pytest.mark.parametrize("fractional", [False, True], ids=["excluded or not", "weighted negatives"])
def test_linear_is_that_of_the_graph(loss, dim, fractional):
    setting = Setting(dim=dim, fractional=fractional)
    cycle = setting.linear(setting.objective(loss=loss))
    assert_equal_to_graph(cycle, [cycle.matrix], setting.linear_by_graph(loss=loss), within=1e-10)


@every_loss
def test_in_float32_it_is_right_to_five_digits(loss):
    setting = Setting(n_1=40, n_2=30, dtype=torch.float32, density=0.05)
    exact = setting.double()
    objective = setting.objective(loss=loss, temperature=0.1)
    cycle = setting.loreft(objective)
    gradients = [exact.passed_on(cycle.subspace.double()), cycle.source, cycle.bias]
    assert_equal_to_graph(cycle, gradients, exact.loreft_by_graph(loss=loss, temperature=0.1), within=1e-5)
    cycle = setting.linear(objective)
    assert_equal_to_graph(cycle, [cycle.matrix], exact.linear_by_graph(loss=loss, temperature=0.1), within=1e-5)


@settings(max_examples=25)
@given(
    n_1=st.integers(1, 6), n_2=st.integers(1, 6), seed=st.integers(0, 1000),
    density=st.sampled_from([0.0, 0.2, 0.6, 1.0]), loss=st.sampled_from(LOSSES),
    temperature=st.sampled_from([0.02, 0.1, 1.0]),
)  # fmt: skip
def test_whatever_the_alignment(n_1, n_2, seed, density, loss, temperature):
    """Among them: no partner for anyone, all partners of all (so no negatives), and one passage a side."""
    setting = Setting(n_1, n_2, seed, density=density)
    options = {"loss": loss, "temperature": temperature}
    cycle = setting.linear(setting.objective(**options))
    # Where the graph's loss is log D - s with D near e^s, its own last digits are what is missing.
    within = 1e-9 if temperature < 0.1 else 1e-10
    losses, (by_M, _) = setting.linear_by_graph(**options)
    assert cycle.losses.total == pytest.approx(losses.total.item(), rel=within, abs=1e-13)
    assert cycle.losses.one_minus_p == pytest.approx(losses.one_minus_p.item(), rel=within, abs=1e-15)
    assert torch.allclose(cycle.matrix, by_M, rtol=within, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_the_temperature_is_too_low_for_the_format_the_graph_steps_in(dtype):
    setting = Setting(dtype=dtype)
    low = 1e-3 if dtype == torch.float32 else 1e-4
    losses, gradients = setting.loreft_by_graph(temperature=low)
    cycle = setting.loreft(setting.objective(temperature=low))
    assert cycle.losses.total == pytest.approx(losses.total.item(), rel=1e-3)
    assert torch.allclose(
        setting.passed_on(cycle.subspace), gradients[0], rtol=1e-3, atol=1e-3 * float(gradients[0].abs().max())
    )
    losses, gradients = setting.linear_by_graph(temperature=low)
    cycle = setting.linear(setting.objective(temperature=low))
    assert cycle.losses.total == pytest.approx(losses.total.item(), rel=1e-3)
    assert torch.allclose(cycle.matrix, gradients[0], rtol=1e-3, atol=1e-3 * float(gradients[0].abs().max()))


@pytest.mark.parametrize("temperature", [0.02, 0.012, 0.009])
def test_a_low_temperature_costs_no_digits(temperature):
    """Its exponentials are beyond float32's range, and are held by their ratio to the greatest there can be."""
    setting = Setting(n_1=30, n_2=30, dtype=torch.float32, density=0.05)
    exact = setting.double()
    cycle = setting.linear(setting.objective(temperature=temperature))
    losses, (by_M, _) = exact.linear_by_graph(temperature=temperature)
    assert cycle.losses.total == pytest.approx(losses.total.item(), rel=1e-5)
    assert float((cycle.matrix - by_M).norm() / by_M.norm()) < 2e-5


def test_one_minus_p_and_the_gradient_live_on_where_p_is_one_in_float32():
    setting = Setting(n_1=30, n_2=30, dim=40, dtype=torch.float32)
    setting.alignment = torch.eye(30, dtype=torch.float64)
    setting.negative_weights = ~torch.eye(60, dtype=torch.bool)
    generator = torch.Generator().manual_seed(5)
    apart = torch.randn(30, 40, generator=generator)
    setting.bank = torch.cat([apart, apart]) + 0.01 * torch.randn(VIEWS, 60, 40, generator=generator)
    cycle = setting.linear(setting.objective(temperature=0.02))
    losses, (by_M, _) = setting.double().linear_by_graph(temperature=0.02)
    assert 0 < losses.one_minus_p.item() < 1e-8
    assert cycle.losses.one_minus_p == pytest.approx(losses.one_minus_p.item(), rel=1e-5)
    assert cycle.losses.total == pytest.approx(losses.total.item(), rel=1e-5)
    assert float((cycle.matrix - by_M).norm() / by_M.norm()) < 1e-5


def test_a_rotation_that_both_texts_share_changes_nothing():
    """So along any turn of M the gradient is 0: M^T dM is symmetric at M = I."""
    setting = Setting()
    setting.M = torch.eye(DIM, dtype=torch.float64)
    by_M = setting.linear(setting.objective()).matrix
    assert float(by_M.abs().max()) > 1e-3
    assert torch.allclose(by_M, by_M.T, atol=1e-14)


@pytest.mark.parametrize("head", ["loreft", "linear"])
def test_the_same_bits_each_time_and_on_any_number_of_threads(head):
    setting = Setting(n_1=60, n_2=70, dtype=torch.float32, density=0.02)
    before, found = torch.get_num_threads(), []
    objective = setting.objective()
    try:
        for threads in (1, 2, 2, 3):
            torch.set_num_threads(threads)
            found.append(getattr(setting, head)(objective))
            found.append(getattr(setting, head)(setting.objective()))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert other.losses == found[0].losses
        assert all(
            torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y
            for x, y in zip(other[1:], found[0][1:], strict=True)
        )


def test_numpy_goes_in_as_well():
    setting = Setting()
    objective = HeadObjective(
        setting.bank.numpy(), setting.alignment.numpy(), setting.negative_weights.numpy(),
        temperature=0.3, pairing_weights=WEIGHTS,
    )  # fmt: skip
    weights = (x.detach().numpy() for x in (setting.layer.weight, setting.W, setting.b))
    cycle = objective.loreft(*weights, setting.first.numpy(), setting.second.numpy())
    assert torch.equal(cycle.source, setting.loreft(setting.objective()).source)


def test_a_cycle_leaves_what_the_one_before_gave():
    setting = Setting()
    objective = setting.objective()
    before = setting.loreft(objective)
    copies = [x.clone() for x in before[1:4]]
    setting.b = setting.b + 1
    setting.loreft(objective)
    assert all(torch.equal(x, y) for x, y in zip(before[1:4], copies, strict=True))


def test_the_temperature_may_be_set_anew():
    setting = Setting()
    objective = setting.objective(temperature=0.05)
    setting.linear(objective)
    objective.temperature = 0.3
    assert setting.linear(objective).losses == setting.linear(setting.objective(temperature=0.3)).losses


def test_memory_is_said_before_it_is_taken():
    assert kept_bytes(4, 400) == 1600 * 1600 * 4
    setting = Setting()
    needed = kept_bytes(VIEWS, 12, 8)
    assert setting.objective(memory=needed).keeps_products
    assert not setting.objective(memory=needed - 1).keeps_products


def test_what_does_not_fit_together_is_refused():
    setting = Setting()
    with pytest.raises(ValueError, match=r"bank has shape \(3, 11, 12\), but alignment is of 12 passages"):
        HeadObjective(setting.bank[:, 1:], setting.alignment)
    with pytest.raises(ValueError, match="convert it to float32 or float64"):
        HeadObjective(setting.bank.half(), setting.alignment)
    with pytest.raises(ValueError, match="pairing_weights names"):
        HeadObjective(setting.bank, setting.alignment, pairing_weights={"1to1": 1})
    with pytest.raises(ValueError, match="Did you mean 'infonce'"):
        HeadObjective(setting.bank, setting.alignment, loss="infonse")
    with pytest.raises(ValueError, match="negative_weights must be symmetric"):
        HeadObjective(setting.bank, setting.alignment, torch.triu(torch.ones(12, 12)))
    with pytest.raises(ValueError, match="views 0 to 3 were asked for; the bank has views 0 to 2"):
        setting.objective().linear(setting.M, np.zeros(12, int), np.full(12, 3))
