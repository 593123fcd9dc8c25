"""Data of the four cards at the top of the page: the main findings in numbers, each with its null."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from topores.analysis.floors import floor_of, floors_of, noise_of
from topores.analysis.verdict.evidence import SCALE, TURN, compared_at
from topores.analysis.verdict.loops import most_significant
from topores.domain import Analysis, Claim, without_rounding
from topores.quantities import quantity
from topores.report.claims import interval
from topores.report.glossary import hint_of, measure_term, quantity_term
from topores.report.html.numbers import data, percent
from topores.report.language import later, many, say, speak
from topores.report.names import distance_unit, known_number
from topores.report.run.null_data import first_by_chance, own_value, spreads
from topores.sign_flips import ALPHA

Bar = list[tuple[str, float, str, str]]
"""Shares of a whole: look, share, name, and id of the quantity."""


@dataclass(frozen=True)
class Card:
    """All as HTML."""

    question: str
    answer: str
    figure: str
    beside: list[str] = field(default_factory=list)
    """What to compare the figure with, and how to read it."""
    bar: Bar = field(default_factory=list)


LEARNING = {
    "learned": later("Yes, better than before."),
    "learned, then memorised": later("At first; then the training pairs were memorised."),
    "learned at first": later("At first; what is left is not decided."),
    "learned, then lost": later("At first; it was lost again."),
    "memorised": later("No: the training pairs were memorised."),
    "collapsed": later("No: the space collapsed."),
    "frozen": later("No: nothing changed."),
    "unlearned": later("No, worse than before."),
    "no gain": later("No gain worth naming."),
    "no better than shuffled": later("No better than after shuffled pairings."),
    "undecided": later("Not enough data to tell."),
}
"""By the verdict's outcome."""

MOVEMENTS = {
    "turned": later("It rotated."),
    "deformed": later("It was deformed."),
    "scaled": later("It grew or shrank."),
    "turned and deformed": later("It rotated and was deformed."),
    "scaled and turned": later("It grew or shrank, and rotated."),
    "scaled and deformed": later("It grew or shrank, and was deformed."),
    "scaled and turned and deformed": later("It grew or shrank, rotated and was deformed."),
    "moved as a whole": later("Neither: it moved as a whole."),
    "unchanged": later("Neither, beyond noise."),
    "moved": later("The passages moved."),
}

SHARES = (
    ("shared", later("rotated together")),
    ("relative", later("rotated apart")),
    ("shift", later("shifted")),
    ("deformation", later("deformed")),
)
"""Parts of the movement, which add up to 1, in a word or two."""


def cards(analysis: Analysis) -> list[Card]:
    """The cards that have numbers."""
    ends = _Ends(analysis)
    made: list[Callable[[_Ends], Card | None]] = [_collapse, _retrieval, _loops, _movement]
    return [card for card in (make(ends) for make in made) if card is not None]


class _Ends:
    """The first and the last state at the encoder's output, both texts together."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.first, self.last = analysis.first.cycle, analysis.last.cycle
        self.several = len(analysis.states) > 1

    def value(self, measure: str, degree: int | None = None) -> tuple[float | None, float | None]:
        return (
            own_value(self.analysis, measure, degree, self.first),
            own_value(self.analysis, measure, degree, self.last),
        )

    def against_first(self, measure: str) -> float | None:
        found = self.analysis.value(measure, self.last, self.analysis.output, "union", against=self.first)
        return None if found is None else without_rounding(found)

    def figure(self, measure: str, degree: int | None = None) -> str:
        """From the first state to the last; empty if the last was not measured."""
        before, after = self.value(measure, degree)
        if after is None:
            return ""
        return f"{data(before)} → {data(after)}" if self.several and before is not None else data(after)

    def shuffled_value(self, measure: str, degree: int | None = None) -> str:
        """Value of the runs on shuffled pairings at the last state, in words."""
        found = spreads(self.analysis, "shuffled", self.last).get((measure, degree))
        if found is None:
            return ""
        spread = "" if found.deviation is None else f" ± {data(found.deviation)}"
        runs = many(found.draws, "run")
        return say("Shuffled pairings: {mean}{spread} ({runs}).", mean=data(found.mean), spread=spread, runs=runs)

    def noise(self, measure: str) -> str:
        """Noise floor of a number, in words."""
        reach = floor_of(self._floors, measure)
        if reach is None:
            return ""
        return say("Noise of {noise}: ±{reach}", noise=speak(noise_of(self._floors)), reach=data(reach))

    @cached_property
    def _floors(self) -> dict[str, dict[str, float]]:
        cycles = {self.first, self.last}
        return floors_of(self.analysis.nulls, {c: compared_at(self.analysis.measurements, c) for c in cycles})


def _collapse(ends: _Ends) -> Card | None:
    figure, spread = ends.figure("rank_me"), ends.figure("uniformity")
    if not figure:
        return None
    collapsed = "collapsed" in ends.analysis.verdict.every_outcome
    told = say("Yes.") if collapsed else say("No.")
    answer = told if ends.several else say("There is one state, so no change.")
    beside = [
        ends.noise("rank_me"),
        ends.shuffled_value("rank_me"),
        f"{measure_term('uniformity')} {spread}; {hint_of(quantity('uniformity'))}." if spread else "",
    ]
    return _card(say("Did the space collapse?"), answer, f"{measure_term('rank_me')} {figure}", beside)


def _retrieval(ends: _Ends) -> Card | None:
    question = say("Are unseen partners found?")
    if not ends.analysis.trained:
        return None
    answer = say(LEARNING.get(ends.analysis.verdict.outcome, LEARNING["undecided"]))
    if gains := _gains(ends):
        return _card(question, answer, *gains)
    figure = ends.figure("held_out_mrr")
    if not figure:
        return _card(question, answer, say("Nothing was held out."), [])
    recall = _recall(ends)
    beside = [ends.shuffled_value("held_out_mrr"), recall, f"{hint_of(quantity('held_out_mrr'))}."]
    return _card(question, answer, f"{measure_term('held_out_mrr')} {figure}", beside)


def _gains(ends: _Ends) -> tuple[str, list[str]] | None:
    """Gain over the folds, and what stands beside it; None for a run without folds."""
    found = {
        claim.null_of: claim for claim in ends.analysis.verdict.claims if claim.low is not None and not claim.quantity
    }
    if "first" not in found:
        return None
    figure, over = _gain(found["first"]), found.get("shuffled")
    beside = [
        say("95 % interval, over all folds."),
        say("Over shuffled pairings: {gain}.", gain=_gain(over)) if over else "",
        f"{hint_of(quantity('held_out_mrr'))}.",
    ]
    return say("Gain in MRR: {gain}", gain=figure), beside


def _gain(claim: Claim) -> str:
    assert claim.value is not None  # a gain with an interval has a value
    return f"{data(claim.value)} {interval(claim)}"


def _recall(ends: _Ends) -> str:
    """Recall at 1 of held-out passages, mean of both directions."""
    recall, found = quantity("held_out_recall_at_1"), []
    for cycle in (ends.first, ends.last):
        known = [known_number(ends.analysis.metrics_at(cycle).get(key)) for key in recall.logged_as]
        if None in known:
            return ""
        found.append(sum(value for value in known if value is not None) / 2)
    figure = f"{quantity_term(recall)} {data(found[0])} → {data(found[1])}"
    # Runs on shuffled pairings log no recall; that of a random order needs no measurement.
    by_chance = None if ends.analysis.corpus is None else first_by_chance(ends.analysis.corpus)
    return (
        f"{figure}." if by_chance is None else say("{figure}; by chance {share}.", figure=figure, share=data(by_chance))
    )


def _loops(ends: _Ends) -> Card | None:
    analysis = ends.analysis
    figure = ends.figure("total_persistence", 1)
    if not figure:
        return None
    loops = [analysis.loops_at(cycle, analysis.output, "union") for cycle in (ends.first, ends.last)]
    counts = [sum(loop.p < ALPHA for loop in found) for found in loops]
    unseen = None if counts[1] else most_significant(loops[1])
    judged = any(analysis.loops_at(ends.last, analysis.output, cloud) for cloud in analysis.clouds)
    if not judged:
        answer = say("There are no loops to judge.")
    elif counts[1]:
        answer = say("Yes: {loops}.", loops=many(counts[1], "loop"))
    elif unseen and unseen.blind:
        answer = say("This test could not see a loop among so few passages.")
    else:
        answer = say("No loop is longer than chance would produce.")
    before = say("At the first state: {n}.", n=counts[0]) if ends.several and judged else ""
    unit = distance_unit(analysis)
    measured = f"{measure_term('total_persistence', 1)} {figure}{f' {unit}' if unit else ''}"
    beside = [before, ends.noise("total_persistence"), ends.shuffled_value("total_persistence", 1)]
    if unseen and unseen.visible is not None:
        ratio, visible = data(unseen.death / unseen.birth), data(unseen.visible)
        told = say(
            "The largest death / birth is {ratio}; more than {visible} would count.", ratio=ratio, visible=visible
        )
        beside.insert(0, told)
    return _card(say("Loops longer than chance would produce?"), answer, measured, beside)


def _movement(ends: _Ends) -> Card | None:
    if not ends.several:
        return None
    # Parts fitted to all passages are shown for older results alone: they call much of any movement a rotation.
    shares = [(look, ends.against_first(f"movement.{look}"), say(name)) for look, name in SHARES]
    bar = [(look, share, name, f"movement.{look}") for look, share, name in shares if share is not None]
    moved, angle = ends.against_first("change"), ends.against_first("procrustes.angle")
    if moved is None:
        return None
    answer = say(MOVEMENTS.get(ends.analysis.verdict.movement, MOVEMENTS["moved"]))
    of_half = [told for name in (SCALE, TURN) if (told := _told_of_half(ends, name))]
    beside = [
        _by_chance(ends),
        *of_half,
        _rotation(ends, angle) if angle is not None else "",
        ends.noise("change"),
    ]
    figure = say("{moved} of the {spread}", moved=data(moved), spread=quantity_term(quantity("change"), say("spread")))
    return _card(say("Rotated or deformed?"), answer, figure, beside, [] if of_half or len(bar) < len(SHARES) else bar)


def _by_chance(ends: _Ends) -> str:
    """Chance that older results compared one rotation and scale with; empty in all others."""
    claims = ends.analysis.verdict.claims
    found = next((c.null for c in claims if (c.quantity, c.null_of) == ("movement.shared", "chance")), None)
    return "" if found is None else say("Rotated together, by chance: {share}.", share=percent(found))


def _told_of_half(ends: _Ends, name: str) -> str:
    """What scale or rotation predicts of the other half of the passages; empty in older results."""
    found = next((c for c in ends.analysis.verdict.claims if (c.quantity, c.null_of) == (name, "chance")), None)
    if found is None or found.value is None or found.low is None:
        return ""
    return f"{measure_term(name)} {data(found.value)} {interval(found)}."


def _rotation(ends: _Ends, angle: float) -> str:
    """The largest angle, and that between two draws of dropout: some direction always rotates far."""
    alone, title = (
        ends.analysis.null_changes("dropout").get(("procrustes.angle", None)),
        measure_term("procrustes.angle"),
    )
    if not alone:
        return say("{rotation}: {angle} rad.", rotation=title, angle=data(angle))
    return say(
        "{rotation}: {angle} rad; by dropout alone up to {alone} rad.",
        rotation=title, angle=data(angle), alone=data(max(map(without_rounding, alone))),
    )  # fmt: skip


def _card(question: str, answer: str, figure: str, beside: list[str], bar: Bar | None = None) -> Card:
    return Card(question, answer, figure, [line for line in beside if line], bar or [])
