"""The four-pairing objective as a loss of `SentenceTransformerTrainer`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn.functional import normalize

from topores.config import LOSSES, PAIRING_WEIGHTS
from topores.errors import did_you_mean
from topores.integrations.citations import CITATIONS, DROPOUT_VIEWS
from topores.integrations.text_batches import (
    join_batches,
    negatives,
    tokens,
    tokens_of_all_processes,
    views_of_all_processes,
)
from topores.objectives.four_pairings import four_pairings


class FourPairingsLoss(nn.Module):
    """Contrastive loss of the pairings T1->T1, T2->T2, T1->T2 and T2->T1 of a batch of pairs.

    The dataset has two columns of texts, such as anchor (T1) and positive (T2); row i of one is paired with row i of
    the other. Labels are ignored. Each text is embedded twice, which gives two dropout views. The positive of a view is
    the other view of its text (identity pairings), or the views of its partner (cross pairings). All other texts of the
    batch, from both columns, are negatives, except equal texts and partners of equal texts, which are excluded. In
    evaluation mode there is no dropout, so the two views are equal and the identity pairings are trivial.

    Args:
        model: The encoder to train.
        temperature: Divides the cosine. Smaller is sharper; 0.02 to 0.1 is usual.
        pairing_weights: Weights of '1to1', '2to2', '1to2' and '2to1'; those not given keep their defaults.
        loss: 'infonce', 'decoupled', 'gte' or 'supcon'; they differ in the denominator.
        gather_across_devices: With several processes, use the texts of all processes as negatives, with gradient, so
            that the loss equals that of one process with all pairs. Each process then holds the full similarity matrix.

    Raises:
        ValueError: A temperature, weight or name is not valid.

    Source:
        Dropout views: Gao et al. 2021, section 3, https://arxiv.org/abs/2104.08821; the losses: see `four_pairings`.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        temperature: int | float = 0.05,
        pairing_weights: Mapping[str, int | float] = PAIRING_WEIGHTS,
        loss: str = "infonce",
        gather_across_devices: bool = True,
    ) -> None:
        super().__init__()
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature is {temperature}; give a number above 0")
        if loss not in LOSSES:
            raise ValueError(f"loss is {loss!r}. {did_you_mean(loss, LOSSES)}")
        self.model = model
        self.temperature = temperature
        self.pairing_weights = _every_weight(pairing_weights)
        self.kind = loss  # not `loss`: the model card would take an attribute of that name for a nested loss
        self.gather_across_devices = gather_across_devices

    def forward(
        self,
        sentence_features: Iterable[Mapping[str, Any]],
        labels: Tensor | None = None,  # noqa: ARG002  the Trainer passes them
    ) -> Float[Tensor, ""]:
        """The loss of one batch, in nats.

        Args:
            sentence_features: Tokenised texts of each column.
            labels: Ignored.

        Raises:
            ValueError: There are not two columns of texts, or processes have different numbers of texts.
        """
        columns = list(sentence_features)
        _refuse_all_but_two(columns)
        texts_1, texts_2 = (tokens(column) for column in columns)
        views = self._views(columns)
        if self.gather_across_devices:
            texts_1, texts_2 = tokens_of_all_processes(texts_1), tokens_of_all_processes(texts_2)
            views = views_of_all_processes(views)
        return four_pairings(
            *views,
            negative_weights=negatives(texts_1, texts_2),
            temperature=self.temperature,
            pairing_weights=self.pairing_weights,
            loss=self.kind,
        ).total

    def _views(self, columns: Sequence[Mapping[str, Any]]) -> list[Float[Tensor, "texts dim"]]:
        """Two views of column 1, then two of column 2, in as few forward passes as padding allows."""
        first, second = columns
        together = join_batches([first, first, second, second])
        if together is not None:
            return list(self._rows(together).chunk(4))
        return [*self._two_views(first), *self._two_views(second)]

    def _two_views(self, column: Mapping[str, Any]) -> list[Float[Tensor, "texts dim"]]:
        twice = join_batches([column, column])
        if twice is None:
            return [self._rows(column), self._rows(column)]
        return list(self._rows(twice).chunk(2))

    def _rows(self, features: Mapping[str, Any]) -> Float[Tensor, "texts dim"]:
        # A copy, because the model writes its outputs into the dict it is given.
        rows = self.model(dict(features))["sentence_embedding"]
        return normalize(rows.to(torch.promote_types(rows.dtype, torch.float32)), dim=1)

    def get_config_dict(self) -> dict[str, Any]:
        """The options, for the model card."""
        return {
            "temperature": self.temperature,
            "pairing_weights": self.pairing_weights,
            "loss": self.kind,
            "gather_across_devices": self.gather_across_devices,
        }

    @property
    def citation(self) -> str:
        """BibTeX of the papers behind the loss, for the model card."""
        return CITATIONS[self.kind] + DROPOUT_VIEWS


def _every_weight(given: Mapping[str, int | float]) -> dict[str, float]:
    unknown = [name for name in given if name not in PAIRING_WEIGHTS]
    if unknown:
        raise ValueError(f"pairing_weights names {unknown[0]!r}. {did_you_mean(unknown[0], PAIRING_WEIGHTS)}")
    weights = {name: float(weight) for name, weight in {**PAIRING_WEIGHTS, **given}.items()}
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise ValueError(f"pairing_weights gives {name} the weight {weight:g}; give 0 or more")
    if not any(weights.values()):
        raise ValueError("pairing_weights are all 0, so nothing would be learned; give at least one above 0")
    return weights


def _refuse_all_but_two(columns: Sequence[Any]) -> None:
    if len(columns) < 2:
        raise ValueError("FourPairingsLoss got 1 column of texts; give two, such as anchor and positive")
    if len(columns) > 2:
        raise ValueError(
            f"FourPairingsLoss got {len(columns)} columns of texts; its negatives are the other rows of the batch, "
            "so give two columns, as in dataset.select_columns(['anchor', 'positive'])"
        )
