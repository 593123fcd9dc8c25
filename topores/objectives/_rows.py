"""Anchors, their positives and their negatives, as rows of the matrix of all views.

Rows stand in the order t1, t1_again, t2, t2_again; passages in the order T1's, T2's.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


class Positives(NamedTuple):
    """One entry for each anchor and each of its positives: first every row and its other view, in order of rows."""

    anchor: Int[Tensor, " positives"]
    candidate: Int[Tensor, " positives"]
    """The row that the anchor has to find among all candidates."""
    share: Float[Tensor, " positives"]
    """Weight among the positives of this anchor in the other text; they sum to 1. 1 for the other view."""


def positives(alignment: Float[Tensor, "passages_1 passages_2"]) -> Positives:
    """Other views first, then both views of each partner.

    Shares of T1->T2 are the alignment's rows; shares of T2->T1 are its columns, scaled to sum to 1.
    """
    n_1, n_2 = alignment.shape
    rows = torch.arange(2 * (n_1 + n_2), device=alignment.device)
    other_view = torch.cat([part.roll(len(part) // 2) for part in (rows[: 2 * n_1], rows[2 * n_1 :])])
    in_1, in_2 = alignment.nonzero(as_tuple=True)
    weight = alignment[in_1, in_2]
    # Both views of a partner are positives, each with half of its weight.
    there, back = weight / 2, weight / alignment.sum(dim=0)[in_2] / 2
    row_1 = torch.cat([in_1, in_1, n_1 + in_1, n_1 + in_1])
    row_2 = 2 * n_1 + torch.cat([in_2, n_2 + in_2, in_2, n_2 + in_2])
    return Positives(
        anchor=torch.cat([rows, row_1, row_2]),
        candidate=torch.cat([other_view, row_2, row_1]),
        share=torch.cat([alignment.new_ones(len(rows)), there.repeat(4), back.repeat(4)]),
    )


def excluded_rows(
    alignment: Float[Tensor, "passages_1 passages_2"], negative_weights: Shaped[Tensor, "passages passages"] | None
) -> Bool[Tensor, "rows rows"]:
    """Which rows are not negatives of each other: those of one passage, of partners, and those of weight 0.

    Args:
        negative_weights: By passage, boolean or floating, as in `four_pairings`; None for all 1.
    """
    n_1, n_2 = alignment.shape
    pairs = torch.eye(n_1 + n_2, dtype=torch.bool, device=alignment.device)
    pairs[:n_1, n_1:] = alignment > 0
    pairs[n_1:, :n_1] = alignment.T > 0
    if negative_weights is not None:
        pairs |= negative_weights == 0
    return by_row(pairs, n_1)


def by_row(by_passage: Shaped[Tensor, "passages passages"], n_1: int) -> Shaped[Tensor, "rows rows"]:
    """Values for pairs of passages, of which the first `n_1` are T1's, as values for pairs of their rows."""
    first, second = torch.arange(len(by_passage), device=by_passage.device).split([n_1, len(by_passage) - n_1])
    passage = torch.cat([first, first, second, second])
    return by_passage[passage[:, None], passage]
