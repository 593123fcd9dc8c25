"""Many cycles of gradient descent on free unit vectors in one compiled call, in float64."""

from collections.abc import Callable
from functools import cache
from typing import no_type_check

import numpy as np
from numba import njit

from topores.training.clock.vectors import Vectors

STEP = 0.5
"""Learning rate divided by the temperature."""


@cache
@no_type_check  # a runtime type checker would insert its own calls into the code that numba compiles
def compile_cycles(pairs: int, dim: int, loss: str) -> Callable[[Vectors, float, int], None]:
    """Compile `run(vectors, temperature, cycles)`, which changes the vectors in place and releases Python's GIL.

    One cycle is one step of gradient descent on the mean over rows of

        infonce     -s_p + log(e^s_p + sum e^s_j)
        decoupled   -s_p + log(sum e^s_j)

    with s = cosine / temperature, p the row's partner and j its negatives (all rows but itself and its partner). The
    gradient is projected onto the tangent space of the sphere, the learning rate is STEP x temperature, and rows are
    renormalised to unit length. Equal inputs give bit-equal results on machines whose libm agrees.

    `rows` and `dim` are compile-time constants, so that LLVM unrolls sums over them and keeps them in registers.
    Loops that should vectorise run to `n`, which is not a constant: LLVM would unroll them first.
    """
    rows = 2 * pairs
    positives = loss == "infonce"

    @njit(nogil=True, error_model="numpy")
    def run(x: Vectors, temperature: float, cycles: int) -> None:
        n, half = len(x), len(x) // 2
        sharpness, step = 1 / temperature, STEP / rows
        columns = np.empty((dim, rows))
        weights = np.empty((rows, rows))
        gradient, gradient_columns = np.empty((rows, dim)), np.empty((dim, rows))
        negatives, share, stay, length = np.empty(rows), np.empty(rows), np.empty(rows), np.empty(rows)
        for _ in range(cycles):
            for k in range(dim):
                for i in range(n):
                    columns[k, i] = x[i, k]
            # e^((cosine - 1) / temperature): the -1 cancels in p, keeps values in range and the matrix symmetric.
            for i in range(n):
                for j in range(n):
                    total = -1.0
                    for k in range(dim):
                        total += x[i, k] * columns[k, j]
                    weights[i, j] = total * sharpness
            for i in range(n):
                for j in range(i):
                    value = np.exp(weights[i, j])
                    weights[i, j] = value
                    weights[j, i] = value
                weights[i, i] = 0.0
            for i in range(half):
                value = weights[i, i + pairs] if positives else 0.0
                share[i] = value
                share[i + pairs] = value
                weights[i, i + pairs] = 0.0
                weights[i + pairs, i] = 0.0
            for j in range(n):
                total = 0.0
                for i in range(rows):
                    total += weights[i, j]
                negatives[j] = total
            for i in range(n):
                share[i] = 1 / (negatives[i] + share[i])
            # Weight of row j in the gradient of row i: softmax p of j given i, plus p of i given j.
            for i in range(n):
                own = share[i]
                for j in range(n):
                    weights[i, j] = weights[i, j] * (own + share[j])
            # p - 1 of the partner is computed as minus the sum of the others' p: 1 - p would round to 0 near the end.
            for i in range(half):
                value = -(negatives[i] * share[i] + negatives[i + pairs] * share[i + pairs])
                weights[i, i + pairs] = value
                weights[i + pairs, i] = value
            for i in range(n):
                for k in range(dim):
                    total = 0.0
                    for j in range(rows):
                        total += weights[i, j] * x[j, k]
                    gradient[i, k] = total
            for k in range(dim):
                for i in range(n):
                    gradient_columns[k, i] = gradient[i, k]
            for i in range(n):
                total = 0.0
                for k in range(dim):
                    total += gradient_columns[k, i] * columns[k, i]
                stay[i] = 1 + step * total
                length[i] = 0.0
            for k in range(dim):
                for i in range(n):
                    value = columns[k, i] * stay[i] - step * gradient_columns[k, i]
                    columns[k, i] = value
                    length[i] += value * value
            for i in range(n):
                length[i] = 1 / np.sqrt(length[i])
            for i in range(n):
                for k in range(dim):
                    x[i, k] = columns[k, i] * length[i]

    return run
