"""Geometry of the space of all passages: alignment, uniformity, RankMe and the modality gap."""

import numpy as np
from jaxtyping import Int

from topores.domain import Corpus
from topores.evaluations._subject import Subject
from topores.outcomes import FEW_PASSAGES
from topores.topology import alignment, modality_gap, rank_me, uniformity


def why_not(subject: Subject) -> str | None:
    """Alignment needs partners."""
    return None if len(subject.corpus.pairs) else "the texts have no aligned pairs"


def measured(subject: Subject) -> dict[str, float | None]:
    """Measures over all passages and of how wide each text is; alignment over T1 passages and strongest partners."""
    partner_1, partner_2 = strongest_partners(subject.corpus)
    union = np.concatenate([subject.rows_1, subject.rows_2])
    of_texts: dict[str, float | None] = {}
    for side, rows in (("t1", subject.rows_1), ("t2", subject.rows_2)):
        enough = len(rows) >= FEW_PASSAGES
        of_texts |= {
            f"uniformity_{side}": uniformity(rows) if enough else None,
            f"rank_me_{side}": rank_me(rows) if enough else None,
        }
    return {
        "alignment": alignment(subject.rows_1[partner_1], subject.rows_2[partner_2]),
        "uniformity": uniformity(union),
        "rank_me": rank_me(union),
        "modality_gap": modality_gap(subject.rows_1, subject.rows_2),
        **of_texts,
    }


def strongest_partners(corpus: Corpus) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """For each T1 passage that has partners: the passage, and its partner of the largest weight."""
    pairs = corpus.pairs
    by_weight = np.lexsort((-pairs.weight, pairs.t1))
    _, first = np.unique(pairs.t1[by_weight], return_index=True)
    best = by_weight[first]
    return pairs.t1[best], pairs.t2[best]
