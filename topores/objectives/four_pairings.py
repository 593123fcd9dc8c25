"""Four-pairing contrastive objective: each text asks, and each text answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from topores.domain import PAIRINGS
from topores.text.batches import Batch


class PairingLosses(NamedTuple):
    total: Float[Tensor, ""]
    """What is minimised: the weighted mean of the four."""
    by_pairing: dict[str, Float[Tensor, ""]]
    """'1to1', '2to2', '1to2', '2to1': mean over the passages that ask, in nats, unweighted."""


Views = Callable[[list[str]], Tensor]
"""Any encoder: texts to unit rows (texts, dim), with gradient, a new dropout mask for each row."""


class FourPairings(nn.Module):
    """`four_pairings` on the two views of every passage of a batch."""

    def __init__(self, *, temperature: float, identity_weight: float, cross_weight: float, loss: str) -> None:
        super().__init__()
        self.options: dict[str, Any] = {
            "temperature": temperature,
            "identity_weight": identity_weight,
            "cross_weight": cross_weight,
            "loss": loss,
        }

    def forward(self, encoder: Views, batch: Batch) -> PairingLosses:
        # One pass over all rows: each row gets its own dropout mask, hence two views of each passage.
        rows = encoder([*batch.texts_1, *batch.texts_1, *batch.texts_2, *batch.texts_2])
        n_1, n_2 = len(batch.texts_1), len(batch.texts_2)
        weights = torch.as_tensor(batch.weights, dtype=rows.dtype, device=rows.device)
        spared = torch.as_tensor(batch.not_negative, device=rows.device)
        return four_pairings(*rows.split([n_1, n_1, n_2, n_2]), weights=weights, not_negative=spared, **self.options)

    def after_step(self, encoder: Views) -> None:
        """Nothing to carry over. A teacher or an index would follow the encoder here."""


def build(*, temperature: float, identity_weight: float, cross_weight: float, loss: str) -> FourPairings:
    return FourPairings(temperature=temperature, identity_weight=identity_weight, cross_weight=cross_weight, loss=loss)


def four_pairings(
    t1: Float[Tensor, "passages_1 dim"],
    t1_again: Float[Tensor, "passages_1 dim"],
    t2: Float[Tensor, "passages_2 dim"],
    t2_again: Float[Tensor, "passages_2 dim"],
    *,
    weights: Float[Tensor, "passages_1 passages_2"] | None = None,
    not_negative: Bool[Tensor, "passages passages"] | None = None,
    temperature: float = 0.05,
    identity_weight: float = 0.25,
    cross_weight: float = 0.75,
    loss: str = "infonce",
) -> PairingLosses:
    """Contrastive loss of the pairings T1->T1, T2->T2, T1->T2 and T2->T1, from one similarity matrix.

    For a view v of passage i, its other view v', partners u_j with weights W_ij, and s = cosine / temperature:

        decoupled:  -l_id s(v, v') - l_x sum_j W_ij s(v, u_j) + (l_id + l_x) log sum_neg exp s(v, .)
        infonce:    the same, but each positive also stands in its own denominator

    Negatives are all views of all other passages, of both texts, but for those in `not_negative`.
    A passage without a partner has the identity term alone; one without negatives has no term.

    Args:
        t1, t1_again: Two views of each passage of T1, unit rows.
        t2, t2_again: Two views of each passage of T2, unit rows.
        weights: Alignment, each row's sum 1 or 0. The columns, made to sum to 1, are that of T2->T1.
            None: row i of T1 belongs with row i of T2.
        not_negative: Passages (T1's, then T2's) that must not push each other apart, beside a
            passage and itself and its partners, which never do.
        temperature: Divides the cosine.
        identity_weight: l_id, weight of T1->T1 and T2->T2.
        cross_weight: l_x, weight of T1->T2 and T2->T1.
        loss: 'infonce' or 'decoupled'.

    Returns:
        The total, which is the mean over the two texts of l_id identity + l_x cross, and the four parts.
        If all rows are equal, with n negatives each, a part is log(n) decoupled and log(n + 1) with infonce.

    Raises:
        ValueError: An unknown loss, or no weights and texts of different lengths.

    Source:
        van den Oord et al. 2018, eq. 4 (infonce), https://arxiv.org/abs/1807.03748;
        Yeh et al. 2022, eq. 6 (decoupled), https://arxiv.org/abs/2110.06848
    """
    if loss not in ("infonce", "decoupled"):
        raise ValueError(f"loss is {loss!r}; give 'infonce' or 'decoupled'")
    alignment = _alignment(weights, t1, t2)
    n_1, n_2 = alignment.shape
    rows = torch.cat([t1, t1_again, t2, t2_again])
    # Which passage each row is a view of: T1's twice, then T2's twice.
    first, second = torch.arange(n_1, device=rows.device), torch.arange(n_1, n_1 + n_2, device=rows.device)
    passage = torch.cat([first, first, second, second])
    other_view = torch.cat([first + n_1, first, second + n_1 + n_2, second + n_1])

    similarity = rows @ rows.T / temperature
    answers = _answers(alignment)
    spared = (answers > 0) | torch.eye(n_1 + n_2, dtype=torch.bool, device=rows.device)
    if not_negative is not None:
        spared = spared | not_negative
    negatives = torch.where(spared[passage][:, passage], -torch.inf, similarity).logsumexp(dim=1)

    own = similarity.gather(1, other_view[:, None]).squeeze(1)
    # A partner answers with both of its views, each with half of its weight.
    share = answers[passage][:, passage] / 2
    if loss == "infonce":
        identity = torch.logaddexp(own, negatives) - own
        cross = (share * (torch.logaddexp(similarity, negatives[:, None]) - similarity)).sum(dim=1)
    else:
        identity = negatives - own
        cross = negatives - (share * similarity).sum(dim=1)

    asks = negatives > -torch.inf
    finds = asks & (share.sum(dim=1) > 0)
    of_1 = torch.arange(len(rows), device=rows.device) < 2 * n_1
    parts = (
        _mean(identity, asks & of_1),
        _mean(identity, asks & ~of_1),
        _mean(cross, finds & of_1),
        _mean(cross, finds & ~of_1),
    )
    total = identity_weight * (parts[0] + parts[1]) / 2 + cross_weight * (parts[2] + parts[3]) / 2
    return PairingLosses(total, dict(zip(PAIRINGS, parts, strict=True)))


def _alignment(weights: Tensor | None, t1: Tensor, t2: Tensor) -> Float[Tensor, "passages_1 passages_2"]:
    if weights is not None:
        return weights.to(t1)
    if len(t1) != len(t2):
        raise ValueError(f"t1 has {len(t1)} rows and t2 has {len(t2)}; pass weights to say which belong together")
    return torch.eye(len(t1), dtype=t1.dtype, device=t1.device)


def _answers(alignment: Float[Tensor, "passages_1 passages_2"]) -> Float[Tensor, "passages passages"]:
    """Share of each passage's question that each other passage answers: W above, its columns below."""
    n_1, n_2 = alignment.shape
    columns = alignment.sum(dim=0)
    back = (alignment / torch.where(columns > 0, columns, 1.0)).T
    answers = alignment.new_zeros(n_1 + n_2, n_1 + n_2)
    answers[:n_1, n_1:] = alignment
    answers[n_1:, :n_1] = back
    return answers


def _mean(values: Float[Tensor, " rows"], chosen: Bool[Tensor, " rows"]) -> Float[Tensor, ""]:
    """Mean over the chosen rows; 0 if there is none. Rows left out give no gradient, not even NaN."""
    return torch.where(chosen, values, 0.0).sum() / chosen.sum().clamp(min=1)
