"""Group a batch into blocks of texts of similar length, so that little of it is padding."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Group(NamedTuple):
    """Texts that share one padded block."""

    texts: Int[np.ndarray, " texts"]
    """Indices into the batch, shortest text first."""
    tokens: int
    """Length of the longest text, to which the others are padded."""

    @property
    def size(self) -> int:
        """Tokens of the block, including padding."""
        return len(self.texts) * self.tokens


def length_groups(lengths: Int[np.ndarray, " texts"], *, overhead: int) -> list[Group]:
    """Partition a batch to minimise padding plus `overhead` per block; exact, by dynamic programming.

    Args:
        lengths: Tokens of each text.
        overhead: Cost of one more block, in tokens: its attention calls compared with the work of the linear layers.

    Returns:
        Groups from short to long. Texts of equal length are never separated.
    """
    order = np.argsort(lengths, kind="stable")
    length, count = np.unique(lengths, return_counts=True)
    before = np.concatenate([[0], np.cumsum(count)])
    # cheapest[j]: cost of the j shortest lengths. The last block has lengths i..j-1, all padded to length[j-1].
    cheapest, start = np.zeros(len(length) + 1), np.zeros(len(length) + 1, dtype=np.int64)
    for j in range(1, len(length) + 1):
        costs = cheapest[:j] + length[j - 1] * (before[j] - before[:j]) + overhead
        start[j] = costs.argmin()
        cheapest[j] = costs[start[j]]
    groups, j = [], len(length)
    while j > 0:
        i = int(start[j])
        groups.append(Group(order[before[i] : before[j]], int(length[j - 1])))
        j = i
    return groups[::-1]
