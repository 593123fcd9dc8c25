"""Retrieval on both sides of the split."""

import numpy as np
from jaxtyping import Float

from topores.domain import Corpus, Split
from topores.text.retrieval import ranks


def retrieval(
    rows_1: Float[np.ndarray, "passages_1 dim"],
    rows_2: Float[np.ndarray, "passages_2 dim"],
    corpus: Corpus,
    split: Split,
) -> dict[str, float | None]:
    """MRR and R@1 of both directions on one side of the split."""
    found: dict[str, float | None] = {}
    for direction in ("1to2", "2to1"):
        rank = ranks(rows_1, rows_2, corpus, split, direction)
        found[f"{split}_mrr_{direction}"] = float((1 / rank).mean()) if len(rank) else None
        found[f"{split}_recall_at_1_{direction}"] = float((rank <= 1).mean()) if len(rank) else None
    return found
