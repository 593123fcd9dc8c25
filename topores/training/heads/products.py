"""Products with the upper triangle of a matrix, in blocks that skip most of the lower one; on one thread."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

BLOCKS = 4
"""Work wasted below the diagonal is 1 / BLOCKS of the triangle; smaller blocks lose more to overhead."""


def upper_product(
    left: Float[Tensor, "rows dim"], right: Float[Tensor, "rows dim"], out: Float[Tensor, "rows rows"], beta: int = 0
) -> None:
    """out = left @ right^T + beta * out, on and above the diagonal."""
    for first, last in _blocks(len(left)):
        block = out[first:last, first:]
        torch.addmm(block, left[first:last], right[first:].T, beta=beta, out=block)


def upper_times(
    upper: Float[Tensor, "rows rows"], right: Float[Tensor, "rows dim"], out: Float[Tensor, "rows dim"]
) -> None:
    """out = U right, for an upper triangular U."""
    for first, last in _blocks(len(upper)):
        torch.mm(upper[first:last, first:], right[first:], out=out[first:last])


def symmetric_times(
    upper: Float[Tensor, "rows rows"], right: Float[Tensor, "rows dim"], out: Float[Tensor, "rows dim"]
) -> None:
    """out = (U + U^T) right, for an upper triangular U."""
    upper_times(upper, right, out)
    for first, last in _blocks(len(upper)):
        out[first:].addmm_(upper[first:last, first:].T, right[first:last])


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread: several would split sums among them, and so change their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _blocks(rows: int) -> list[tuple[int, int]]:
    return [(rows * block // BLOCKS, rows * (block + 1) // BLOCKS) for block in range(BLOCKS)]
