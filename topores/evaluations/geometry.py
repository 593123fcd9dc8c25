"""What a logged cycle says of the space: geometry, and retrieval on both sides of the split."""

import numpy as np
from jaxtyping import Float, Int

from topores.domain import Corpus
from topores.evaluations.retrieval import retrieval
from topores.topology import alignment, modality_gap, rank_me, uniformity


def evaluate(
    rows_1: Float[np.ndarray, "passages_1 dim"], rows_2: Float[np.ndarray, "passages_2 dim"], corpus: Corpus
) -> dict[str, float | None]:
    """Metrics of one state of the encoder, from unit rows without dropout.

    Geometry is over all passages; alignment over each T1 passage and its strongest partner.
    Retrieval asks and answers within one side of the split (None where that side has no pairs).
    """
    partner_1, partner_2 = _strongest(corpus)
    union = np.concatenate([rows_1, rows_2])
    measured: dict[str, float | None] = {
        "alignment": alignment(rows_1[partner_1], rows_2[partner_2]),
        "uniformity": uniformity(union),
        "rank_me": rank_me(union),
        "modality_gap": modality_gap(rows_1, rows_2),
    }
    for split in ("train", "held_out"):
        measured |= retrieval(rows_1, rows_2, corpus, split)
    return measured


def _strongest(corpus: Corpus) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """For each T1 passage with partners, that passage and the partner of the largest weight."""
    pairs = corpus.pairs
    by_weight = np.lexsort((-pairs.weight, pairs.t1))
    _, first = np.unique(pairs.t1[by_weight], return_index=True)
    best = by_weight[first]
    return pairs.t1[best], pairs.t2[best]
