"""The four cards on top of the page: what was found, in numbers, with the null beside each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from topores.analysis.chance import ALPHA
from topores.analysis.verdict.evidence import MOVED, TURN, compared_at, floors_of
from topores.domain import Analysis
from topores.report.glossary import term
from topores.report.html.numbers import data, percent, settled
from topores.report.language import later, many, say
from topores.report.run.null_data import changes_by, first_by_chance, own_value, spreads
from topores.report.run.readings import distance_unit, known_number, trained

Bar = list[tuple[str, float, str, str]]
"""Shares of a whole: look, share, name, and its word in the glossary."""


@dataclass(frozen=True)
class Card:
    """All as HTML."""

    question: str
    answer: str
    figure: str
    beside: list[str] = field(default_factory=list)
    """What the figure is to be held against, and how it is to be read."""
    bar: Bar = field(default_factory=list)


LEARNING = {
    "learned": later("Yes, better than before."),
    "memorised": later("No: the pairs were learned by heart."),
    "collapsed": later("No: the space collapsed."),
    "frozen": later("No: nothing changed."),
    "unlearned": later("No, worse than before."),
    "no better than shuffled": later("No better than after shuffled pairings."),
    "undecided": later("It cannot be told."),
}
"""By the verdict's outcome."""

MOVEMENTS = {
    "turned": later("It turned."),
    "deformed": later("It was deformed."),
    "turned and deformed": later("It turned, and was deformed."),
    "unchanged": later("Neither, beyond noise."),
    "moved": later("The passages moved."),
}

SHARES = (
    ("shared", later("turned as one"), "shared rotation"),
    ("relative", later("turned apart"), "relative rotation"),
    ("shift", later("shifted"), "shift of the texts"),
    ("deformation", later("deformed"), "own deformation"),
)
"""Parts of the movement, which add up to 1: the part, in a word or two, and its word in the glossary."""


def cards(analysis: Analysis) -> list[Card]:
    """Those for which there are numbers."""
    ends = _Ends(analysis)
    made: list[Callable[[_Ends], Card | None]] = [_collapse, _retrieval, _loops, _movement]
    return [card for card in (make(ends) for make in made) if card is not None]


class _Ends:
    """The first and the last state at the encoder's output, both texts together."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.first, self.last = analysis.states[0].cycle, analysis.states[-1].cycle
        self.several = len(analysis.states) > 1

    def value(self, measure: str, degree: int | None = None) -> tuple[float | None, float | None]:
        return (
            own_value(self.analysis, measure, degree, self.first),
            own_value(self.analysis, measure, degree, self.last),
        )

    def against_first(self, measure: str) -> float | None:
        found = self.analysis.value(measure, self.last, self.analysis.layers[-1], "union", against=self.first)
        return None if found is None else settled(found)

    def figure(self, measure: str, degree: int | None = None) -> str:
        """From the first state to the last; nothing where the last was not measured."""
        before, after = self.value(measure, degree)
        if after is None:
            return ""
        return f"{data(before)} → {data(after)}" if self.several and before is not None else data(after)

    def shuffled(self, measure: str, degree: int | None = None) -> str:
        """What runs on shuffled pairings reach at the last state, in words."""
        found = spreads(self.analysis, "shuffled", self.last).get((measure, degree))
        if found is None:
            return ""
        spread = "" if found.deviation is None else f" ± {data(found.deviation)}"
        runs = many(found.draws, "run")
        return say("Shuffled pairings: {mean}{spread} ({runs}).", mean=data(found.mean), spread=spread, runs=runs)

    def noise(self, measure: str) -> str:
        """How far dropout and the choice of passages alone move a number, in words."""
        known = [floor[measure] for floor in self._floors.values() if measure in floor]
        return say("Dropout or other passages alone: ± {reach}.", reach=data(max(known))) if known else ""

    @cached_property
    def _floors(self) -> dict[str, dict[str, float]]:
        cycles = {self.first, self.last}
        return floors_of(self.analysis.nulls, {c: compared_at(self.analysis.measurements, c) for c in cycles})


def _collapse(ends: _Ends) -> Card | None:
    figure, spread = ends.figure("rank_me"), ends.figure("uniformity")
    if not figure:
        return None
    collapsed = ends.analysis.verdict.outcome == "collapsed"
    told = say("Yes.") if collapsed else say("No.")
    answer = told if ends.several else say("One state: no change can be seen.")
    beside = [
        ends.noise("rank_me"),
        ends.shuffled("rank_me"),
        f"{term('uniformity', say('Uniformity'))} {spread}; {say('lower: more evenly spread')}." if spread else "",
    ]
    return _card(say("Did the space collapse?"), answer, f"{term('RankMe')} {figure}", beside)


def _retrieval(ends: _Ends) -> Card | None:
    question = say("Are unseen partners found?")
    if not trained(ends.analysis):
        return None
    answer = say(LEARNING.get(ends.analysis.verdict.outcome, LEARNING["undecided"]))
    figure = ends.figure("held_out_mrr")
    if not figure:
        return _card(question, answer, say("Nothing was held out."), [])
    recall = _recall(ends)
    beside = [ends.shuffled("held_out_mrr"), recall, say("1: always found first.")]
    return _card(question, answer, f"{term('held out', say('held-out'))} {term('MRR')} {figure}", beside)


def _recall(ends: _Ends) -> str:
    """Recall at 1 of held-out passages, mean of both directions."""
    found = []
    for cycle in (ends.first, ends.last):
        line = next((line for line in ends.analysis.metrics if line.get("cycle") == cycle), {})
        known = [known_number(line.get(f"held_out_recall_at_1_{way}")) for way in ("1to2", "2to1")]
        if None in known:
            return ""
        found.append(sum(value for value in known if value is not None) / 2)
    figure = f"{term('R@1')} {data(found[0])} → {data(found[1])}"
    # The runs on shuffled pairings keep no recall; what a random order gives is known without them.
    by_chance = None if ends.analysis.corpus is None else first_by_chance(ends.analysis.corpus)
    return (
        f"{figure}." if by_chance is None else say("{figure}; by chance {share}.", figure=figure, share=data(by_chance))
    )


def _loops(ends: _Ends) -> Card | None:
    analysis = ends.analysis
    figure = ends.figure("total_persistence", 1)
    if not figure:
        return None
    counts = [
        sum(loop.p < ALPHA and loop.cloud == "union" for loop in analysis.loops if loop.cycle == cycle)
        for cycle in (ends.first, ends.last)
    ]
    judged = any(loop.cycle == ends.last for loop in analysis.loops)
    if not judged:
        answer = say("There are no loops to judge.")
    elif counts[1]:
        answer = say("Yes: {loops}.", loops=many(counts[1], "loop"))
    else:
        answer = say("No loop beats the null.")
    before = say("Loops beyond it at the first state: {n}.", n=counts[0]) if ends.several and judged else ""
    unit = distance_unit(analysis)
    measured = f"{term('total persistence', say('Total persistence'))} {figure}{f' {unit}' if unit else ''}"
    beside = [before, ends.noise("total_persistence"), ends.shuffled("total_persistence", 1)]
    return _card(say("Loops beyond chance?"), answer, measured, beside)


def _movement(ends: _Ends) -> Card | None:
    if not ends.several:
        return None
    shares = [(look, ends.against_first(f"movement.{look}"), say(name), word) for look, name, word in SHARES]
    bar = [(look, share, name, word) for look, share, name, word in shares if share is not None]
    moved, angle = ends.against_first("change"), ends.against_first("procrustes.angle")
    if moved is None:
        return None
    answer = say(MOVEMENTS.get(ends.analysis.verdict.movement, MOVEMENTS["moved"]))
    # The changes have one draw of it, the verdict the mean of many: here stands what the verdict says.
    by_chance = next((claim.null for claim in ends.analysis.verdict.claims if claim.what == MOVED[TURN]), None)
    beside = [
        say("Turned as one by chance: {share}.", share=percent(by_chance)) if by_chance is not None else "",
        _rotation(ends, angle) if angle is not None else "",
        ends.noise("change"),
    ]
    figure = say("{moved} of the {spread}", moved=data(moved), spread=term("change", say("spread")))
    return _card(say("Turned or deformed?"), answer, figure, beside, bar if len(bar) == len(SHARES) else [])


def _rotation(ends: _Ends, angle: float) -> str:
    """The largest angle beside that between two draws of dropout: some direction always turns far."""
    alone = changes_by(ends.analysis, "dropout").get(("procrustes.angle", None))
    if not alone:
        return say("Largest {rotation}: {angle} rad.", rotation=term("rotation"), angle=data(angle))
    return say(
        "Largest {rotation}: {angle} rad; by dropout alone up to {alone} rad.",
        rotation=term("rotation"), angle=data(angle), alone=data(max(alone)),
    )  # fmt: skip


def _card(question: str, answer: str, figure: str, beside: list[str], bar: Bar | None = None) -> Card:
    return Card(question, answer, figure, [line for line in beside if line], bar or [])
