"""A verdict as JSON and back, with the phrases by which it can be said in another language."""

import dataclasses
from typing import Any

from topores.domain import Claim, Verdict
from topores.phrases import phrase_facts, phrase_for


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """The verdict in English, and beside it the phrases that it is made of."""
    phrases = {
        "sentence": phrase_facts(verdict.sentence),
        "headline": phrase_facts(verdict.headline),
        "claims": [phrase_facts(claim.what) for claim in verdict.claims],
    }
    return {**dataclasses.asdict(verdict), "phrases": phrases}


def verdict_of(facts: dict[str, Any]) -> Verdict:
    """The verdict that `verdict_facts` wrote. Older results lack phrases, so their text stays English."""
    own = {name: value for name, value in facts.items() if name not in ("claims", "phrases")}
    claims = tuple(Claim(**claim) for claim in facts["claims"])
    own["outcomes"] = tuple(own.get("outcomes", ()))
    return with_phrases(Verdict(**own, claims=claims), facts.get("phrases", {}))


def with_phrases(verdict: Verdict, phrases: dict[str, Any]) -> Verdict:
    """`verdict`, which is English text, as the phrases that say the same; text without a phrase stays text."""
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


def claim_facts(claim: Claim) -> dict[str, Any]:
    """What `--json` prints of a claim."""
    return {"what": claim.what, "value": claim.value, "null": claim.null, "p": claim.p}
