"""The verdict of a comparison: one sentence and the claims behind it.

All rules stand in this file, their words in comparison_words.py. A difference is claimed only where the spread of runs
that differ in the seed alone bears it. Where there is no such spread the numbers are told, and said to be numbers.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from topores.analysis.chance import ALPHA
from topores.analysis.comparison import words as words
from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.corpora import differing_options
from topores.analysis.comparison.evidence import EQUAL_LOSS, Judged, at_cycle
from topores.analysis.comparison.replicates import Difference, Group
from topores.analysis.comparison.run import COUNTED, LOOPS, QUANTITIES, RETRIEVAL, ComparedRun
from topores.analysis.verdict.words import listed, parts
from topores.domain import Claim, Verdict
from topores.phrases import Count, Phrase, joined

SPREAD = 0.1
"""Change of uniformity that is worth a word, in its own unit."""

TOLD = ("uniformity", "procrustes.residual", LOOPS, EQUAL_LOSS)
"""Quantities that the sentence tells with their numbers; others that differ are named."""

MOST_NAMED = 3
"""Differences of a kind that the sentence tells one by one."""


def judge_comparison(comparison: Comparison) -> Verdict:
    """The sentence and its claims, as phrases."""
    judged = Judged(comparison)
    if len(judged.groups) == 1:
        return _replicates(judged)
    rules = (_retrieval, _others, _spread, _movement, _equal_loss, _loops, _corpora, _bearing)
    found = [told for rule in rules if (told := rule(judged))] or [Phrase("nothing can be compared")]
    span = _span(judged)
    sentence = Phrase("{span}: {told}.", span=span, told=parts(found))
    return Verdict(sentence, tuple(_claims(judged)), headline=_headline(judged, span, found[0]))


def _headline(judged: Judged, span: Phrase, first: str) -> Phrase:
    """What is told first, which is whether unseen partners are found, and no more of it than is judged."""
    if all(len(group.runs) == 1 for group in judged.groups):
        return Phrase("{span}: {told} (one run each, so not judged)", span=span, told=first)
    return Phrase("{span}: {told}", span=span, told=first)


def _span(judged: Judged) -> Phrase:
    comparison = judged.comparison
    return words.span(
        len(comparison.runs),
        len(judged.groups),
        judged.end,
        same_texts=comparison.same_texts,
        first_in_common=bool(comparison.cycles),
    )


# What the seeds bear.


def _retrieval(judged: Judged) -> str:
    """Who finds unseen partners better, if the seeds bear it."""
    found = judged.of(RETRIEVAL)
    if not found:
        return Phrase("held-out retrieval is not known of all") if judged.end is not None else ""
    if borne := _borne(found):
        return words.found_better(borne[:MOST_NAMED], len(borne) - MOST_NAMED)
    widest = judged.widest(RETRIEVAL)
    assert widest is not None
    return words.retrieval(words.numbers(widest, len(judged.groups)), widest.p)


def _others(judged: Judged) -> str:
    """What else differs, of all that was compared where there are seeds to judge by."""
    tested = [d for d in judged.differences if d.quantity != RETRIEVAL and d.p is not None]
    borne = {d.quantity: _borne([other for other in tested if other.quantity == d.quantity]) for d in _borne(tested)}
    told = [_differing(borne[name], judged) for name in TOLD if name in borne]
    rest = [measure for name, measure in QUANTITIES.items() if name in borne and name not in TOLD]
    if len(rest) > 1:
        told.append(Phrase("{measures} differ beyond what seeds do", measures=listed(rest)))
    elif rest:
        told.append(Phrase("{measure} differs beyond what seeds do", measure=rest[0]))
    if tested and not told:
        return Phrase("nothing else differs beyond what seeds do")
    return parts(told)


def _differing(borne: Sequence[Difference], judged: Judged) -> Phrase:
    """The surest difference of one quantity, and how many more pairs of kinds differ in it."""
    surest, further = borne[0], len(borne) - 1
    if surest.quantity == "uniformity":
        return words.wider(surest, further)
    return words.greater(words.quantity(surest.quantity, judged.level), surest, further)


def _borne(found: Sequence[Difference]) -> list[Difference]:
    """Differences that seeds do not explain, the surest first."""
    return sorted((d for d in found if d.p is not None and d.p < ALPHA), key=lambda d: d.p or 0.0)


# What is told without a spread to judge by.


def _untested(quantity: str, judged: Judged) -> Difference | None:
    """The widest difference of a quantity, where nothing says how far luck reaches."""
    widest = judged.widest(quantity)
    return widest if widest is not None and widest.p is None else None


def _spread(judged: Judged) -> str:
    """Whose space spread out, and whose contracted: the widest at the end and the narrowest."""
    widest, end = _untested("uniformity", judged), judged.end
    if widest is None or end is None:
        return ""
    (wide, of_wide), (narrow, of_narrow) = (_spread_of(group, end) for group in (widest.lesser, widest.greater))
    return words.spreads(wide, narrow, words.outcome(of_wide, of_narrow), len(judged.groups))


def _spread_of(group: Group, end: int) -> tuple[Phrase, Phrase]:
    """How uniformity changed, and what became of the space."""
    now = group.values(partial(at_cycle, "uniformity", end))
    was = group.values(lambda run: next(iter(run.values["uniformity"].values()), None))
    # Else there were no difference.
    assert was
    assert now
    before, after = sum(was) / len(was), sum(now) / len(now)
    told = Phrase("from {before:.2f} to {after:.2f} in {kind}", before=before, after=after, kind=group.told)
    if after > before + SPREAD:
        return told, words.CONTRACTED
    return told, words.SPREAD_OUT if after < before - SPREAD else words.KEPT


def _movement(judged: Judged) -> str:
    """Whose space deformed: what rotation and scale leave of the movement."""
    widest = _untested("procrustes.residual", judged)
    if widest is None:
        return ""
    numbers = words.numbers(widest, len(judged.groups))
    return Phrase("rotation and scale leave a deformation of {numbers}", numbers=numbers)


def _equal_loss(judged: Judged) -> str:
    """Where loops differ although the loss is the same."""
    widest = _untested(EQUAL_LOSS, judged)
    if widest is None:
        return ""
    numbers = words.numbers(widest, len(judged.groups))
    return Phrase(
        "at an equal loss of {level:.2g} total loop persistence is {numbers}", level=judged.level, numbers=numbers
    )


def _corpora(judged: Judged) -> str:
    """Which groups were trained on different corpora, and what would make these equal."""
    found = judged.of_other_corpora
    if not found:
        return ""
    one, other = found[0]
    return words.other_corpora(one, other, differing_options(one.runs, other.runs), len(found) - 1)


def _bearing(judged: Judged) -> str:
    """What is told only, because nothing says how far luck reaches."""
    if all(d.p is not None for d in judged.differences):
        return ""
    if all(len(group.runs) == 1 for group in judged.groups):
        return Phrase(
            "one run each: no spread to judge by, so these are numbers, and more seeds would tell what differs"
        )
    return Phrase("kinds with one run each, or of different texts, are not judged against each other")


# What each run's own nulls say.


def _loops(judged: Judged) -> str:
    """Whose loops are larger than chance makes."""
    counts = {run.name: run.values[COUNTED].get(judged.end or 0) for run in judged.comparison.runs}
    if judged.end is None or any(count is None for count in counts.values()):
        return ""
    some = [Phrase("{n:.0f} in {run}", n=count, run=name) for name, count in counts.items() if count]
    if not some:
        return Phrase("no run has a loop larger than chance makes")
    if len(some) > MOST_NAMED:
        return Phrase("{n} of {all} runs have loops larger than chance makes", n=len(some), all=len(counts))
    return Phrase("loops larger than chance makes: {some}", some=joined(", ", some))


def _replicates(judged: Judged) -> Verdict:
    """Runs of one kind have nothing to be compared but their spread."""
    (group,), end, runs = judged.groups, judged.end, Count(len(judged.comparison.runs), "run")
    if end is None:
        return Verdict(Phrase("{runs} of one kind kept no cycle in common, so nothing is compared.", runs=runs), ())
    if len(group.runs) == 1:
        return Verdict(Phrase("{runs} of one kind and one seed: there is nothing to compare.", runs=runs), ())
    spread = {name: found for name in QUANTITIES if (found := group.values(partial(at_cycle, name, end)))}
    told = [
        Phrase("{measure} {least:.2f} to {greatest:.2f}", measure=QUANTITIES[name], least=min(of), greatest=max(of))
        for name in (RETRIEVAL, "uniformity", LOOPS)
        if (of := spread.get(name))
    ]
    sentence = Phrase(
        "{runs} that differ in the seed alone at cycle {n:,}: {told}; there is no other kind to compare them with.",
        runs=Count(len(group.runs), "run"), n=end, told=joined(", ", told),
    )  # fmt: skip
    return Verdict(sentence, tuple(claim for name in spread for claim in _ends(name, spread[name], end)))


def _ends(name: str, values: Sequence[float], end: int) -> Iterator[Claim]:
    """The least and the greatest of what runs of one kind have."""
    measure, seeds = words.at_cycle(QUANTITIES[name], end), Count(len(values), "seed")
    yield Claim(Phrase("{measure}, least of {seeds}", measure=measure, seeds=seeds), min(values), None, None)
    yield Claim(Phrase("{measure}, greatest of {seeds}", measure=measure, seeds=seeds), max(values), None, None)


# The claims.


def _claims(judged: Judged) -> Iterator[Claim]:
    """Of each quantity the two kinds that are furthest apart, and what seeds bear; of retrieval all that was tested."""
    for name in judged.reads:
        widest = judged.widest(name)
        for d in judged.of(name):
            if d is widest or _borne([d]) or (name == RETRIEVAL and d.p is not None):
                yield _claim(d, judged)
    if judged.end is None:
        return
    measure = words.at_cycle(QUANTITIES[COUNTED], judged.end)
    for run in judged.comparison.runs:
        count = run.values[COUNTED].get(judged.end)
        if count is not None:
            what = Phrase("{measure}: {run}", measure=measure, run=run.name)
            yield Claim(what, count, 0.0, _surest(run, judged.end))


def _claim(d: Difference, judged: Judged) -> Claim:
    cycle = None if d.quantity == EQUAL_LOSS else judged.end
    what = words.claim(words.quantity(d.quantity, judged.level), cycle, d)
    return Claim(what, d.means[0], d.means[1], d.p)


def _surest(run: ComparedRun, cycle: int) -> float | None:
    """p of the surest loop, corrected for all loops of its cloud."""
    place = (cycle, max(run.analysis.layers), "union")
    return min((loop.p for loop in run.analysis.loops if (loop.cycle, loop.layer, loop.cloud) == place), default=None)
