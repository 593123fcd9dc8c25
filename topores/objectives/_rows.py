"""Who asks, who answers and who is a negative, as rows of the matrix of all views.

Rows stand in the order t1, t1_again, t2, t2_again; passages in the order T1's, T2's.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Positives(NamedTuple):
    """A line for each row that is to be found, and by whom: first every row's other view, in their order."""

    asker: Int[Tensor, " positives"]
    answer: Int[Tensor, " positives"]
    share: Float[Tensor, " positives"]
    """Part of what the asker asks across that the answer is; they sum to 1 for each asker. 1 for its other view."""


def positives(alignment: Float[Tensor, "passages_1 passages_2"]) -> Positives:
    """Other views, then both views of each partner; W gives the shares of 1->2, and its columns those of 2->1."""
    n_1, n_2 = alignment.shape
    rows = torch.arange(2 * (n_1 + n_2), device=alignment.device)
    other_view = torch.cat([part.roll(len(part) // 2) for part in (rows[: 2 * n_1], rows[2 * n_1 :])])
    in_1, in_2 = alignment.nonzero(as_tuple=True)
    weight = alignment[in_1, in_2]
    # A partner answers with both of its views, each with half of its weight.
    there, back = weight / 2, weight / alignment.sum(dim=0)[in_2] / 2
    row_1 = torch.cat([in_1, in_1, n_1 + in_1, n_1 + in_1])
    row_2 = 2 * n_1 + torch.cat([in_2, n_2 + in_2, in_2, n_2 + in_2])
    return Positives(
        asker=torch.cat([rows, row_1, row_2]),
        answer=torch.cat([other_view, row_2, row_1]),
        share=torch.cat([alignment.new_ones(len(rows)), there.repeat(4), back.repeat(4)]),
    )


def spared(
    alignment: Float[Tensor, "passages_1 passages_2"], not_negative: Bool[Tensor, "passages passages"] | None
) -> Bool[Tensor, "rows rows"]:
    """Which rows are no negatives of each other: of one passage, of partners, or named in `not_negative`."""
    n_1, n_2 = alignment.shape
    pairs = torch.eye(n_1 + n_2, dtype=torch.bool, device=alignment.device)
    pairs[:n_1, n_1:] = alignment > 0
    pairs[n_1:, :n_1] = alignment.T > 0
    if not_negative is not None:
        pairs |= not_negative
    first, second = torch.arange(n_1 + n_2, device=alignment.device).split([n_1, n_2])
    passage = torch.cat([first, first, second, second])
    return pairs[passage[:, None], passage]
