"""How much of the training texts a language model says by heart, once it is given how a passage begins."""

from collections.abc import Sequence

from topores.backbones.language_model import LanguageModel
from topores.evaluations._language_model import (
    LONGEST,
    evenly,
    language_model,
    passages_in,
    why_not_language_model,
)
from topores.evaluations._subject import Subject

PREFIXES = (16, 32, 50)
"""Tokens that are given."""

SHORTEST = 4
"""Tokens that must be left to continue: fewer are guessed."""

MOST = 48
"""Training passages that are asked for, evenly spaced."""


def why_not(subject: Subject) -> str | None:
    """Tokens must be predicted."""
    return why_not_language_model(subject)


def measured(subject: Subject) -> dict[str, float | None]:
    """By prefix: the share of training passages whose next tokens, up to 50 and to the end, are said without a fault.

    The passage is given as a source, and continued greedily. None where no passage is long enough.

    Source:
        Carlini et al. 2022, definition 3.1, https://arxiv.org/abs/2202.07646, here on a sample of short passages.
    """
    model = language_model(subject)
    tokens = [model.tokens_of(passage.text) for passage in evenly(passages_in(subject, "train"), MOST)]
    return {f"extraction_{prefix}": _share(model, tokens, prefix) for prefix in PREFIXES}


def _share(model: LanguageModel, passages: Sequence[list[int]], prefix: int) -> float | None:
    asked = [tokens for tokens in passages if len(tokens) >= prefix + SHORTEST]
    if not asked:
        return None
    rest = [tokens[prefix : prefix + LONGEST] for tokens in asked]
    prompts = [[model.marks.start, *tokens[:prefix]] for tokens in asked]
    said = model.continuations(prompts, max(map(len, rest)))
    return sum(one[: len(own)] == own for one, own in zip(said, rest, strict=True)) / len(asked)
