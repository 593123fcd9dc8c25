"""The objective as a module: what it asks of the encoder, and its temperature, fixed or learned."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from tests.objectives.fixed_views import FixedViews
from topores.config import LOSSES, PAIRING_WEIGHTS, TrainConfig
from topores.objectives.four_pairings import FourPairings, build, four_pairings
from topores.text.batches import Batch

BATCH = Batch(
    texts_1=("a", "b", "c"),
    texts_2=("x", "y"),
    weights=np.array([[0.3, 0.7], [0.0, 1.0], [0.0, 0.0]]),
    negative_weights=np.array(
        [[0, 0, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 1, 0, 1], [1, 1, 1, 1, 0]], dtype=bool
    ),
    passages_1=np.arange(3),
    passages_2=np.arange(2),
)
ROWS = normalize(torch.randn(10, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64), dim=1)


@FixedViews
def views(texts: list[str], sides: list[str]) -> torch.Tensor:
    assert sides == ["t1"] * 6 + ["t2"] * 4
    assert texts == [*"abc", *"abc", *"xy", *"xy"]
    return ROWS


def objective(temperature: float = 0.1, loss: str = "infonce", *, learned: bool = True, **more) -> FourPairings:
    return FourPairings(
        temperature=temperature, pairing_weights=PAIRING_WEIGHTS, loss=loss, learn_temperature=learned, **more
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("learned", [False, True])
def test_a_batch_goes_through_whole(loss: str, learned: bool) -> None:
    made = objective(0.1, loss, learned=learned)(views, BATCH)
    expected = four_pairings(
        *ROWS.split([3, 3, 2, 2]),
        weights=torch.from_numpy(BATCH.weights),
        negative_weights=torch.from_numpy(BATCH.negative_weights),
        temperature=0.1,
        loss=loss,
    )
    assert made.total.item() == pytest.approx(expected.total.item(), rel=1e-5)
    assert set(made.logged) == set(FourPairings.metrics)
    assert made.logged["one_minus_p"].item() == pytest.approx(expected.one_minus_p.item(), rel=1e-5)
    assert made.logged["temperature"] == pytest.approx(0.1)


def test_the_options_reach_the_objective() -> None:
    texts = {"article": "a.txt", "meta_analysis": "b.txt"}
    options = {"loss": "gte", "weights": "1to2=0,2to2=2", "temperature": 0.2, "temperature_bounds": "0.1,0.3"}
    made = build(TrainConfig.from_mapping({**texts, **options, "learn_temperature": True}))
    assert made.temperature == pytest.approx(0.2)
    assert len(list(made.parameters())) == 1
    assert made.temperature_bounds == (0.1, 0.3)
    weights = {"1to1": 0.25, "2to2": 2.0, "1to2": 0.0, "2to1": 0.75}
    parts = objective(0.2, "gte").losses(views, BATCH).by_pairing
    expected = sum(weight * parts[name].item() for name, weight in weights.items()) / 2
    assert made(views, BATCH).total.item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_learned_temperature_gets_the_gradient_of_finite_differences(loss: str) -> None:
    module = objective(0.1, loss).double()
    module(views, BATCH).total.backward()
    step, start, totals = 1e-5, module.log_temperature.item(), []
    for moved in (start - step, start + step):
        with torch.no_grad():
            module.log_temperature.fill_(moved)
        totals.append(module(views, BATCH).total.item())
    assert module.log_temperature.grad.item() == pytest.approx((totals[1] - totals[0]) / (2 * step), rel=1e-6)


def test_a_fixed_temperature_is_no_parameter() -> None:
    module = objective(learned=False)
    module.after_step(views)
    assert list(module.parameters()) == []
    assert module.temperature == pytest.approx(0.1)
    assert [name for name, _ in objective().named_parameters()] == ["log_temperature"]


def test_a_fixed_temperature_may_be_outside_the_bounds() -> None:
    module = objective(2.0, learned=False)
    module.after_step(views)
    assert module.temperature == pytest.approx(2.0)


@pytest.mark.parametrize(("rate", "end"), [(50.0, 0.02), (-50.0, 0.4)])
def test_a_learned_temperature_stays_within_its_bounds(rate: float, end: float) -> None:
    module = objective(0.1, "decoupled", temperature_bounds=(0.02, 0.4))
    near = torch.cat([torch.eye(4, dtype=torch.float64)[:3]] * 2 + [torch.eye(4, dtype=torch.float64)[[0, 1]]] * 2)
    for _ in range(3):
        module.zero_grad()
        module(FixedViews(lambda _, __: near), BATCH).total.backward()
        with torch.no_grad():
            module.log_temperature -= rate * module.log_temperature.grad
        module.after_step(views)
        assert 0.02 * (1 - 1e-6) <= module.temperature <= 0.4 * (1 + 1e-6)
    assert module.temperature == pytest.approx(end, rel=1e-6)


@pytest.mark.parametrize("learned_there", [False, True])
@pytest.mark.parametrize("learned_here", [False, True])
def test_a_state_holds_the_temperature_either_way(learned_here: bool, learned_there: bool) -> None:
    here, there = objective(0.07, learned=learned_here), objective(0.3, learned=learned_there)
    there.load_state_dict(here.state_dict())
    assert torch.equal(there.log_temperature, here.log_temperature)
    assert there.temperature == pytest.approx(0.07)
    assert there(views, BATCH).total.item() == here(views, BATCH).total.item()
