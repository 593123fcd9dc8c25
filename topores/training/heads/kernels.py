"""The two compiled passes over the matrix of all cosines that a loss and its gradient need.

Both read and write the upper triangle only: cosines are symmetric, and so are the weights of negatives. Sums run over
columns first, in the order of the rows, on the caller's thread, so that equal inputs give equal bits.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, no_type_check

import numpy as np
from numba import njit

from topores.training.heads import exponential

QUICK = {"contract", "nsz", "reassoc"}
"""NaN stays NaN."""


class Kernels(NamedTuple):
    weigh: Callable[..., None]
    slopes: Callable[..., None]


@cache
@no_type_check  # numba cannot compile the wrapper that a run-time type checker puts around it
def compiled(dtype: str) -> Kernels:
    """The passes for matrices of 'float32' or 'float64'. They release Python's global lock.

    weigh   Input: the Gram matrix of the rows, to which base[places[i], places[j]] is added at (i, j). Output: cosines,
            in its place; e^(cosine x sharpness) x 2^shift of the negatives, times their weights; each row's sum of
            these; and the cosines of the pairs.
    slopes  Input: derivatives of the loss with respect to each of those sums and to the pairs' cosines. Output, in
            place of the exponentials: U such that U + U^T is the derivative of the loss with respect to the Gram
            matrix. The diagonal, in two halves, carries the effect of the rows' lengths. `along` is, for each row, the
            sum of derivative x cosine over its row and column.
    """
    kind = np.dtype(dtype).type
    power = exponential.compiled(dtype)
    nothing, half = kind(0), kind(0.5)

    # Each loop begins at 0: with another start, numba would check at every step whether the index is negative.
    @njit(nogil=True, fastmath=QUICK, error_model="numpy")
    def take(row: Any, places: Any, out: Any) -> None:
        for j in range(len(out)):
            out[j] = row[places[j]]

    @njit(nogil=True, fastmath=QUICK, error_model="numpy")
    def to_exponentials(row: Any, base: Any, inverse: Any, own: Any, sharpness: Any, shift: Any, out: Any) -> None:
        for j in range(len(row)):
            cosine = (row[j] + base[j]) * (own * inverse[j])
            row[j] = cosine
            out[j] = power(cosine * sharpness, shift)

    @njit(nogil=True, fastmath=QUICK, error_model="numpy")
    def add_up(row: Any, sums: Any) -> Any:
        total = nothing
        for j in range(len(row)):
            total += row[j]
            sums[j] += row[j]
        return total

    @njit(nogil=True, error_model="numpy")
    def weigh(
        gram: Any, base: Any, places: Any, inverse: Any, exponentials: Any, sums: Any, of_pairs: Any,
        sharpness: Any, shift: Any, weighted_start: Any, weighted: Any, pairs_start: Any, pairs: Any,
        weights: Any,
    ) -> None:  # fmt: skip
        taken = np.zeros_like(sums)
        sums[:] = nothing
        for i in range(len(gram)):
            after = i + 1
            if len(base) > 0:
                take(base[places[i]], places[after:], taken[after:])
            to_exponentials(
                gram[i, after:], taken[after:], inverse[after:], inverse[i], sharpness, shift, exponentials[i, after:]
            )
            for entry in range(weighted_start[i], weighted_start[i + 1]):
                exponentials[i, weighted[entry]] *= weights[entry]
            for entry in range(pairs_start[i], pairs_start[i + 1]):
                of_pairs[entry] = gram[i, pairs[entry]]
            sums[i] += add_up(exponentials[i, after:], sums[after:])

    @njit(nogil=True, fastmath=QUICK, error_model="numpy")
    def to_slopes(row: Any, by_sum: Any, own: Any) -> None:
        for j in range(len(row)):
            row[j] *= own + by_sum[j]

    @njit(nogil=True, fastmath=QUICK, error_model="numpy")
    def to_gram(row: Any, cosine: Any, along: Any, inverse: Any, own: Any) -> Any:
        total = nothing
        for j in range(len(row)):
            product = row[j] * cosine[j]
            total += product
            along[j] += product
            row[j] *= own * inverse[j]
        return total

    @njit(nogil=True, error_model="numpy")
    def slopes(
        exponentials: Any,
        cosines: Any,
        inverse: Any,
        by_sum: Any,
        by_pair: Any,
        along: Any,
        pairs_start: Any,
        pairs: Any,
    ) -> None:
        along[:] = nothing
        for i in range(len(cosines)):
            after, row = i + 1, exponentials[i]
            to_slopes(row[after:], by_sum[after:], by_sum[i])
            for entry in range(pairs_start[i], pairs_start[i + 1]):
                row[pairs[entry]] += by_pair[entry]
            along[i] += to_gram(row[after:], cosines[i, after:], along[after:], inverse[after:], inverse[i])
            row[i] = -half * along[i] * inverse[i] * inverse[i]

    return Kernels(weigh, slopes)
