"""The verdict: one sentence and the claims behind it. Each rule has a file; words.py holds their sentences.

A change is claimed only if it exceeds what noise and the choice of passages produce; it is attributed to the pairing
only if runs on shuffled pairings do not show it too. A number without a null is reported and not tested.
"""

from collections.abc import Sequence

from topores.analysis.verdict import words
from topores.analysis.verdict.clusters import clusters_of
from topores.analysis.verdict.evidence import Evidence
from topores.analysis.verdict.learning import learning, retrieval_claims
from topores.analysis.verdict.loops import loops_of
from topores.analysis.verdict.moving import movement_of
from topores.analysis.verdict.one_state import verdict_of_one_state
from topores.analysis.verdict.part import Part, is_trained
from topores.analysis.verdict.shape import shape
from topores.domain import Verdict
from topores.phrases import Phrase


def judge(evidence: Evidence, seed: int) -> Verdict:
    """The sentence, its claims and its headline."""
    if len(evidence.states) == 1:
        return verdict_of_one_state(evidence)
    span = words.span(evidence.states[0], evidence.states[-1], trained=is_trained(evidence))
    if evidence.nothing_moved:
        loops = loops_of(evidence)
        about = [*retrieval_claims(evidence, seed), *loops.claims]
        if between := evidence.moved_between:
            back = words.parts([words.moved_and_came_back(between), loops.words])
            told = Phrase("{span} {told}.", span=span, told=back)
            return Verdict(told, tuple(about), "", "unchanged", Phrase("Back where it began"))
        still = Phrase("{span} nothing changed: every passage is where it was.", span=span)
        return Verdict(still, tuple(about), "frozen", "unchanged", Phrase("Nothing changed"), ("frozen",))
    outcomes, learned = learning(evidence, seed)
    outcome = outcomes[0] if outcomes else ""
    movement, moved = movement_of(evidence, seed)
    parts = [learned, moved, shape(evidence), clusters_of(evidence), loops_of(evidence)]
    sentence = Phrase("{span} {told}.", span=span, told=words.parts([part.words for part in parts]))
    claims = tuple(claim for part in parts for claim in part.claims)
    return Verdict(sentence, claims, outcome, movement, _headline(evidence, outcome, parts), outcomes)


def _headline(evidence: Evidence, outcome: str, parts: Sequence[Part]) -> Phrase:
    """What the rules claim, most important first; of a collapsed space nothing else is reported."""
    titles = [part.title for part in parts if part.title]
    if outcome == "collapsed":
        return words.parts(titles[:1])
    if outcome:
        return words.parts(titles)
    if not titles:
        return Phrase("No change beyond chance")
    return Phrase("{n} states: {told}", n=len(evidence.states), told=words.parts(titles))
