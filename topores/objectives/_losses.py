"""What a positive competes with: the denominators of the losses."""

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
    """log D of `four_pairings`, for each positive; what it costs is this less its similarity.

    Args:
        similarity: Cosine over temperature of each positive's asker and answer.
        negatives: Log of the sum over each row's negatives; -inf where it has none.
    """
    # index_select, for its gradient is summed in one order, whatever the number of threads.
    of_asker = negatives.index_select(0, positives.asker)
    if loss == "decoupled":
        return of_asker
    if loss == "infonce":
        return torch.logaddexp(similarity, of_asker)
    if loss == "gte":
        of_answer = negatives.index_select(0, positives.answer)
        # Not logaddexp of the two negatives, whose gradient is NaN where neither row has any.
        return torch.stack([similarity, of_asker, of_answer]).logsumexp(dim=0)
    if loss == "supcon":
        of_positives = _log_sum_by_asker(similarity, positives, len(negatives))
        return torch.logaddexp(of_positives, negatives).index_select(0, positives.asker)
    raise ValueError(f"loss is {loss!r}. {did_you_mean(loss, LOSSES)}")


def _log_sum_by_asker(
    similarity: Float[Tensor, " positives"], positives: Positives, rows: int
) -> Float[Tensor, " rows"]:
    """Log of the sum over each row's positives; a row has one at least, its own other view."""
    asker = positives.asker
    greatest = similarity.new_full((rows,), -torch.inf).scatter_reduce(0, asker, similarity.detach(), "amax")
    total = similarity.new_zeros(rows).index_add(0, asker, (similarity - greatest[asker]).exp())
    return greatest + total.log()
