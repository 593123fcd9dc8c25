"""Anchors, positives and negatives of a batch that is the whole corpus, and what each counts: worked out once."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped

from topores.domain import PAIRINGS
from topores.objectives._rows import by_row, excluded_rows, positives


class Entries(NamedTuple):
    """Entries in the upper triangle of a matrix, in CSR form: row i has columns `column[start[i]:start[i + 1]]`."""

    start: Int[np.ndarray, " ends"]
    column: Int[np.ndarray, " entries"]


class Finds(NamedTuple):
    """One entry for each anchor and each of its positives."""

    anchor: Int[np.ndarray, " finds"]
    candidate: Int[np.ndarray, " finds"]
    """The positive that the anchor has to find."""
    pair: Int[np.ndarray, " finds"]
    """The two in either order: their index in `Task.pairs`."""
    pairing: Int[np.ndarray, " finds"]
    """Index in `PAIRINGS`."""
    share: Float[np.ndarray, " finds"]
    """Weight of this entry in its pairing's loss; 0 where the anchor has no negatives."""
    weight: Float[np.ndarray, " finds"]
    """Weight of this entry in the total."""
    pull_share: Float[np.ndarray, " finds"]
    """Weight of this entry in the mean of 1 - p."""


class Task(NamedTuple):
    """Everything about a batch that does not change between cycles. Rows are t1, t1_again, t2, t2_again."""

    rows: int
    pairing_weights: Float[np.ndarray, " pairings"]
    finds: Finds
    pairs: Entries
    reweighted: Entries
    """Where two rows do not count fully as negatives of each other; the pairs are among these."""
    negative_weight: Float[np.ndarray, " reweighted"]
    """How much they count, by entry of `reweighted`: 0 where they are excluded."""
    has_negatives: Bool[np.ndarray, " rows"]


def make_task(
    alignment: Float[np.ndarray, "passages_1 passages_2"],
    negative_weights: Shaped[np.ndarray, "passages passages"] | None,
    pairing_weights: Mapping[str, int | float],
) -> Task:
    """The four pairings between two views of each passage; the arguments are those of `four_pairings`."""
    weights = torch.as_tensor(alignment, dtype=torch.float64)
    found = positives(weights)
    counts = _counts(weights, None if negative_weights is None else torch.as_tensor(negative_weights))
    anchor, candidate, share = found.anchor.numpy(), found.candidate.numpy(), found.share.numpy()
    rows = len(counts)
    has_negatives = np.any(counts > 0, axis=1)
    keys, pair = np.unique(np.minimum(anchor, candidate) * rows + np.maximum(anchor, candidate), return_inverse=True)

    crosses, of_2 = np.arange(len(anchor)) >= rows, anchor >= 2 * len(alignment)
    pairing = np.where(crosses, 2, 0) + of_2
    chosen = has_negatives[anchor]
    mean = np.zeros_like(share)
    for number in range(len(PAIRINGS)):
        own = chosen & (pairing == number)
        mean[own] = share[own] / max(1, len(np.unique(anchor[own])))
    judged = chosen & crosses if (chosen & crosses).any() else chosen
    pull_share = np.where(judged, share, 0.0) / max(1, len(np.unique(anchor[judged])))
    weight_of_pairing = np.array([pairing_weights[name] for name in PAIRINGS], dtype=np.float64)
    weight = mean * weight_of_pairing[pairing] / 2
    above_1, above_2 = np.nonzero(np.triu(counts != 1, k=1))
    return Task(
        rows=rows,
        pairing_weights=weight_of_pairing,
        finds=Finds(anchor, candidate, pair.reshape(-1), pairing, mean, weight, pull_share),
        pairs=_as_csr(keys // rows, keys % rows, rows),
        reweighted=_as_csr(above_1, above_2, rows),
        negative_weight=counts[above_1, above_2],
        has_negatives=has_negatives,
    )


def _counts(
    alignment: Float[torch.Tensor, "passages_1 passages_2"],
    negative_weights: Shaped[torch.Tensor, "passages passages"] | None,
) -> Float[np.ndarray, "rows rows"]:
    """How much each row counts as a negative of each other, from 0 to 1."""
    none = excluded_rows(alignment, negative_weights)
    if negative_weights is None or negative_weights.dtype == torch.bool:
        return (~none).double().numpy()
    return torch.where(none, 0.0, by_row(negative_weights.double(), len(alignment))).numpy()


def _as_csr(row: Int[np.ndarray, " entries"], column: Int[np.ndarray, " entries"], rows: int) -> Entries:
    """Entries that are sorted by row, in CSR form."""
    return Entries(np.searchsorted(row, np.arange(rows + 1)), np.ascontiguousarray(column))
