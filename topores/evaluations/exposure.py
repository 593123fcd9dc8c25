"""Exposure of canaries: how much surer a language model is of random lines it was trained on than of others."""

import math

from topores.evaluations._language_model import language_model, why_not_language_model
from topores.evaluations._subject import Subject
from topores.objectives.next_token import NextToken


def why_not(subject: Subject) -> str | None:
    """Canaries must have been trained."""
    reason = why_not_language_model(subject)
    if reason is None and not (isinstance(subject.objective, NextToken) and subject.objective.canaries):
        reason = "no canaries are trained (--canaries)"
    return reason


def measured(subject: Subject) -> dict[str, float | None]:
    """Mean over the canaries of log2 of all lines over the canary's rank by cost among lines never trained, in bits.

    With 255 others it is 8 if a canary is the likeliest, and 1.4 on average by chance.

    Source:
        Carlini et al. 2019, equation 4 (exposure by sampling), https://arxiv.org/abs/1802.08232.
    """
    model, objective = language_model(subject), subject.objective
    assert isinstance(objective, NextToken)  # `why_not` saw to it
    costs = model.costs([*objective.canaries, *objective.references])[:, 0]
    trained, others = costs[: len(objective.canaries)], costs[len(objective.canaries) :]
    ranks = 1 + (others[None, :] <= trained[:, None]).sum(dim=1)
    return {"exposure": sum(math.log2((len(others) + 1) / rank) for rank in ranks.tolist()) / len(trained)}
