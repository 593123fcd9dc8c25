"""What the verdict says of loops: how many are significant now, what could have been seen, and what came between."""

from collections.abc import Sequence

from topores.analysis.verdict import words
from topores.analysis.verdict.evidence import LONGEST_LOOP, LOOPS, Evidence
from topores.analysis.verdict.part import Part, claim_since_first
from topores.analysis.verdict.shuffled import changed_beyond_noise
from topores.domain import Claim, Loop
from topores.phrases import Phrase
from topores.sign_flips import ALPHA
from topores.topology.significance import holm


def loops_of(evidence: Evidence) -> Part:
    """Significant loops of the first and the last state, of the states between, and the order of few rows.

    Whether the last state has a loop is one question, and its p is corrected over the loops of that state alone. That
    any state between has one is another, corrected over those states (Holm), and so are the cells of a whole grid.

    A loop counts as gained or lost only if the longest loop changed too, beyond dropout, resampling and shuffled
    pairings.
    """
    first, last = evidence.states[0].cycle, evidence.states[-1].cycle
    if evidence.value(LOOPS, last) is None:
        return Part()
    own = {cycle: [loop for loop in evidence.loops if loop.cycle == cycle] for cycle in (first, last)}
    count = {cycle: sum(loop.p < ALPHA for loop in loops) for cycle, loops in own.items()}
    best = most_significant(own[last])
    p = None if best is None else best.p
    claims = [claim_since_first(evidence, "significant_loops", float(count[last]), float(count[first]), p)]
    if evidence.cells:
        sure = list(evidence.cells.values())
        what = Phrase("cells (layer, cycle, cloud) with a significant loop, of {n}", n=len(sure))
        claims.append(Claim(what, float(sum(p < ALPHA for p in sure)), None, min(sure)))
    more = count[last] - count[first]
    if not changed_beyond_noise(evidence, LONGEST_LOOP, more):
        more = 0
    if count[last]:
        told: list[str] = [words.loops_now(count[last] - more, count[last], p)]
    else:
        told = [_none_now(evidence, best), words.lost_loops(-more), _of_order(evidence, claims)]
    between = _judge_between(evidence, claims) if not any(count.values()) else ""
    return Part(words.parts([*told, between]), claims, words.loops_gained(more))


def most_significant(loops: Sequence[Loop]) -> Loop | None:
    """The loop of the smallest p, among equals that of the largest ratio death / birth; None if there is none."""
    return min(loops, key=lambda loop: (loop.p, loop.birth / loop.death), default=None)


def unseen(evidence: Evidence) -> bool:
    """Whether the test of the last state could not have seen a loop."""
    last = evidence.states[-1].cycle
    best = most_significant([loop for loop in evidence.loops if loop.cycle == last])
    return best is not None and best.blind


def _none_now(evidence: Evidence, best: Loop | None) -> str:
    """No significant loop at the last state, and what would have been one."""
    if evidence.value(LOOPS, evidence.states[-1].cycle) == 0:
        return Phrase("no loop forms at any distance")
    if best is None:
        return Phrase("loops were not tested")
    return words.no_loop(best, len(evidence.last))


def _judge_between(evidence: Evidence, claims: list[Claim]) -> str:
    """A loop of a state between the first and the last, which have none."""
    states = [state for state in evidence.states[1:-1] if state.cycle in evidence.loop_p]
    if not states:
        return ""
    corrected = holm([evidence.loop_p[state.cycle] for state in states])
    p, place = min(zip(corrected, range(len(states)), strict=True))
    what = Phrase("smallest p of a loop between the first and the last state, over {n} states", n=len(states))
    claims.append(Claim(what, p, None, p, "loop_p", evidence.unit("loop_p")))
    return words.loop_between(states[place], p, len(states)) if p < ALPHA else ""


def _of_order(evidence: Evidence, claims: list[Claim]) -> str:
    """Whether few rows lie around a ring in their given order: a question that tens of points are not needed for."""
    order = evidence.order
    if order is None:
        return ""
    unit = evidence.unit("longest_loop")
    what = Phrase("mean distance of neighbours in the given cyclic order (null: {n} orders)", n=order.orders)
    claims.append(Claim(what, order.step, order.expected, order.p, "", unit, "orders"))
    return words.order_of_rows(order, significant=order.p < ALPHA)
