"""Which numbers of the space changed beyond noise, and which of these changes the pairing caused."""

from topores.analysis.chance import ALPHA
from topores.analysis.verdict import words
from topores.analysis.verdict.collapse import collapse_words, spread_at
from topores.analysis.verdict.evidence import COMPARED, LOOPS, RETRIEVAL, Evidence
from topores.analysis.verdict.part import Part, claim_since_first
from topores.analysis.verdict.shuffled import p_against_shuffled
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity

SPREAD = 0.1
"""Least change of uniformity that is reported, where no noise floor was measured."""


def shape(evidence: Evidence) -> Part:
    """Which numbers changed beyond dropout and resampling, and which of these changes the pairing caused."""
    spread, claims = _spread(evidence)
    names = [n for n in COMPARED if n != RETRIEVAL and n in evidence.own and n in evidence.before]
    changes = {n: evidence.own[n] - evidence.before[n] for n in names}
    floors = {n: evidence.floor(n) for n in names}
    claims += [
        Claim(
            words.change_beside_noise(n, without_dropout=evidence.without_dropout),
            changes[n], floor, None, n, evidence.unit(n), "noise",
        )
        for n, floor in floors.items()
        if floor is not None
    ]  # fmt: skip
    changed = [n for n in names if (floor := floors[n]) is not None and abs(changes[n]) > floor]
    p = p_against_shuffled(evidence)
    caused = [n for n in changed if p.get(n, 1.0) < ALPHA]
    said: str = ""
    if p and caused:
        said = words.attributed_to_pairing(caused, [n for n in changed if n not in caused])
    elif p and changed:
        said = words.not_attributed(changed)
    elif p and any(floors.values()):
        said = Phrase("its shape did not change beyond dropout and resampling")
    return Part(words.parts([spread, _loops_in_all(evidence), said]), claims)


def _spread(evidence: Evidence) -> tuple[str, list[Claim]]:
    """Contracted, spread out or neither, by uniformity."""
    before, after = (spread_at(evidence, evidence.states[i].cycle) for i in (0, -1))
    was, now = before.uniformity, after.uniformity
    if was is None or now is None or before.rank_me is None or after.rank_me is None:
        return "", []
    claims = [
        claim_since_first(evidence, "uniformity", now, was),
        claim_since_first(evidence, "rank_me", after.rank_me, before.rank_me),
    ]
    if collapse_words(evidence):
        return "", claims
    least = max(SPREAD, evidence.floor("uniformity") or 0.0)
    numbers = words.widths(before, after)
    if now > was + least:
        return Phrase("the space contracted ({numbers})", numbers=numbers), claims
    if now < was - least:
        return Phrase("the space spread out ({numbers})", numbers=numbers), claims
    return Phrase("the space kept its spread ({numbers})", numbers=numbers), claims


def _loops_in_all(evidence: Evidence) -> str:
    was, now = (evidence.value(LOOPS, evidence.states[i].cycle) for i in (0, -1))
    if was is None or now is None:
        return ""
    first, last = (evidence.standard_error(LOOPS, evidence.states[i].cycle) for i in (0, -1))
    if first is not None and last is not None:
        return Phrase(
            "{measure} of a subsample went from {was:.2f} ± {first:.2f} to {now:.2f} ± {last:.2f}",
            measure=quantity(LOOPS).phrase, was=was, first=first, now=now, last=last,
        )  # fmt: skip
    floor = evidence.floor(LOOPS)
    return words.loop_persistence(
        was, now, within=floor is not None and abs(now - was) <= floor, without_dropout=evidence.without_dropout
    )
