"""The verdict of a comparison: one sentence and the claims behind it.

This file holds all rules; words.py holds their sentences. A difference is claimed only if it is significant against the
spread of runs that differ in the seed alone. Without such a spread the numbers are reported and said to be untested.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from topores.analysis.comparison import words
from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.corpora import differing_options
from topores.analysis.comparison.evidence import EQUAL_LOSS, Judged, at_cycle
from topores.analysis.comparison.replicates import Difference, Group
from topores.analysis.comparison.run import COUNTED, QUANTITIES, ComparedRun
from topores.analysis.verdict.evidence import LOOPS, RETRIEVAL
from topores.analysis.verdict.words import enumerate_words, parts
from topores.domain import Claim, Verdict
from topores.phrases import Count, Phrase, join_phrases
from topores.sign_flips import ALPHA

SPREAD = 0.1
"""Least change of uniformity that is reported."""

WITH_NUMBERS = ("uniformity", "procrustes.residual", LOOPS, EQUAL_LOSS)
"""Quantities that the sentence gives with their numbers; others that differ are only named."""

MOST_NAMED = 3
"""Differences of one sort that the sentence lists one by one."""


def judge_comparison(comparison: Comparison) -> Verdict:
    """The sentence and its claims, as phrases."""
    judged = Judged(comparison)
    if len(judged.groups) == 1:
        return _replicates(judged)
    rules = (_retrieval, _other_quantities, _spread, _movement, _equal_loss, _loops, _corpora, _why_untested)
    found = [told for rule in rules if (told := rule(judged))] or [Phrase("nothing can be compared")]
    span = _span(judged)
    sentence = Phrase("{span}: {told}.", span=span, told=parts(found))
    return Verdict(sentence, tuple(_claims(judged)), headline=_headline(judged, span, found[0]))


def _headline(judged: Judged, span: Phrase, first: str) -> Phrase:
    """The first finding, which is about held-out retrieval, and whether it was tested."""
    if all(len(group.runs) == 1 for group in judged.groups):
        return Phrase("{span}: {told} (one run each, so not tested)", span=span, told=first)
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


# Tested against the spread over seeds.


def _retrieval(judged: Judged) -> str:
    """Which runs find unseen partners better, if the difference is significant."""
    found = judged.differences_of(RETRIEVAL)
    if not found:
        return Phrase("held-out retrieval was not measured in all runs") if judged.end is not None else ""
    if significant := _significant(found):
        return words.found_better(significant[:MOST_NAMED], len(significant) - MOST_NAMED)
    widest = judged.widest(RETRIEVAL)
    assert widest is not None
    return words.retrieval(words.numbers(widest, len(judged.groups)), widest)


def _other_quantities(judged: Judged) -> str:
    """What else differs significantly, of all quantities with seeds to test by."""
    tested = [d for d in judged.differences if d.quantity != RETRIEVAL and d.p is not None]
    significant = {
        d.quantity: _significant([other for other in tested if other.quantity == d.quantity])
        for d in _significant(tested)
    }
    told = [_difference_words(significant[name], judged) for name in WITH_NUMBERS if name in significant]
    rest = [measure for name, measure in QUANTITIES.items() if name in significant and name not in WITH_NUMBERS]
    if len(rest) > 1:
        told.append(Phrase("{measures} differ more than seeds do", measures=enumerate_words(rest)))
    elif rest:
        told.append(Phrase("{measure} differs more than seeds do", measure=rest[0]))
    if any(d.p is not None and d.p < ALPHA for d in tested) and not told:
        return Phrase("nothing else differs by an amount worth naming")
    if tested and not told:
        return Phrase("nothing else differs more than seeds do")
    return parts(told)


def _difference_words(significant: Sequence[Difference], judged: Judged) -> Phrase:
    """The most significant difference of one quantity, and how many more pairs of kinds differ in it."""
    first, further = significant[0], len(significant) - 1
    if first.quantity == "uniformity":
        return words.wider(first, further)
    return words.greater(words.quantity(first.quantity, judged.level), first, further)


def _significant(found: Sequence[Difference]) -> list[Difference]:
    """Significant differences that are worth naming, the smallest p first."""
    return sorted((d for d in found if d.p is not None and d.p < ALPHA and d.worth_naming), key=lambda d: d.p or 0.0)


# Reported without a spread to test by.


def _widest_untested(quantity: str, judged: Judged) -> Difference | None:
    """The widest difference of a quantity that could not be tested."""
    widest = judged.widest(quantity)
    return widest if widest is not None and widest.p is None else None


def _spread(judged: Judged) -> str:
    """Whose space spread out or contracted: the widest and the narrowest at the end."""
    widest, end = _widest_untested("uniformity", judged), judged.end
    if widest is None or end is None:
        return ""
    (wide, of_wide), (narrow, of_narrow) = (_spread_of(group, end) for group in (widest.lesser, widest.greater))
    return words.spreads(wide, narrow, words.outcome(of_wide, of_narrow), len(judged.groups))


def _spread_of(group: Group, end: int) -> tuple[Phrase, Phrase]:
    """How uniformity changed, and what that says of the space."""
    now = group.values(partial(at_cycle, "uniformity", end))
    was = group.values(lambda run: next(iter(run.values["uniformity"].values()), None))
    # Without both there is no difference to report.
    assert was
    assert now
    before, after = sum(was) / len(was), sum(now) / len(now)
    told = Phrase("from {before:.2f} to {after:.2f} in {kind}", before=before, after=after, kind=group.title)
    if after > before + SPREAD:
        return told, words.CONTRACTED
    return told, words.SPREAD_OUT if after < before - SPREAD else words.KEPT


def _movement(judged: Judged) -> str:
    """Whose space deformed: the deformation that rotation and scale leave."""
    widest = _widest_untested("procrustes.residual", judged)
    if widest is None:
        return ""
    numbers = words.numbers(widest, len(judged.groups))
    return Phrase("rotation and scale leave a deformation of {numbers}", numbers=numbers)


def _equal_loss(judged: Judged) -> str:
    """Where loops differ although the loss is the same."""
    widest = _widest_untested(EQUAL_LOSS, judged)
    if widest is None:
        return ""
    numbers = words.numbers(widest, len(judged.groups))
    return Phrase(
        "at an equal loss of {level:.2g} {measure} is {numbers}",
        level=judged.level, measure=QUANTITIES[LOOPS], numbers=numbers,
    )  # fmt: skip


def _corpora(judged: Judged) -> str:
    """Which groups were trained on different corpora, and what would make these equal."""
    found = judged.of_other_corpora
    if not found:
        return ""
    one, other = found[0]
    return words.other_corpora(one, other, differing_options(one.runs, other.runs), len(found) - 1)


def _why_untested(judged: Judged) -> str:
    """Why some differences were not tested."""
    if all(d.p is not None for d in judged.differences):
        return ""
    if all(len(group.runs) == 1 for group in judged.groups):
        return Phrase("one run each, so there is no spread to test by; more seeds would show what differs")
    return Phrase("kinds with one run each, or of different texts, are not tested against each other")


# Tested against the nulls of each run.


def _loops(judged: Judged) -> str:
    """Which runs have significant loops."""
    counts = {run.name: run.values[COUNTED].get(judged.end or 0) for run in judged.comparison.runs}
    if judged.end is None or any(count is None for count in counts.values()):
        return ""
    some = [Phrase("{n:.0f} in {run}", n=count, run=name) for name, count in counts.items() if count]
    if not some:
        return Phrase("no run has a loop longer than chance would produce")
    if len(some) > MOST_NAMED:
        return Phrase("{n} of {all} runs have loops longer than chance would produce", n=len(some), all=len(counts))
    return Phrase("loops longer than chance would produce: {some}", some=join_phrases(", ", some))


def _replicates(judged: Judged) -> Verdict:
    """Runs of one kind: their spread is all there is to report."""
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
        runs=Count(len(group.runs), "run"), n=end, told=join_phrases(", ", told),
    )  # fmt: skip
    return Verdict(sentence, tuple(claim for name in spread for claim in _ends(name, spread[name], end)))


def _ends(name: str, values: Sequence[float], end: int) -> Iterator[Claim]:
    """The least and the greatest value over runs of one kind."""
    measure, seeds = words.at_cycle(QUANTITIES[name], end), Count(len(values), "seed")
    yield Claim(Phrase("{measure}, lowest of {seeds}", measure=measure, seeds=seeds), min(values), None, None)
    yield Claim(Phrase("{measure}, highest of {seeds}", measure=measure, seeds=seeds), max(values), None, None)


# The claims.


def _claims(judged: Judged) -> Iterator[Claim]:
    """For each quantity the widest and every significant difference; for retrieval every tested one."""
    for name in judged.reads:
        widest = judged.widest(name)
        for d in judged.differences_of(name):
            if d is widest or _significant([d]) or (name == RETRIEVAL and d.p is not None):
                yield _claim(d, judged)
    if judged.end is None:
        return
    measure = words.at_cycle(QUANTITIES[COUNTED], judged.end)
    for run in judged.comparison.runs:
        count = run.values[COUNTED].get(judged.end)
        if count is not None:
            what = Phrase("{measure}: {run}", measure=measure, run=run.name)
            yield Claim(what, count, 0.0, _smallest_p(run, judged.end), COUNTED, null_of="chance")


def _claim(d: Difference, judged: Judged) -> Claim:
    cycle = None if d.quantity == EQUAL_LOSS else judged.end
    what = words.claim(words.quantity(d.quantity, judged.level), cycle, d)
    return Claim(what, d.means[0], d.means[1], d.p, LOOPS if d.quantity == EQUAL_LOSS else d.quantity, null_of="other")


def _smallest_p(run: ComparedRun, cycle: int) -> float | None:
    """Smallest p of the loops of both texts' cloud."""
    return min((loop.p for loop in run.analysis.loops_at(cycle, run.analysis.output, "union")), default=None)
