"""Exposure of canaries: how much surer a language model is of random lines it was trained on than of others."""

import math

from topores.evaluations._language_model import language_model, why_not_language_model
from topores.evaluations._subject import Subject
from topores.text.canaries import Canaries


def why_not(subject: Subject) -> str | None:
    """Canaries must have been trained."""
    return why_not_language_model(subject) or (None if _canaries(subject) else "no canaries are trained (--canaries)")


def measured(subject: Subject) -> dict[str, float | None]:
    """Mean over the canaries of log2 of all lines over the canary's rank by cost among lines never trained, in bits.

    With 255 others it is 8 if a canary is the likeliest, and 1.4 on average by chance.

    Source:
        Carlini et al. 2019, equation 4 (exposure by sampling), https://arxiv.org/abs/1802.08232.
    """
    canaries = _canaries(subject)
    assert canaries is not None  # `why_not` saw to it
    costs = language_model(subject).costs([*canaries.trained, *canaries.others])[:, 0]
    trained, others = costs[: len(canaries.trained)], costs[len(canaries.trained) :]
    ranks = 1 + (others[None, :] <= trained[:, None]).sum(dim=1)
    return {"exposure": sum(math.log2((len(others) + 1) / rank) for rank in ranks.tolist()) / len(trained)}


def _canaries(subject: Subject) -> Canaries | None:
    """Those of the objective, if it trains any."""
    found = vars(subject.objective).get("canaries")
    return found if isinstance(found, Canaries) and found.trained else None
