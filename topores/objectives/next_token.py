"""Next-token prediction on the four concatenations T1->T1, T2->T2, T1->T2 and T2->T1: the control."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from topores.backbones.encoder import Encoder
from topores.backbones.language_model import LanguageModel, concatenation
from topores.config import TrainConfig
from topores.domain import PAIRINGS, Corpus
from topores.objectives._objective import Losses, Objective, Views
from topores.text.batches import Batch
from topores.text.canaries import Canaries, draw_canaries


class Weighted(NamedTuple):
    """A concatenation, and how much it counts in its pairing."""

    text: str
    weight: float


class NextToken(Objective):
    """Mean cost of a token over the four pairings, each counting the same.

    A concatenation [source] -> [target] is trained whole, as language models are: the source's tokens too. An aligned
    pair counts by its weight, those of T1->T2 summing to 1 over the partners of a passage of T1, and those of T2->T1
    over the partners of a passage of T2.

    Args:
        canaries: How many lines of random words are trained besides, once a batch.
        canary_weight: Weight of their mean cost beside the texts'.
        seed: Of the canaries.
    """

    def __init__(self, *, canaries: int = 0, canary_weight: float = 0.1, seed: int = 0) -> None:
        super().__init__()
        self.canary_count, self.canary_weight, self.seed = canaries, canary_weight, seed
        self.canaries = Canaries([], [])
        """Drawn by `prepare`."""
        self.metrics = (*(f"token_loss_{name}" for name in PAIRINGS), *(("canary_loss",) if canaries else ()))

    def why_not(self, encoder: Encoder) -> str | None:
        if isinstance(encoder, LanguageModel):
            return None
        return "it predicts tokens, and this encoder has no head that does; give --encoder causal_lm"

    def prepare(self, encoder: Encoder, corpus: Corpus) -> None:  # noqa: ARG002
        if self.canary_count:
            self.canaries = draw_canaries(corpus, self.canary_count, self.seed)

    def forward(self, views: Views, batch: Batch) -> Losses:
        """The loss, and as `logged` that of each pairing and of the canaries, in nats a token."""
        encoder = views.encoder
        assert isinstance(encoder, LanguageModel)  # `why_not` saw to it
        pairings = concatenations(batch)
        texts = [one.text for pairing in pairings.values() for one in pairing] + self.canaries.trained
        costs = views.per_text(encoder.token_costs, texts)
        sizes = [len(pairing) for pairing in pairings.values()]
        *parts, of_canaries = costs.split([*sizes, len(self.canaries.trained)])
        losses = {
            name: _per_token(part, [one.weight for one in pairing])
            for (name, pairing), part in zip(pairings.items(), parts, strict=True)
        }
        total = torch.stack([loss for name, loss in losses.items() if pairings[name]]).mean()
        logged: dict[str, Tensor | float] = {f"token_loss_{name}": loss.detach() for name, loss in losses.items()}
        if self.canary_count:
            canary_loss = _per_token(of_canaries, [1.0] * self.canary_count)
            total = total + self.canary_weight * canary_loss
            logged["canary_loss"] = canary_loss.detach()
        return Losses(total, logged)


def build(config: TrainConfig) -> NextToken:
    options = config.objective_options
    return NextToken(canaries=options.canaries, canary_weight=options.canary_weight, seed=config.seed)


def concatenations(batch: Batch) -> dict[str, list[Weighted]]:
    """What a batch trains, by pairing: each passage before itself, and each before its partners in the other text."""
    backwards = batch.weights / np.maximum(batch.weights.sum(axis=0), 1e-12)
    in_1, in_2 = batch.weights.nonzero()
    pairs = [(batch.texts_1[i], batch.texts_2[j], i, j) for i, j in zip(in_1, in_2, strict=True)]
    return {
        "1to1": [Weighted(concatenation(text, text), 1.0) for text in batch.texts_1],
        "2to2": [Weighted(concatenation(text, text), 1.0) for text in batch.texts_2],
        "1to2": [Weighted(concatenation(one, two), float(batch.weights[i, j])) for one, two, i, j in pairs],
        "2to1": [Weighted(concatenation(two, one), float(backwards[i, j])) for one, two, i, j in pairs],
    }


def _per_token(costs: Float[Tensor, "texts 4"], weights: Sequence[float]) -> Float[Tensor, ""]:
    """Weighted mean over the tokens of all texts; 0 where there are none."""
    weight = torch.tensor(weights, device=costs.device, dtype=costs.dtype)
    summed, tokens = costs[:, 0] + costs[:, 2], costs[:, 1] + costs[:, 3]
    return (weight * summed).sum() / (weight * tokens).sum().clamp(min=1.0)
