"""The four-pairing objective against its definition, its limits, and the leaks it must not have."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from topores.domain import PAIRINGS
from topores.objectives.four_pairings import four_pairings


def unit_rows(n: int, seed: int, dim: int = 6) -> torch.Tensor:
    return normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=1)


def four_views(n_1: int, n_2: int, seed: int = 0) -> list[torch.Tensor]:
    return [unit_rows(n, seed + i) for i, n in enumerate((n_1, n_1, n_2, n_2))]


def by_definition(views, weights, not_negative, temperature, loss):
    """The docstring's formula, one view at a time."""
    n_1, n_2 = weights.shape
    passages = [(0, i) for i in range(n_1)] + [(1, j) for j in range(n_2)]
    rows = {(p, v): views[2 * p[0] + v][p[1]] for p in passages for v in (0, 1)}
    number = {p: k for k, p in enumerate(passages)}
    parts = {name: [] for name in PAIRINGS}
    for asker, view in rows:
        here = rows[asker, view]
        partners = {}
        for other in passages:
            if asker[0] == 0 and other[0] == 1:
                partners[other] = weights[asker[1], other[1]].item()
            if asker[0] == 1 and other[0] == 0:
                column = weights[:, asker[1]]
                partners[other] = (column[other[1]] / column.sum()).item() if column.sum() > 0 else 0.0
        partners = {p: w for p, w in partners.items() if w > 0}
        negatives = [
            math.exp(here @ rows[p, v] / temperature)
            for p in passages
            for v in (0, 1)
            if p != asker and p not in partners and not not_negative[number[asker], number[p]]
        ]
        if not negatives:
            continue
        total = sum(negatives)

        def term(other, v, here=here, total=total):
            s = (here @ rows[other, v]).item() / temperature
            return -s + math.log(total + (math.exp(s) if loss == "infonce" else 0.0))

        identity = "1to1" if asker[0] == 0 else "2to2"
        parts[identity].append(term(asker, 1 - view))
        if partners:
            cross = "1to2" if asker[0] == 0 else "2to1"
            parts[cross].append(sum(w * (term(p, 0) + term(p, 1)) / 2 for p, w in partners.items()))
    return {name: sum(values) / len(values) if values else 0.0 for name, values in parts.items()}


@pytest.mark.parametrize("loss", ["infonce", "decoupled"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equals_its_definition(loss: str, seed: int) -> None:
    views = four_views(5, 4, seed)
    weights = torch.rand(5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = torch.where(weights > 0.5, weights, 0.0)
    weights[4] = 0  # a passage without a partner
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-9)
    spared = torch.zeros(9, 9, dtype=torch.bool)
    spared[0, 1] = spared[1, 0] = spared[6, 7] = spared[7, 6] = True
    ours = four_pairings(*views, weights=weights, not_negative=spared, temperature=0.3, loss=loss)
    expected = by_definition(views, weights, spared, 0.3, loss)
    assert {name: part.item() for name, part in ours.by_pairing.items()} == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("loss", "expected"), [("decoupled", math.log(10)), ("infonce", math.log(11))])
def test_if_all_rows_are_equal_each_part_is_the_log_of_the_choices(loss: str, expected: float) -> None:
    rows = torch.ones(4, 3, dtype=torch.float64) / math.sqrt(3)
    # Of 16 views, 2 are one's own, 2 the partner's and 2 a spared neighbour's: 10 negatives.
    spared = torch.kron(torch.eye(4), torch.ones(2, 2)).bool()
    losses = four_pairings(rows, rows, rows, rows, not_negative=spared, loss=loss)
    assert [part.item() for part in losses.by_pairing.values()] == pytest.approx([expected] * 4)
    assert losses.total.item() == pytest.approx(expected)


def test_exchanging_the_texts_exchanges_the_pairings() -> None:
    a, b, c, d = four_views(4, 4)
    there, back = four_pairings(a, b, c, d), four_pairings(c, d, a, b)
    assert there.total.item() == pytest.approx(back.total.item())
    assert there.by_pairing["1to2"].item() == pytest.approx(back.by_pairing["2to1"].item())
    assert there.by_pairing["1to1"].item() == pytest.approx(back.by_pairing["2to2"].item())


@given(seed=st.integers(0, 10_000), identity=st.floats(0, 2), cross=st.floats(0, 2))
def test_each_pairing_counts_by_its_weight(seed: int, identity: float, cross: float) -> None:
    losses = four_pairings(*four_views(4, 4, seed), identity_weight=identity, cross_weight=cross)
    part = losses.by_pairing
    expected = identity * (part["1to1"] + part["2to2"]) / 2 + cross * (part["1to2"] + part["2to1"]) / 2
    assert losses.total.item() == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.parametrize("loss", ["infonce", "decoupled"])
def test_no_positive_and_no_neighbour_leaks_into_the_negatives(loss: str) -> None:
    """Rows that are spared can move anywhere without changing what others pay for them."""
    a, b, c, d = four_views(3, 3)
    spared = torch.zeros(6, 6, dtype=torch.bool)
    spared[0, 1] = spared[1, 0] = True
    before = four_pairings(a, b, c, d, not_negative=spared, cross_weight=0.0, loss=loss)
    # Only the anchor's own row asks here: gradient of passage 0's identity term at its neighbour 1 must be 0.
    moved = [t.clone().requires_grad_() for t in (a, b, c, d)]
    rows = four_pairings(*moved, not_negative=spared, cross_weight=0.0, loss=loss)
    assert rows.total.item() == pytest.approx(before.total.item())
    one_asker = torch.zeros(6, 6, dtype=torch.bool)
    one_asker[1:] = True  # all other passages have no negatives, so they do not ask
    one_asker[0, 1] = True
    four_pairings(*moved, not_negative=one_asker, cross_weight=0.0, loss=loss).total.backward()
    neighbour, partner, negative = moved[0].grad[1], moved[2].grad[0], moved[2].grad[1]
    assert torch.equal(neighbour, torch.zeros_like(neighbour))
    assert torch.equal(partner, torch.zeros_like(partner))
    assert negative.norm() > 0


def test_passages_without_negatives_give_no_loss_and_no_nan() -> None:
    views = [v.requires_grad_() for v in four_views(2, 2)]
    losses = four_pairings(*views, not_negative=torch.ones(4, 4, dtype=torch.bool))
    losses.total.backward()
    assert losses.total.item() == 0
    assert all(torch.equal(v.grad, torch.zeros_like(v)) for v in views)


def test_a_shared_rotation_changes_nothing() -> None:
    views = four_views(5, 5)
    turn, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    assert four_pairings(*views).total.item() == pytest.approx(four_pairings(*[v @ turn for v in views]).total.item())


def test_decoupled_pulls_on_when_infonce_has_stopped() -> None:
    """1 - p: with a wide margin InfoNCE's gradient dies and the decoupled one does not (FINDINGS: freezing)."""
    pole = torch.eye(4, dtype=torch.float64)
    near = normalize(pole + 0.3 * torch.roll(pole, 1, dims=1), dim=1)
    pulls = {}
    for loss in ("infonce", "decoupled"):
        t2 = near.clone().requires_grad_()
        four_pairings(pole, pole, t2, t2, loss=loss, identity_weight=0.0, cross_weight=1.0).total.backward()
        pulls[loss] = t2.grad.norm().item()
    assert pulls["infonce"] < 1e-3 * pulls["decoupled"]


def test_what_cannot_be_is_refused() -> None:
    views = four_views(3, 2)
    with pytest.raises(ValueError, match="pass weights"):
        four_pairings(*views)
    with pytest.raises(ValueError, match="give 'infonce' or 'decoupled'"):
        four_pairings(*four_views(3, 3), loss="infonse")
