"""Loops of the first and the last state that are longer than chance would produce."""

from topores.analysis.chance import ALPHA
from topores.analysis.verdict import words
from topores.analysis.verdict.evidence import LONGEST_LOOP, LOOPS, Evidence
from topores.analysis.verdict.part import Part, claim_since_first
from topores.analysis.verdict.shuffled import changed_beyond_noise
from topores.domain import Claim
from topores.phrases import Phrase


def loops_of(evidence: Evidence) -> Part:
    """Significant loops of the first and the last state, and cells (layer, cycle, cloud) that have one.

    A loop counts as gained or lost only if the longest loop changed too, beyond dropout, resampling and shuffled
    pairings.
    """
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    if evidence.value(LOOPS, last) is None:
        return Part()
    own = {cycle: [loop for loop in evidence.loops if loop.cycle == cycle] for cycle in (first, last)}
    count = {cycle: sum(loop.p < ALPHA for loop in loops) for cycle, loops in own.items()}
    best = min((loop.p for loop in own[last]), default=None)
    claims = [claim_since_first(evidence, "significant_loops", float(count[last]), float(count[first]), best)]
    if evidence.cells:
        sure = list(evidence.cells.values())
        what = Phrase("cells (layer, cycle, cloud) with a significant loop, of {n}", n=len(sure))
        claims.append(Claim(what, float(sum(p < ALPHA for p in sure)), None, min(sure)))
    more = count[last] - count[first]
    if not changed_beyond_noise(evidence, LONGEST_LOOP, more):
        more = 0
    return Part(words.loops_now(count[last] - more, count[last], best), claims, words.loops_gained(more))
