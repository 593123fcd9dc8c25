"""Retrieval of partners in the other text, separately for training and held-out passages."""

import numpy as np
from jaxtyping import Float

from topores.domain import Corpus, Split
from topores.evaluations._subject import Subject
from topores.text.retrieval import ranks


def why_not(subject: Subject) -> str | None:
    """Someone must have a partner to find."""
    return None if len(subject.corpus.pairs) else "the texts have no aligned pairs"


def measured(subject: Subject) -> dict[str, float | None]:
    """MRR and R@1 by direction and side of the split."""
    found = [retrieval(subject.rows_1, subject.rows_2, subject.corpus, split) for split in ("train", "held_out")]
    return found[0] | found[1]


def retrieval(
    rows_1: Float[np.ndarray, "passages_1 dim"],
    rows_2: Float[np.ndarray, "passages_2 dim"],
    corpus: Corpus,
    split: Split,
) -> dict[str, float | None]:
    """MRR and R@1 of both directions, among the passages of one side of the split; None where it has no pairs."""
    found: dict[str, float | None] = {}
    for direction in ("1to2", "2to1"):
        rank = ranks(rows_1, rows_2, corpus, split, direction)
        found[f"{split}_mrr_{direction}"] = float((1 / rank).mean()) if len(rank) else None
        found[f"{split}_recall_at_1_{direction}"] = float((rank <= 1).mean()) if len(rank) else None
    return found
