"""Losses against the formulas of their papers, rewritten slowly for one-to-one pairs."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from topores.objectives.four_pairings import four_pairings

PAIRS, TEMPERATURE = 5, 0.2


def unit_rows(seed: int) -> torch.Tensor:
    drawn = torch.randn(PAIRS, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normalize(drawn, dim=1)


def e(a: torch.Tensor, b: torch.Tensor) -> float:
    return math.exp((a @ b).item() / TEMPERATURE)


def gte_of_one_view(q: torch.Tensor, d: torch.Tensor, positives: int) -> float:
    """Li et al. 2023, improved contrastive loss, with the positive `positives` times in Z; the paper has it twice."""
    costs = []
    for i in range(PAIRS):
        others = [j for j in range(PAIRS) if j != i]
        z = positives * e(q[i], d[i])
        z += sum(e(q[i], d[j]) + e(q[i], q[j]) + e(q[j], d[i]) + e(d[j], d[i]) for j in others)
        costs.append(-math.log(e(q[i], d[i]) / z))
    return sum(costs) / PAIRS


@pytest.mark.parametrize("seed", [0, 1])
def test_gte_is_the_papers_loss_but_for_the_second_view(seed: int) -> None:
    """Two equal views bring each negative in twice and the positive once; so Z is twice the paper's with half of it."""
    q, d = unit_rows(seed), unit_rows(seed + 10)
    ours = four_pairings(q, q, d, d, temperature=TEMPERATURE, loss="gte").by_pairing
    expected = gte_of_one_view(q, d, positives=0.5) + math.log(2)
    assert ours["1to2"].item() == pytest.approx(expected, rel=1e-12)
    assert ours["2to1"].item() == pytest.approx(expected, rel=1e-12)
    # Hence never further from the paper's own number than the count of the positive can bring it.
    paper = gte_of_one_view(q, d, positives=2)
    assert paper + math.log(1 / 2) <= ours["1to2"].item() <= paper + math.log(2)


@pytest.mark.parametrize("seed", [0, 1])
def test_gte_asks_as_the_paper_does_from_any_two_views(seed: int) -> None:
    """The paper's four blocks over all views; both directions of a pair are one term, so they cost the same."""
    views = [unit_rows(seed + 10 * k) for k in range(4)]
    ours = four_pairings(*views, temperature=TEMPERATURE, loss="gte").by_pairing
    costs = []
    for i in range(PAIRS):
        others = [view[j] for view in views for j in range(PAIRS) if j != i]
        for q in (views[0][i], views[1][i]):
            for d in (views[2][i], views[3][i]):
                z = e(q, d) + sum(e(q, x) + e(x, d) for x in others)
                costs.append(-math.log(e(q, d) / z))
    expected = sum(costs) / len(costs)
    assert ours["1to2"].item() == pytest.approx(expected, rel=1e-12)
    assert ours["2to1"].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_supcon_is_the_papers_loss_where_all_positives_weigh_the_same(seed: int) -> None:
    """Khosla et al. 2020, eq. 2: of the 3 positives of a view 1 is its own and 2 are the partner's views."""
    views = [unit_rows(seed + 10 * k) for k in range(4)]
    weights = {"1to1": 1 / 3, "2to2": 1 / 3, "1to2": 2 / 3, "2to1": 2 / 3}
    ours = four_pairings(*views, temperature=TEMPERATURE, loss="supcon", pairing_weights=weights)

    z, label = torch.cat(views), [i for _ in views for i in range(PAIRS)]
    costs = []
    for i in range(len(z)):
        rest = [a for a in range(len(z)) if a != i]
        positives = [p for p in rest if label[p] == label[i]]
        assert len(positives) == 3
        total = sum(e(z[i], z[a]) for a in rest)
        costs.append(-sum(math.log(e(z[i], z[p]) / total) for p in positives) / len(positives))
    assert ours.total.item() == pytest.approx(sum(costs) / len(costs), rel=1e-12)
