"""Denominators of the contrastive losses: what a positive competes with."""

import torch
from jaxtyping import Float
from torch import Tensor

from topores.config import LOSSES
from topores.errors import did_you_mean
from topores.objectives._rows import Positives


def log_denominators(
    loss: str,
    similarity: Float[Tensor, " positives"],
    negatives: Float[Tensor, " rows"],
    positives: Positives,
) -> Float[Tensor, " positives"]:
    """log D of `four_pairings` for each positive; the positive's loss is this minus its similarity.

    Args:
        similarity: Cosine over temperature of each anchor and its positive.
        negatives: Log of the sum of exp over each row's negatives; -inf for a row without negatives.
    """
    # index_select, for its gradient is summed in one order, whatever the number of threads.
    of_anchor = negatives.index_select(0, positives.anchor)
    if loss == "decoupled":
        return of_anchor
    if loss == "infonce":
        return torch.logaddexp(similarity, of_anchor)
    if loss == "gte":
        of_candidate = negatives.index_select(0, positives.candidate)
        # Not logaddexp of the two negatives, whose gradient is NaN where neither row has any.
        return torch.stack([similarity, of_anchor, of_candidate]).logsumexp(dim=0)
    if loss == "supcon":
        of_positives = _log_sum_by_anchor(similarity, positives, len(negatives))
        return torch.logaddexp(of_positives, negatives).index_select(0, positives.anchor)
    raise ValueError(f"loss is {loss!r}. {did_you_mean(loss, LOSSES)}")


def _log_sum_by_anchor(
    similarity: Float[Tensor, " positives"], positives: Positives, rows: int
) -> Float[Tensor, " rows"]:
    """Log of the sum over each row's positives; a row has one at least, its own other view."""
    anchor = positives.anchor
    greatest = similarity.new_full((rows,), -torch.inf).scatter_reduce(0, anchor, similarity.detach(), "amax")
    total = similarity.new_zeros(rows).index_add(0, anchor, (similarity - greatest[anchor]).exp())
    return greatest + total.log()
