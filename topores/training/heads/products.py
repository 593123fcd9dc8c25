"""Products with the upper triangle of a matrix, in blocks, so that little of the rest is computed; on one thread."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

BLOCKS = 4
"""The rest of the triangle costs a BLOCKS-th of it; smaller blocks lose more by being small."""


def upper_product(
    left: Float[Tensor, "rows dim"], right: Float[Tensor, "rows dim"], out: Float[Tensor, "rows rows"], beta: int = 0
) -> None:
    """left @ right^T, on the diagonal and above it, added to `beta` times what stands there."""
    for first, last in _blocks(len(left)):
        block = out[first:last, first:]
        torch.addmm(block, left[first:last], right[first:].T, beta=beta, out=block)


def by_upper(
    upper: Float[Tensor, "rows rows"], right: Float[Tensor, "rows dim"], out: Float[Tensor, "rows dim"]
) -> None:
    """U right; below its diagonal, U holds zeros."""
    for first, last in _blocks(len(upper)):
        torch.mm(upper[first:last, first:], right[first:], out=out[first:last])


def by_both(
    upper: Float[Tensor, "rows rows"], right: Float[Tensor, "rows dim"], out: Float[Tensor, "rows dim"]
) -> None:
    """(U + U^T) right; below its diagonal, U holds zeros."""
    by_upper(upper, right, out)
    for first, last in _blocks(len(upper)):
        out[first:].addmm_(upper[first:last, first:].T, right[first:last])


@contextmanager
def one_thread() -> Iterator[None]:
    """Several would share sums out among them, and so decide their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _blocks(rows: int) -> list[tuple[int, int]]:
    return [(rows * block // BLOCKS, rows * (block + 1) // BLOCKS) for block in range(BLOCKS)]
