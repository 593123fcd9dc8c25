"""Whether a map settles when it is repeated: how much closer its steps come, and its spectral radius at a point."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

ROUNDS = 12
"""Steps of the power iteration; the mean is over the second half."""

SMALL = 1e-3
"""Size of a difference for the derivative, as a share of the point: far above float32's rounding, which is 1e-7."""

Step = Callable[[Tensor], Tensor]


def contraction_ratio(step: Step, start: Tensor) -> float:
    """|s3 - s2| / |s2 - s1| of the states that follow `start`, s1; 0 if the first step moves nothing."""
    second = step(start)
    first_move, second_move = (second - start).norm(), (step(second) - second).norm()
    return float(second_move / first_move) if first_move > 0 else 0.0


def spectral_radius(step: Step, at: Tensor, *, seed: int = 0) -> float:
    """Spectral radius of the derivative of `step` at a point, by power iteration with differences.

    Of a map that treats the parts of a batch apart it is that of the part with the largest.

    Source:
        Golub and Van Loan 2013, Matrix Computations, section 7.3.1.
    """
    draw = torch.Generator().manual_seed(seed)
    size, there = SMALL * at.norm(), step(at)
    change, growth = torch.randn(at.shape, generator=draw).to(at), []
    for _ in range(ROUNDS):
        small = change * (size / change.norm())
        change = step(at + small) - there
        growth.append(float(change.norm() / size))
        if not math.isfinite(growth[-1]) or growth[-1] == 0:
            return growth[-1]
    late = growth[ROUNDS // 2 :]
    # A mean over several rounds: a pair of complex eigenvalues makes single ones swing.
    return math.exp(sum(map(math.log, late)) / len(late))
