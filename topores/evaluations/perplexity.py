"""Cost of the targets of a language model, by pairing: given their own source, and given that of another passage."""

from topores.backbones.language_model import LanguageModel, concatenation
from topores.domain import PAIRINGS, Split
from topores.evaluations._language_model import evenly, language_model, why_not_language_model
from topores.evaluations._subject import Subject

MOST: dict[Split, int] = {"held_out": 24, "train": 12}
"""Pairs of each side of the split that are asked about, evenly spaced; each is eight concatenations."""


def why_not(subject: Subject) -> str | None:
    """Tokens must be predicted, and a target must have a source."""
    return why_not_language_model(subject) or (None if len(subject.corpus.pairs) else "the texts have no aligned pairs")


def measured(subject: Subject) -> dict[str, float | None]:
    """Mean negative log-likelihood of a target's token in nats, by split and pairing; its exp is the perplexity.

    `..._other` is the same where the source is that of the pair half-way round: what the right source is worth is the
    difference. Given another passage before itself, T1->T1 is an ordinary language model's cost.
    """
    found: dict[str, float | None] = {}
    for split in MOST:
        asked = _concatenations(subject, split)
        for name, texts in asked.items():
            found[f"{split}_nll_{name}"] = _per_token(language_model(subject), texts)
    return found


def _concatenations(subject: Subject, split: Split) -> dict[str, list[str]]:
    """Texts by pairing and, behind that, `_other`."""
    corpus, chosen = subject.corpus, evenly(list(subject.corpus.pairs_in(split)), MOST[split])
    pairs = [(corpus.t1[corpus.pairs.t1[i]].text, corpus.t2[corpus.pairs.t2[i]].text) for i in chosen]
    found: dict[str, list[str]] = {}
    for name in PAIRINGS:
        of_source, of_target = (int(side) - 1 for side in name.split("to"))
        sources, targets = [pair[of_source] for pair in pairs], [pair[of_target] for pair in pairs]
        half = (len(pairs) + 1) // 2
        others = sources[half:] + sources[:half] if len(pairs) > 1 else []
        found[name] = [concatenation(*both) for both in zip(sources, targets, strict=True)]
        found[f"{name}_other"] = [concatenation(*both) for both in zip(others, targets, strict=False)]
    return found


def _per_token(model: LanguageModel, texts: list[str]) -> float | None:
    if not texts:
        return None
    _, _, cost, tokens = model.costs(texts).double().sum(dim=0).tolist()
    return cost / tokens
