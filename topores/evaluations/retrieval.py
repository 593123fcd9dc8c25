"""Retrieval of partners in the other text, separately for training and held-out passages."""

from collections.abc import Mapping

from jaxtyping import Float
from numpy import ndarray

from topores.domain import Split
from topores.evaluations._subject import Subject


def why_not(subject: Subject) -> str | None:
    """Someone must have a partner to find."""
    return None if len(subject.corpus.pairs) else "the texts have no aligned pairs"


def measured(subject: Subject) -> dict[str, float | None]:
    """MRR and R@1 by direction and side of the split."""
    return metrics_of(subject.ranks)


def metrics_of(ranks: Mapping[tuple[Split, str], Float[ndarray, " queries"]]) -> dict[str, float | None]:
    """MRR and R@1 of ranks by split and direction; None where there are none."""
    found: dict[str, float | None] = {}
    for (split, way), rank in ranks.items():
        found[f"{split}_mrr_{way}"] = float((1 / rank).mean()) if len(rank) else None
        found[f"{split}_recall_at_1_{way}"] = float((rank <= 1).mean()) if len(rank) else None
    return found
