"""The two passes over the matrix of all cosines that a loss and its gradient take, compiled.

Both read and write the upper triangle alone: a matrix of cosines is symmetric, and so is what each of two rows is to
the other as a negative. Sums are over columns first, in the order of the rows, so the same numbers give the same bits,
and no thread but the caller's is used.
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
@no_type_check  # a type checker's wrapper is nothing that numba could compile
def compiled(dtype: str) -> Kernels:
    """For matrices of 'float32' or 'float64'. They hold no lock of Python.

    weigh   From the Gram matrix of the rows (less the part that stands in `base`, from which row i and column j take
            what is at places[i], places[j]): their cosines, in its place; e^(cosine x sharpness) x 2^shift of the
            negatives, times their weights; each row's sum of these; and the cosines of the pairs.
    slopes  From the derivatives of the loss with respect to each of those sums and to the pairs' cosines: the
            derivative U of the loss by the Gram matrix, in the place of the exponentials, such that U + U^T is that
            of its two halves. Both halves of the diagonal carry what the rows' lengths do. `along` gets, for each
            row, the sum of derivative x cosine over its row and column.
    """
    kind = np.dtype(dtype).type
    power = exponential.compiled(dtype)
    nothing, half = kind(0), kind(0.5)

    # Each loop begins at 0: from a start that it is given, numba would ask at each step whether it counts from the end.
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
