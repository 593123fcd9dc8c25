"""Phrases as JSON and back, so that a verdict read from a file can be said in another language; no file is trusted."""

import dataclasses
import re
from string import Formatter
from typing import Any

from topores.domain import Claim, Verdict
from topores.phrases import Count, Phrase


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """The verdict in English, and beside it the phrases that it can be said by in another language."""
    phrases = {
        "sentence": phrase_facts(verdict.sentence),
        "headline": phrase_facts(verdict.headline),
        "claims": [phrase_facts(claim.what) for claim in verdict.claims],
    }
    return {**dataclasses.asdict(verdict), "phrases": phrases}


def verdict_of(facts: dict[str, Any]) -> Verdict:
    """What `verdict_facts` made; older results have no phrases, and stay English."""
    own = {name: value for name, value in facts.items() if name not in ("claims", "phrases")}
    claims = tuple(Claim(**claim) for claim in facts["claims"])
    return with_phrases(Verdict(**own, claims=claims), facts.get("phrases", {}))


def with_phrases(verdict: Verdict, phrases: dict[str, Any]) -> Verdict:
    """`verdict`, which is English text, as the phrases that say the same; what they do not say stays text."""
    kept = phrases.get("claims", [None] * len(verdict.claims))
    return dataclasses.replace(
        verdict,
        sentence=phrase_for(verdict.sentence, phrases.get("sentence")),
        headline=phrase_for(verdict.headline, phrases.get("headline")),
        claims=tuple(
            dataclasses.replace(claim, what=phrase_for(claim.what, phrase))
            for claim, phrase in zip(verdict.claims, kept, strict=True)
        ),
    )


def phrase_facts(value: Any) -> Any:
    """A phrase as its template and values; anything else as it is."""
    if isinstance(value, Count):
        return {"count": value.number, "noun": value.noun}
    if not isinstance(value, Phrase):
        return value
    return {"template": value.template, "values": {name: phrase_facts(inner) for name, inner in value.values.items()}}


def phrase_for(english: str, kept: Any) -> str:
    """The phrase that says `english`; the text itself where there is none, or where it says anything else."""
    try:
        phrase = _phrase_of(kept)
    except (KeyError, TypeError, ValueError, AttributeError):
        return english
    return phrase if isinstance(phrase, Phrase) and phrase == english else english


def _phrase_of(kept: Any) -> Any:
    """What `phrase_facts` was given.

    Raises:
        ValueError: A place is not one of ours: results come from anywhere, and a width of 10^9 would fill the memory.
    """
    if not isinstance(kept, dict):
        return kept
    if "noun" in kept:
        return Count(kept["count"], kept["noun"])
    specs = [spec or "" for _, name, spec, _ in Formatter().parse(kept["template"]) if name is not None]
    if not all(re.fullmatch(r",?(\.\d)?[fg%]?", spec) for spec in specs):
        raise ValueError(kept["template"])
    return Phrase(kept["template"], **{name: _phrase_of(inner) for name, inner in kept["values"].items()})
