"""The tight loop: many cycles of gradient descent on free unit vectors in one compiled call, in float64."""

from collections.abc import Callable
from functools import cache
from typing import no_type_check

import numpy as np
from numba import njit

from topores.training.clock.vectors import Vectors

STEP = 0.5
"""Length of a step, as a share of the temperature."""


@cache
@no_type_check  # a checker of types at run time would put its own calls into what numba compiles
def compiled(pairs: int, dim: int, loss: str) -> Callable[[Vectors, float, int], None]:
    """`run(vectors, temperature, cycles)`, which changes the vectors in place. It holds no lock of Python.

    One cycle is one step of gradient descent on the mean over rows of

        infonce     -s_p + log(e^s_p + sum e^s_j)
        decoupled   -s_p + log(sum e^s_j)

    with s = cosine / temperature, p the row's partner and j its negatives (all rows but itself and its partner). The
    gradient is taken in the tangent space of the spheres, the step is STEP x temperature, and rows are brought back to
    unit length. The same numbers give the same bits on machines whose libm agrees.

    `rows` and `dim` are constants of the compiled code, so that LLVM unrolls sums over them and keeps them in
    registers; loops over lanes go to `n`, which it does not know: it would unroll them before it could vectorise.
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
            # e^((cosine - 1) / temperature): the common -1 keeps all of them in range, and leaves them symmetric.
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
            # Weight of row j in the gradient of row i: p of j for i, and p of i for j.
            for i in range(n):
                own = share[i]
                for j in range(n):
                    weights[i, j] = weights[i, j] * (own + share[j])
            # p - 1 of the partner is minus the sum of the others' p: near the end 1 - p is less than float64's eps.
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
