"""Which numbers of the space changed beyond noise, and which of these changes the pairing caused."""

from topores.analysis.floors import RESAMPLE, noise_of
from topores.analysis.verdict import words
from topores.analysis.verdict.collapse import collapse_words, spread_at
from topores.analysis.verdict.evidence import COMPARED, GAP, LOOPS, RETRIEVAL, Evidence
from topores.analysis.verdict.part import Part, claim_since_first
from topores.analysis.verdict.shuffled import p_against_shuffled
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.sign_flips import ALPHA

SPREAD = 0.1
"""Least change of uniformity that is reported, where no noise floor was measured."""
LEAST_GAP = 0.2
"""Least change of the distance of the texts' centres, in chords, that is reported."""
LOST = 0.75
"""Share of RankMe below which the space lost directions."""


def shape(evidence: Evidence) -> Part:
    """Which numbers changed beyond noise, and which of these changes the pairing caused."""
    spread, claims = _spread(evidence)
    names = [n for n in COMPARED if n != RETRIEVAL and n in evidence.own and n in evidence.before]
    changes = {n: evidence.own[n] - evidence.before[n] for n in names}
    floors = {n: evidence.floor(n) for n in names}
    claims += [
        Claim(
            words.change_beside_noise(n, noise_of(evidence.floors)),
            changes[n], floor, None, n, evidence.unit(n), "noise", *_interval(evidence, n, changes[n]),
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
        said = Phrase("its shape did not change beyond {noise}", noise=noise_of(evidence.floors))
    gap, title = _gap(evidence)
    return Part(words.parts([spread, gap, _loops_in_all(evidence), said]), claims, title)


def _interval(evidence: Evidence, name: str, change: float) -> tuple[float | None, float | None]:
    """95 % interval of a change over the choice of passages."""
    reach = evidence.floors.get(RESAMPLE, {}).get(name)
    return (None, None) if reach is None else (change - reach, change + reach)


def _gap(evidence: Evidence) -> tuple[Phrase | str, Phrase | str]:
    """Whether a gap between the texts opened or closed, in words and for the headline."""
    if GAP not in evidence.own or GAP not in evidence.before:
        return "", ""
    was, now, floor = evidence.before[GAP], evidence.own[GAP], evidence.floor(GAP) or 0.0
    if abs(now - was) <= max(LEAST_GAP, floor):
        return "", ""
    if now > was:
        return words.gap_opened(was, now, floor), Phrase("a gap opened between the texts")
    return words.gap_closed(was, now, floor), Phrase("the gap between the texts narrowed")


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
    if after.rank_me < min(LOST * before.rank_me, before.rank_me - (evidence.floor("rank_me") or 0.0)):
        return Phrase("the space is as wide, in fewer directions ({numbers})", numbers=numbers), claims
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
        was, now, noise=noise_of(evidence.floors) if floor is not None and abs(now - was) <= floor else None
    )
