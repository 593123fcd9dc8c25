"""The four-pairing objective against its definition, its limits, and the leaks it must not have."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from topores.config import LOSSES
from topores.domain import PAIRINGS
from topores.objectives.four_pairings import four_pairings

every_loss = pytest.mark.parametrize("loss", LOSSES)
IDENTITY = {"1to1": 0.5, "2to2": 0.5, "1to2": 0.0, "2to1": 0.0}
CROSS = {"1to1": 0.0, "2to2": 0.0, "1to2": 1.0, "2to1": 1.0}


def unit_rows(n: int, seed: int, dim: int = 6) -> torch.Tensor:
    return normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=1)


def four_views(n_1: int, n_2: int, seed: int = 0, dim: int = 6) -> list[torch.Tensor]:
    return [unit_rows(n, seed + i, dim) for i, n in enumerate((n_1, n_1, n_2, n_2))]


def some_weights(seed: int) -> torch.Tensor:
    """5 passages to 4, several partners to some; the last of the 5 has none."""
    weights = torch.rand(5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = torch.where(weights > 0.5, weights, 0.0)
    weights[4] = 0
    return weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-9)


def by_definition(views, weights, negative_weights, temperature, loss):
    """The docstring's formula, one view at a time: the four parts, and the mean of 1 - p."""
    n_1, n_2 = weights.shape
    passages = [(0, i) for i in range(n_1)] + [(1, j) for j in range(n_2)]
    rows = {(p, v): views[2 * p[0] + v][p[1]] for p in passages for v in (0, 1)}
    number = {p: k for k, p in enumerate(passages)}
    parts, pulls = {name: [] for name in PAIRINGS}, []

    def partners_of(anchor):
        side, i = anchor
        others = weights[i] if side == 0 else weights[:, i]
        return {(1 - side, j): (w / others.sum()).item() for j, w in enumerate(others) if w > 0}

    def exp_s(a, b):
        return math.exp((rows[a] @ rows[b]).item() / temperature)

    def negatives_of(row):
        anchor = row[0]
        return sum(
            negative_weights[number[anchor], number[p]].item() * exp_s(row, (p, v))
            for p in passages
            for v in (0, 1)
            if p != anchor and p not in partners_of(anchor)
        )

    for anchor, view in rows:
        row, own = (anchor, view), (anchor, 1 - view)
        partners = partners_of(anchor)
        negatives = negatives_of(row)
        if not negatives:
            continue
        positives = exp_s(row, own) + sum(exp_s(row, (p, v)) for p in partners for v in (0, 1))

        def cost(candidate, row=row, negatives=negatives, positives=positives):
            denominator = {
                "decoupled": negatives,
                "infonce": exp_s(row, candidate) + negatives,
                "gte": exp_s(row, candidate) + negatives + negatives_of(candidate),
                "supcon": positives + negatives,
            }
            return math.log(denominator[loss] / exp_s(row, candidate))

        def pull(candidate, row=row, negatives=negatives):
            return negatives / (exp_s(row, candidate) + negatives)

        parts["1to1" if anchor[0] == 0 else "2to2"].append(cost(own))
        if partners:
            cross = parts["1to2" if anchor[0] == 0 else "2to1"]
            cross.append(sum(w * (cost((p, 0)) + cost((p, 1))) / 2 for p, w in partners.items()))
            pulls.append(sum(w * (pull((p, 0)) + pull((p, 1))) / 2 for p, w in partners.items()))
    return {name: sum(values) / len(values) if values else 0.0 for name, values in parts.items()}, sum(pulls) / len(
        pulls
    )


@every_loss
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equals_its_definition(loss: str, seed: int) -> None:
    views, weights = four_views(5, 4, seed), some_weights(seed)
    spared = torch.zeros(9, 9, dtype=torch.bool)
    spared[0, 1] = spared[1, 0] = spared[6, 7] = spared[7, 6] = True
    spared[2] = True  # a passage without negatives
    ours = four_pairings(*views, weights=weights, negative_weights=~spared, temperature=0.3, loss=loss)
    parts, one_minus_p = by_definition(views, weights, ~spared, 0.3, loss)
    assert {name: part.item() for name, part in ours.by_pairing.items()} == pytest.approx(parts, rel=1e-9)
    assert ours.one_minus_p.item() == pytest.approx(one_minus_p, rel=1e-9)


@every_loss
@pytest.mark.parametrize("seed", [0, 1])
def test_negatives_count_by_their_weight(loss: str, seed: int) -> None:
    views, weights = four_views(5, 4, seed), some_weights(seed)
    counts = torch.rand(9, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    counts = torch.where(counts < 0.2, 0.0, torch.where(counts > 0.8, 1.0, counts))
    counts[2] = 0.0  # a passage without negatives
    ours = four_pairings(*views, weights=weights, negative_weights=counts, temperature=0.3, loss=loss)
    parts, one_minus_p = by_definition(views, weights, counts, 0.3, loss)
    assert {name: part.item() for name, part in ours.by_pairing.items()} == pytest.approx(parts, rel=1e-9)
    assert ours.one_minus_p.item() == pytest.approx(one_minus_p, rel=1e-9)


@every_loss
def test_weights_of_0_and_1_are_a_boolean_mask(loss: str) -> None:
    mask = torch.rand(6, 6, generator=torch.Generator().manual_seed(3)) < 0.7
    found = []
    for counts in (mask, mask.double()):
        views = [v.requires_grad_() for v in four_views(3, 3)]
        losses = four_pairings(*views, negative_weights=counts, loss=loss)
        losses.total.backward()
        found.append((losses.total, torch.cat([v.grad for v in views])))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


CHOICES_OF_EQUAL_ROWS = {"decoupled": 10, "infonce": 11, "gte": 21, "supcon": 13}


@every_loss
def test_if_all_rows_are_equal_each_part_is_the_log_of_the_choices(loss: str) -> None:
    rows = torch.ones(4, 3, dtype=torch.float64) / math.sqrt(3)
    # Of 16 views, 2 are one's own, 2 the partner's and 2 a spared neighbour's: 10 negatives.
    spared = torch.kron(torch.eye(4), 1 - torch.eye(2)).bool()
    losses = four_pairings(rows, rows, rows, rows, negative_weights=~spared, loss=loss)
    expected = math.log(CHOICES_OF_EQUAL_ROWS[loss])
    assert [part.item() for part in losses.by_pairing.values()] == pytest.approx([expected] * 4)
    assert losses.total.item() == pytest.approx(expected)
    assert losses.one_minus_p.item() == pytest.approx(1 - 1 / 11)


@every_loss
def test_exchanging_the_texts_exchanges_the_pairings(loss: str) -> None:
    a, b, c, d = four_views(4, 4)
    there, back = four_pairings(a, b, c, d, loss=loss), four_pairings(c, d, a, b, loss=loss)
    assert there.total.item() == pytest.approx(back.total.item())
    assert there.by_pairing["1to2"].item() == pytest.approx(back.by_pairing["2to1"].item())
    assert there.by_pairing["1to1"].item() == pytest.approx(back.by_pairing["2to2"].item())
    assert there.one_minus_p.item() == pytest.approx(back.one_minus_p.item())


@every_loss
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), given=st.tuples(*[st.floats(0, 2)] * 4))
def test_each_pairing_counts_by_its_weight(loss: str, seed: int, given: tuple[float, ...]) -> None:
    losses = four_pairings(*four_views(4, 4, seed), pairing_weights=dict(zip(PAIRINGS, given, strict=True)), loss=loss)
    expected = sum(weight * losses.by_pairing[name].item() for name, weight in zip(PAIRINGS, given, strict=True)) / 2
    assert losses.total.item() == pytest.approx(expected, abs=1e-9)


@every_loss
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_a_pairing_alone_gives_its_own_gradient_times_its_weight(loss: str, pairing: str) -> None:
    gradients = []
    for weight in (0.5, 1.0):
        views = [v.requires_grad_() for v in four_views(3, 3)]
        losses = four_pairings(*views, pairing_weights={**dict.fromkeys(PAIRINGS, 0.0), pairing: weight}, loss=loss)
        losses.total.backward()
        gradients.append(torch.cat([v.grad for v in views]))
    alone = torch.autograd.grad(four_pairings(*views, loss=loss).by_pairing[pairing], views)
    torch.testing.assert_close(gradients[1], 2 * gradients[0])
    torch.testing.assert_close(gradients[1], torch.cat(alone) / 2)


FAR = math.exp(-20)
COST_WHERE_ALL_SPARED_ROWS_MEET = {
    "decoupled": math.log(8) - 20,
    "infonce": math.log(1 + 8 * FAR),
    "gte": math.log(1 + 16 * FAR),
    "supcon": math.log(3 + 8 * FAR),
}


@every_loss
def test_no_positive_and_no_neighbour_counts_as_a_negative(loss: str) -> None:
    """Own views, partners and neighbours in one point, 8 negatives at a right angle: one leak costs ln 2 or more."""
    group, pair = torch.tensor([0, 0, 1, 1] * 2), torch.arange(8) % 4
    neighbours = (group[:, None] == group) & (pair[:, None] != pair)
    rows = torch.eye(2, dtype=torch.float64)[group[:4]]
    losses = four_pairings(rows, rows, rows, rows, negative_weights=~neighbours, temperature=0.05, loss=loss)
    expected = COST_WHERE_ALL_SPARED_ROWS_MEET[loss]
    assert [part.item() for part in losses.by_pairing.values()] == pytest.approx([expected] * 4, rel=1e-6)
    assert losses.one_minus_p.item() == pytest.approx(8 * FAR, rel=1e-6)


@every_loss
def test_what_is_spared_is_not_pushed(loss: str) -> None:
    views = [v.requires_grad_() for v in four_views(3, 3)]
    one_asker = torch.zeros(6, 6, dtype=torch.bool)
    one_asker[1:] = True  # all other passages have no negatives, so they do not ask
    one_asker[0, 1] = True
    four_pairings(*views, negative_weights=~one_asker, pairing_weights=IDENTITY, loss=loss).total.backward()
    neighbour, partner, negative = views[0].grad[1], views[2].grad[0], views[2].grad[1]
    assert torch.equal(neighbour, torch.zeros_like(neighbour))
    # In supcon alone, the other positives stand in the denominator.
    assert torch.equal(partner, torch.zeros_like(partner)) == (loss != "supcon")
    assert negative.norm() > 0


@every_loss
def test_the_gradient_is_that_of_finite_differences(loss: str) -> None:
    spared = torch.zeros(6, 6, dtype=torch.bool)
    spared[0, 1] = spared[1, 0] = True
    spared[2] = True  # no negatives
    weights = torch.tensor([[0.3, 0.7, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)

    def total(temperature: torch.Tensor, *views: torch.Tensor) -> torch.Tensor:
        found = four_pairings(*views, weights=weights, negative_weights=~spared, temperature=temperature, loss=loss)
        assert not found.one_minus_p.requires_grad
        return found.total

    inputs = [torch.tensor(0.2, dtype=torch.float64), *four_views(3, 3, dim=3)]
    assert torch.autograd.gradcheck(total, [x.requires_grad_() for x in inputs])


@every_loss
def test_passages_without_negatives_give_no_loss_and_no_nan(loss: str) -> None:
    views = [v.requires_grad_() for v in four_views(2, 2)]
    temperature = torch.tensor(0.05, requires_grad=True)
    everything = torch.ones(4, 4, dtype=torch.bool)
    losses = four_pairings(*views, negative_weights=~everything, temperature=temperature, loss=loss)
    losses.total.backward()
    assert losses.total.item() == 0
    assert losses.one_minus_p.item() == 0
    assert all(torch.equal(v.grad, torch.zeros_like(v)) for v in (*views, temperature))


@every_loss
def test_without_partners_the_identity_pairings_stand_alone(loss: str) -> None:
    views = [v.requires_grad_() for v in four_views(3, 2)]
    losses = four_pairings(*views, weights=torch.zeros(3, 2, dtype=torch.float64), loss=loss)
    losses.total.backward()
    assert losses.by_pairing["1to2"].item() == losses.by_pairing["2to1"].item() == 0
    assert losses.total.item() == pytest.approx(
        0.25 * (losses.by_pairing["1to1"] + losses.by_pairing["2to2"]).item() / 2
    )
    assert all(v.grad.isfinite().all() for v in views)


@every_loss
def test_cosines_far_apart_neither_overflow_nor_vanish(loss: str) -> None:
    """float32 at temperature .001: similarities of plus and minus 1000."""
    rows = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    right = [rows.clone().requires_grad_() for _ in range(4)]
    wrong = [rows.clone(), rows.clone(), rows.flip(0).clone(), rows.flip(0).clone()]
    found = four_pairings(*right, temperature=0.001, pairing_weights=CROSS, loss=loss)
    found.total.backward()
    assert all(v.grad.isfinite().all() for v in right)
    expected = {"decoupled": math.log(4) - 2000, "infonce": 0.0, "gte": 0.0, "supcon": math.log(3)}
    assert found.total.item() == pytest.approx(expected[loss], abs=1e-3)
    # Partners opposite, negatives of the other text in one's own place: 2 of the 4 are at +1000.
    lost = four_pairings(*wrong, temperature=0.001, pairing_weights=CROSS, loss=loss).total.item()
    expected = {"decoupled": math.log(2), "infonce": math.log(2), "gte": math.log(4), "supcon": math.log(3)}
    assert lost - 2000 == pytest.approx(expected[loss], abs=1e-3)


@every_loss
@pytest.mark.parametrize("lost", [[1], [0, 1, 2, 3]])
def test_rows_that_are_no_numbers_show_in_the_loss(loss: str, lost: list[int]) -> None:
    views = four_views(4, 4)
    for view in views:
        view[lost] = torch.nan
    losses = four_pairings(*views, loss=loss)
    assert losses.total.isnan()
    assert losses.one_minus_p.isnan()


@every_loss
def test_a_shared_rotation_changes_nothing(loss: str) -> None:
    views = four_views(5, 5)
    turn, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    turned = four_pairings(*[v @ turn for v in views], loss=loss)
    assert four_pairings(*views, loss=loss).total.item() == pytest.approx(turned.total.item())


@every_loss
def test_low_precision_around_it_does_not_reach_it(loss: str) -> None:
    views = [v.float() for v in four_views(5, 5)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        around = four_pairings(*views, loss=loss).total
    assert torch.equal(around, four_pairings(*views, loss=loss).total)
    halved = [v.bfloat16() for v in views]
    expected = four_pairings(*[v.float() for v in halved], loss=loss)
    assert torch.equal(four_pairings(*halved, loss=loss).total, expected.total)


def test_one_minus_p_is_what_infonce_has_not_found() -> None:
    """Two pairs that mirror each other ask alike, so that the mean of 1 - p is 1 - exp(-cost)."""
    t1 = torch.eye(2, dtype=torch.float64)
    t2 = normalize(t1 + 0.5 * t1.flip(0), dim=1)
    losses = four_pairings(t1, t1, t2, t2, temperature=0.5)
    # A T1 passage meets 2 views at right angles and 2 at .447; a T2 passage 2 at .8 and 2 at .447; partners at .894.
    cost_1, cost_2 = losses.by_pairing["1to2"].item(), losses.by_pairing["2to1"].item()
    assert losses.one_minus_p.item() == pytest.approx(1 - (math.exp(-cost_1) + math.exp(-cost_2)) / 2)
    assert {four_pairings(t1, t1, t2, t2, temperature=0.5, loss=loss).one_minus_p.item() for loss in LOSSES} == {
        losses.one_minus_p.item()
    }


def test_one_minus_p_of_the_identity_pairings_where_none_asks_across() -> None:
    t1 = torch.eye(3, dtype=torch.float64)
    alone = four_pairings(t1, t1, t1[:0], t1[:0], weights=torch.zeros(3, 0, dtype=torch.float64), temperature=0.5)
    assert alone.one_minus_p.item() == pytest.approx(4 / (4 + math.exp(2)))
    assert alone.one_minus_p.item() == pytest.approx(1 - math.exp(-alone.by_pairing["1to1"].item()))


def test_decoupled_pulls_on_when_infonce_has_stopped() -> None:
    """1 - p: with a wide margin InfoNCE's gradient dies and the decoupled one does not; one_minus_p says so."""
    pole = torch.eye(4, dtype=torch.float64)
    near = normalize(pole + 0.3 * torch.roll(pole, 1, dims=1), dim=1)
    pulls, seen = {}, set()
    for loss in ("infonce", "decoupled"):
        t2 = near.clone().requires_grad_()
        losses = four_pairings(pole, pole, t2, t2, loss=loss, pairing_weights=CROSS)
        losses.total.backward()
        pulls[loss] = t2.grad.norm().item()
        seen.add(losses.one_minus_p.item())
    assert pulls["infonce"] < 1e-3 * pulls["decoupled"]
    assert len(seen) == 1
    assert seen.pop() < 1e-3


def test_what_cannot_be_is_refused() -> None:
    views = four_views(3, 2)
    with pytest.raises(ValueError, match="pass weights"):
        four_pairings(*views)
    with pytest.raises(ValueError, match=r"^loss is 'infonse'\. Did you mean 'infonce'\?$"):
        four_pairings(*four_views(3, 3), loss="infonse")
    with pytest.raises(ValueError, match=r"names \['1to1', '1to3'\]; give a weight to each of \('1to1', '2to2'"):
        four_pairings(*four_views(3, 3), pairing_weights={"1to1": 1.0, "1to3": 1.0})
