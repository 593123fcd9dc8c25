"""Whether the space collapsed, or the passages of one text."""

from collections.abc import Iterator

from topores.analysis.verdict import words
from topores.analysis.verdict.evidence import Evidence
from topores.outcomes import FEW_PASSAGES, Spread, is_collapsed
from topores.phrases import Phrase
from topores.topology import rank_me, uniformity
from topores.topology.points import unit_rows


def collapse_words(evidence: Evidence) -> str:
    """Words for a collapse of the space, or of one text's passages; empty if there is none."""
    before, now = (spread_at(evidence, evidence.states[i].cycle) for i in (0, -1))
    if is_collapsed(before, now):
        return Phrase("the space collapsed ({numbers})", numbers=words.widths(before, now))
    for name, before, now in _spreads_of_texts(evidence):
        if is_collapsed(before, now):
            numbers = words.widths(before, now)
            return Phrase("the passages of {text} collapsed ({numbers})", text=name, numbers=numbers)
    return ""


def spread_at(evidence: Evidence, cycle: int) -> Spread:
    return Spread(evidence.value("uniformity", cycle), evidence.value("rank_me", cycle))


def _spreads_of_texts(evidence: Evidence) -> Iterator[tuple[str, Spread, Spread]]:
    """Each text's name, and how wide its passages were at the first and the last state."""
    for name, own in evidence.texts.items():
        before, now = unit_rows(evidence.first[own]), unit_rows(evidence.last[own])
        if len(before) >= FEW_PASSAGES:
            yield name, Spread(uniformity(before), rank_me(before)), Spread(uniformity(now), rank_me(now))
