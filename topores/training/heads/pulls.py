"""The loss of each positive, and its derivatives with respect to the similarity and to the sums over negatives."""

from collections.abc import Callable
from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit

from topores.config import LOSSES


@cache
@no_type_check  # numba cannot compile the wrapper that a run-time type checker puts around it
def compiled() -> Callable[..., None]:
    """`pulls(loss, ...)`: sums the losses of `four_pairings` in float64, in the order of the finds.

    All four losses are -log(e^s / D), where D contains sums over negatives. The derivative with respect to a negative
    is therefore its exponential times a factor of its row. The function fills:

        losses      the loss of each pairing, and the mean of 1 - p
        by_sum      derivative of the total with respect to each row's sum over negatives
        by_pair     derivative of the total with respect to the similarity of each pair

    `loss` is an index in `LOSSES`, so that one function is compiled for all four. 1 - p is computed as negatives / D,
    not from p, so that it keeps its digits near 0.
    """
    of_decoupled, of_gte, of_supcon = (LOSSES.index(name) for name in ("decoupled", "gte", "supcon"))

    @njit(nogil=True, error_model="numpy")
    def pulls(
        loss: int, anchor: Any, candidate: Any, pair: Any, pairing: Any, share: Any, weight: Any, pull_share: Any,
        of_pairs: Any, sums: Any, sharpness: float, shift: float, losses: Any, by_sum: Any, by_pair: Any,
    ) -> None:  # fmt: skip
        decoupled, gte, supcon = loss == of_decoupled, loss == of_gte, loss == of_supcon
        powers = np.exp(of_pairs * sharpness + shift * np.log(2.0))
        found = np.zeros(len(sums))
        if supcon:
            for q in range(len(anchor)):
                found[anchor[q]] += powers[pair[q]]
        losses[:] = 0.0
        by_sum[:] = 0.0
        by_pair[:] = 0.0
        for q in range(len(anchor)):
            if share[q] == 0.0 and pull_share[q] == 0.0:
                continue
            own, negatives = powers[pair[q]], sums[anchor[q]]
            losses[4] += pull_share[q] * negatives / (own + negatives)
            # `beside` is D without the positive itself.
            beside = negatives
            if gte:
                beside += sums[candidate[q]]
            if supcon:
                beside += found[anchor[q]] - own
            whole = beside if decoupled else own + beside
            losses[pairing[q]] += share[q] * (np.log(beside / own) if decoupled else np.log1p(beside / own))
            by_sum[anchor[q]] += weight[q] / whole
            if gte:
                by_sum[candidate[q]] += weight[q] / whole
            by_pair[pair[q]] -= weight[q] * (1.0 if decoupled or supcon else beside / whole)
        if supcon:
            # D contains all positives of the anchor, and each of its finds has that D.
            for q in range(len(anchor)):
                by_pair[pair[q]] += powers[pair[q]] * by_sum[anchor[q]]

    return pulls
