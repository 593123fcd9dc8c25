"""Next-token prediction: which concatenations count how much, and what canaries add."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.objectives.fixed_views import FixedViews
from topores.backbones.language_model import LanguageModel, concatenation
from topores.objectives.next_token import NextToken, concatenations
from topores.text.batches import Batch
from topores.text.canaries import Canaries


class Known(LanguageModel):
    """A language model whose costs are known: a source costs its first digit a token, a target its own."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def token_costs(self, texts: list[str], sides: object = None) -> Tensor:
        del sides
        return torch.tensor([self.cost(*text.split("\x1e")) for text in texts])

    @staticmethod
    def cost(source: str, target: str = "") -> list[float]:
        parts = [(float(part[0]) * len(part), float(len(part))) if part else (0.0, 0.0) for part in (source, target)]
        return [number for part in parts for number in part]


def plain() -> FixedViews:
    """Views of one process with all texts at once; nobody asks for rows."""
    views = FixedViews(lambda _texts, _sides: torch.empty(0))
    views.encoder = Known()
    return views


def batch(weights: list[list[float]]) -> Batch:
    """Passages 1, 22 of T1 and 3, 44 of T2: one token of cost 1, two of cost 2, ..."""
    return Batch(
        ("1", "22"), ("3", "44"), np.array(weights), np.ones((4, 4), bool), np.arange(2), np.arange(2),
    )  # fmt: skip


def test_each_pairing_has_its_concatenations() -> None:
    found = concatenations(batch([[1.0, 0.0], [0.25, 0.75]]))
    assert found["1to1"] == [(concatenation("1", "1"), 1.0), (concatenation("22", "22"), 1.0)]
    assert found["2to2"] == [(concatenation("3", "3"), 1.0), (concatenation("44", "44"), 1.0)]
    assert found["1to2"] == [
        (concatenation("1", "3"), 1.0), (concatenation("22", "3"), 0.25), (concatenation("22", "44"), 0.75),
    ]  # fmt: skip
    # Of the passage 3, whose weights are 1 and .25, the partners count 4/5 and 1/5.
    assert found["2to1"] == [
        (concatenation("3", "1"), 0.8), (concatenation("3", "22"), 0.2), (concatenation("44", "22"), 1.0),
    ]  # fmt: skip


def test_the_loss_is_the_mean_of_the_four_pairings_by_token() -> None:
    found = NextToken()(plain(), batch([[1.0, 0.0], [0.0, 1.0]]))
    by_hand = {
        "1to1": (1 + 1 + 4 + 4) / 6,
        "2to2": (3 + 3 + 8 + 8) / 6,
        "1to2": (1 + 3 + 4 + 8) / 6,
        "2to1": (3 + 1 + 8 + 4) / 6,
    }
    assert {name: float(found.logged[f"token_loss_{name}"]) for name in by_hand} == pytest.approx(by_hand)
    assert float(found.total) == pytest.approx(sum(by_hand.values()) / 4)


def test_a_batch_without_partners_has_the_identity_pairings_alone() -> None:
    found = NextToken()(plain(), batch([[0.0, 0.0], [0.0, 0.0]]))
    assert float(found.logged["token_loss_1to2"]) == 0
    assert float(found.total) == pytest.approx((10 / 6 + 22 / 6) / 2)


def test_canaries_are_trained_with_a_weight_of_their_own() -> None:
    objective = NextToken(canaries=2, canary_weight=0.5)
    without = float(NextToken()(plain(), batch([[1.0, 0.0], [0.0, 1.0]])).total)
    objective.canaries = Canaries(["5", "77"], ["9"])
    found = objective(plain(), batch([[1.0, 0.0], [0.0, 1.0]]))
    assert float(found.logged["canary_loss"]) == pytest.approx((5 + 14) / 3)
    assert float(found.total) == pytest.approx(without + 0.5 * (5 + 14) / 3)
    assert set(found.logged) == set(objective.metrics)
