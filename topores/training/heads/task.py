"""Who asks for whom, with which part in the losses: worked out once, for a batch that is the whole corpus."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from topores.domain import PAIRINGS
from topores.objectives._rows import positives, spared


class Entries(NamedTuple):
    """Places in the upper triangle of a matrix, row by row: those of row i are `column[start[i]:start[i + 1]]`."""

    start: Int[np.ndarray, " ends"]
    column: Int[np.ndarray, " entries"]


class Finds(NamedTuple):
    """A line for each row that is to be found, and by whom."""

    asker: Int[np.ndarray, " finds"]
    answer: Int[np.ndarray, " finds"]
    pair: Int[np.ndarray, " finds"]
    """The two as one, whoever asks: where it stands among `Task.pairs`."""
    pairing: Int[np.ndarray, " finds"]
    """Of `PAIRINGS`."""
    share: Float[np.ndarray, " finds"]
    """What its cost counts in its pairing's loss; 0 where the asker has no negatives."""
    weight: Float[np.ndarray, " finds"]
    """What it counts in the total."""
    pull_share: Float[np.ndarray, " finds"]
    """What its 1 - p counts in their mean."""


class Task(NamedTuple):
    """The rows are t1, t1_again, t2, t2_again, as in `four_pairings`."""

    rows: int
    pairing_weights: Float[np.ndarray, " pairings"]
    finds: Finds
    pairs: Entries
    spared: Entries
    """No negatives of each other; the pairs are among them."""
    has_negatives: Bool[np.ndarray, " rows"]


def task_of(
    alignment: Float[np.ndarray, "passages_1 passages_2"],
    not_negative: Bool[np.ndarray, "passages passages"] | None,
    pairing_weights: Mapping[str, int | float],
) -> Task:
    """The four pairings between two views of each passage; the arguments are those of `four_pairings`."""
    weights = torch.as_tensor(alignment, dtype=torch.float64)
    found = positives(weights)
    none: np.ndarray = spared(weights, None if not_negative is None else torch.as_tensor(not_negative)).numpy()
    asker, answer, share = found.asker.numpy(), found.answer.numpy(), found.share.numpy()
    rows = len(none)
    has_negatives = np.any(~none, axis=1)
    keys, pair = np.unique(np.minimum(asker, answer) * rows + np.maximum(asker, answer), return_inverse=True)

    crosses, of_2 = np.arange(len(asker)) >= rows, asker >= 2 * len(alignment)
    pairing = np.where(crosses, 2, 0) + of_2
    chosen = has_negatives[asker]
    mean = np.zeros_like(share)
    for number in range(len(PAIRINGS)):
        of_pairing = chosen & (pairing == number)
        mean[of_pairing] = share[of_pairing] / max(1, len(np.unique(asker[of_pairing])))
    judged = chosen & crosses if (chosen & crosses).any() else chosen
    pull_share = np.where(judged, share, 0.0) / max(1, len(np.unique(asker[judged])))
    of_pairings = np.array([pairing_weights[name] for name in PAIRINGS], dtype=np.float64)
    weight = mean * of_pairings[pairing] / 2
    above_1, above_2 = np.nonzero(np.triu(none, k=1))
    return Task(
        rows=rows,
        pairing_weights=of_pairings,
        finds=Finds(asker, answer, pair.reshape(-1), pairing, mean, weight, pull_share),
        pairs=_entries(keys // rows, keys % rows, rows),
        spared=_entries(above_1, above_2, rows),
        has_negatives=has_negatives,
    )


def _entries(row: Int[np.ndarray, " entries"], column: Int[np.ndarray, " entries"], rows: int) -> Entries:
    """From places that stand row by row."""
    return Entries(np.searchsorted(row, np.arange(rows + 1)), np.ascontiguousarray(column))
