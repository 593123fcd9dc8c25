"""The four-pairing contrastive objective: passages of each text find their partners among those of both."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from topores.config import PAIRING_WEIGHTS, TrainConfig
from topores.domain import PAIRINGS, SIDES
from topores.objectives._losses import log_denominators
from topores.objectives._objective import Losses, Objective, Views
from topores.objectives._rows import Positives, by_row, excluded_rows, positives
from topores.text.batches import Batch

TEMPERATURE_PACE = 100
"""Learning rate of the logarithm of a learned temperature, as a multiple of the weights' learning rate."""


class PairingLosses(NamedTuple):
    total: Float[Tensor, ""]
    """What is minimised: half the weighted sum of the four."""
    by_pairing: dict[str, Float[Tensor, ""]]
    """'1to1', '2to2', '1to2', '2to1': mean over the views that ask, in nats, unweighted."""
    one_minus_p: Float[Tensor, ""]
    """Mean over the views that ask across of 1 - p, in [0, 1], without gradient: InfoNCE's pull, which freezes at 0."""


class FourPairings(Objective):
    """`four_pairings` on the two views of every passage of a batch.

    Args:
        temperature: Where it stands, or starts if it is learned.
        pairing_weights, loss: As in `four_pairings`.
        learn_temperature: Its logarithm is then a parameter, to be trained without weight decay.
        temperature_bounds: Least and greatest that `after_step` lets a learned temperature be.
    """

    metrics = (*(f"loss_{name}" for name in PAIRINGS), "one_minus_p", "temperature")
    log_temperature: Tensor

    def __init__(
        self,
        *,
        temperature: int | float,
        pairing_weights: Mapping[str, int | float],
        loss: str,
        learn_temperature: bool = False,
        temperature_bounds: tuple[int | float, int | float] = (0.01, 0.5),
    ) -> None:
        super().__init__()
        self.pairing_weights = dict(pairing_weights)
        self.loss = loss
        self.learn_temperature = learn_temperature
        self.temperature_bounds = temperature_bounds
        # float32, for not every accelerator has more. One name either way, so that a state holds both alike.
        log_temperature = torch.tensor(math.log(temperature), dtype=torch.float32)
        if learn_temperature:
            self.log_temperature = nn.Parameter(log_temperature)
        else:
            self.register_buffer("log_temperature", log_temperature)

    @property
    def temperature(self) -> float:
        return math.exp(self.log_temperature.item())

    def forward(self, views: Views, batch: Batch) -> Losses:
        """The loss, and as `logged` its four parts, 1 - p and the temperature."""
        found = self.losses(views, batch)
        parts = {f"loss_{name}": part.detach() for name, part in found.by_pairing.items()}
        return Losses(found.total, {**parts, "one_minus_p": found.one_minus_p, "temperature": self.temperature})

    def losses(self, views: Views, batch: Batch) -> PairingLosses:
        """`four_pairings` of the batch, for objectives that build on it."""
        # One pass over all rows: each row gets its own dropout mask, hence two views of each passage.
        n_1, n_2 = len(batch.texts_1), len(batch.texts_2)
        texts = [*batch.texts_1, *batch.texts_1, *batch.texts_2, *batch.texts_2]
        rows = views(texts, [SIDES[0]] * 2 * n_1 + [SIDES[1]] * 2 * n_2)
        return four_pairings(
            *rows.split([n_1, n_1, n_2, n_2]),
            weights=torch.as_tensor(batch.weights, dtype=_at_least_float32(rows), device=rows.device),
            negative_weights=torch.as_tensor(batch.negative_weights, device=rows.device),
            temperature=self.log_temperature.exp(),
            pairing_weights=self.pairing_weights,
            loss=self.loss,
        )

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """The temperature's logarithm: one number that may move faster than weights, and must not decay towards 0."""
        return [{"params": list(self.parameters()), "weight_decay": 0.0, "lr": TEMPERATURE_PACE * learning_rate}]

    @torch.no_grad()
    def after_step(self, views: Views) -> None:  # noqa: ARG002
        """Bring a learned temperature back within its bounds."""
        if self.learn_temperature:
            low, high = self.temperature_bounds
            self.log_temperature.clamp_(math.log(low), math.log(high))


def build(config: TrainConfig) -> FourPairings:
    options = config.objective_options
    return FourPairings(
        temperature=options.temperature,
        pairing_weights=options.pairing_weights,
        loss=options.loss,
        learn_temperature=options.learn_temperature,
        temperature_bounds=options.least_and_greatest_temperature,
    )


def four_pairings(
    t1: Float[Tensor, "passages_1 dim"],
    t1_again: Float[Tensor, "passages_1 dim"],
    t2: Float[Tensor, "passages_2 dim"],
    t2_again: Float[Tensor, "passages_2 dim"],
    *,
    weights: Float[Tensor, "passages_1 passages_2"] | None = None,
    negative_weights: Shaped[Tensor, "passages passages"] | None = None,
    temperature: int | float | Float[Tensor, ""] = 0.05,
    pairing_weights: Mapping[str, int | float] = PAIRING_WEIGHTS,
    loss: str = "infonce",
) -> PairingLosses:
    """Contrastive loss of the pairings T1->T1, T2->T2, T1->T2 and T2->T1, from one similarity matrix.

    A view v of passage i asks for its other view (identity) and for both views u of its partners, each with half
    of the partner's weight (cross). With s = cosine / temperature, finding u costs log D(v, u) - s(v, u), where

        decoupled:  D = sum_neg(v) exp s(v, .)
        infonce:    D = exp s(v, u) + sum_neg(v) exp s(v, .)
        gte:        D = exp s(v, u) + sum_neg(v) exp s(v, .) + sum_neg(u) exp s(u, .)
        supcon:     D = sum_pos(v) exp s(v, .) + sum_neg(v) exp s(v, .)

    Negatives are all views of all other passages, of both texts, each times its weight in `negative_weights`; positives
    of v are its other view and both views of each partner, each once whatever its weight. A passage without a partner
    has the identity term alone; one without negatives has no term.

    Args:
        t1, t1_again: Two views of each passage of T1, unit rows.
        t2, t2_again: Two views of each passage of T2, unit rows.
        weights: Alignment, each row's sum 1 or 0. The columns, made to sum to 1, are that of T2->T1.
            None: row i of T1 belongs with row i of T2.
        negative_weights: How much each passage (T1's, then T2's) counts as a negative of each other: 0 excludes it,
            1 counts it fully, and anything between scales its exponential in the sums above. Boolean or floating.
            A passage, its other view and its partners are excluded whatever stands here. None: all 1.
        temperature: Divides the cosine; a tensor gets its gradient.
        pairing_weights: Weight of each of '1to1', '2to2', '1to2' and '2to1' in the total.
        loss: 'infonce', 'decoupled', 'gte' or 'supcon'.

    Returns:
        The total, which is half the weighted sum of the four parts (the mean over the two texts), the parts, and the
        mean of 1 - p over the views that ask across, p being infonce's probability of a partner whatever the loss,
        partners by their weight. If none asks across, the identity pairings stand in; if none asks, it is 0.
        If all rows are equal, with n negatives each and one partner, a part is log(n) decoupled, log(n + 1) with
        infonce, log(2n + 1) with gte and log(n + 3) with supcon, and 1 - p is n / (n + 1).

    Raises:
        ValueError: An unknown loss, pairing weights that are not of the four, or no weights and texts of different
            lengths.

    Source:
        van den Oord et al. 2018, eq. 4 (infonce), https://arxiv.org/abs/1807.03748;
        Yeh et al. 2022, eq. 6 (decoupled), https://arxiv.org/abs/2110.06848;
        Li et al. 2023, improved contrastive loss (gte), https://arxiv.org/abs/2308.03281. They have one view of each
        text and count the positive in two of their four blocks; here it counts once, and negatives with both views;
        Khosla et al. 2020, eq. 2 (supcon), https://arxiv.org/abs/2004.11362, equal to it for one partner each where
        the cross weight is twice the identity weight.
    """
    if set(pairing_weights) != set(PAIRINGS):
        raise ValueError(f"pairing_weights names {sorted(pairing_weights)}; give a weight to each of {PAIRINGS}")
    rows = torch.cat([t1, t1_again, t2, t2_again])
    rows = rows.to(_at_least_float32(rows))
    alignment = _alignment(weights, t1, t2).to(rows)
    found = positives(alignment)

    matrix = _similarity(rows, temperature)
    similarity = matrix[found.anchor, found.candidate]
    # In place: of the matrix, only the negatives are read from here on.
    negatives = _log_negatives(matrix, alignment, negative_weights)
    costs = log_denominators(loss, similarity, negatives, found) - similarity

    n = len(rows)
    identity, cross = costs[:n], _over_partners(costs, found, n)
    # Not >, which would drop rows that are NaN and hide them from the loss.
    judged = negatives != -torch.inf
    crosses = judged & torch.zeros_like(judged).index_fill(0, found.anchor[n:], True)
    of_1 = torch.arange(n, device=rows.device) < 2 * len(t1)
    parts = {
        "1to1": _mean(identity, judged & of_1),
        "2to2": _mean(identity, judged & ~of_1),
        "1to2": _mean(cross, crosses & of_1),
        "2to1": _mean(cross, crosses & ~of_1),
    }
    total = torch.stack([pairing_weights[name] * part for name, part in parts.items()]).sum() / 2
    with torch.no_grad():
        pulls = torch.sigmoid(negatives[found.anchor] - similarity)
        across, at_home = _mean(_over_partners(pulls, found, n), crosses), _mean(pulls[:n], judged)
    return PairingLosses(total, parts, torch.where(crosses.any(), across, at_home))


def _over_partners(values: Float[Tensor, " positives"], found: Positives, n: int) -> Float[Tensor, " rows"]:
    """Mean over the partners of each row, by their share; 0 for a row that has none."""
    return values.new_zeros(n).index_add(0, found.anchor[n:], found.share[n:] * values[n:])


def _similarity(rows: Float[Tensor, "rows dim"], temperature: int | float | Tensor) -> Float[Tensor, "rows rows"]:
    # Without autocast: bfloat16 holds a cosine of .9 over .05 only to the next eighth.
    with torch.autocast(rows.device.type, enabled=False):
        return (rows / temperature) @ rows.T


def _log_negatives(
    matrix: Float[Tensor, "rows rows"],
    alignment: Float[Tensor, "passages_1 passages_2"],
    negative_weights: Shaped[Tensor, "passages passages"] | None,
) -> Float[Tensor, " rows"]:
    """Log of each row's weighted sum of exp over its negatives; -inf where it has none. `matrix` is used up."""
    if negative_weights is not None and negative_weights.dtype != torch.bool:
        # Not log(0): it would make the gradient of the excluded entries NaN instead of 0.
        logs = torch.where(negative_weights > 0, negative_weights, 1.0).log().to(matrix)
        matrix = matrix + by_row(logs, len(alignment))
    return matrix.masked_fill_(excluded_rows(alignment, negative_weights), -torch.inf).logsumexp(dim=1)


def _at_least_float32(rows: Tensor) -> torch.dtype:
    return torch.promote_types(rows.dtype, torch.float32)


def _alignment(weights: Tensor | None, t1: Tensor, t2: Tensor) -> Float[Tensor, "passages_1 passages_2"]:
    if weights is not None:
        return weights
    if len(t1) != len(t2):
        raise ValueError(f"t1 has {len(t1)} rows and t2 has {len(t2)}; pass weights to say which belong together")
    return torch.eye(len(t1), device=t1.device)


def _mean(values: Float[Tensor, " rows"], chosen: Bool[Tensor, " rows"]) -> Float[Tensor, ""]:
    """Mean over the chosen rows; 0 if there is none. Rows left out give no gradient, not even NaN."""
    return torch.where(chosen, values, 0.0).sum() / chosen.sum().clamp(min=1)
