"""The verdict of a comparison: one sentence and the claims behind it. All rules stand in this file.

A difference is claimed only where the spread of runs that differ in the seed alone bears it. Where there is no such
spread the numbers are told, and said to be numbers.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from topores.analysis.chance import ALPHA
from topores.analysis.compared_run import COUNTED, LOOPS, QUANTITIES, RETRIEVAL, ComparedRun
from topores.analysis.comparison import Comparison
from topores.analysis.comparison_evidence import EQUAL_LOSS, Judged, at_cycle
from topores.analysis.replicates import Difference, Group
from topores.domain import Claim, Verdict

SPREAD = 0.1
"""Change of uniformity that is worth a word, in its own unit."""

TOLD = ("uniformity", "procrustes.residual", LOOPS, EQUAL_LOSS)
"""Quantities that the sentence tells with their numbers; others that differ are named."""

MOST_NAMED = 3
"""Differences of a kind that the sentence tells one by one."""


def judge_comparison(comparison: Comparison) -> Verdict:
    """The sentence and its claims."""
    judged = Judged(comparison)
    if len(judged.groups) == 1:
        return _replicates(judged)
    rules = (_retrieval, _others, _spread, _movement, _equal_loss, _loops, _bearing)
    told = "; ".join(words for rule in rules if (words := rule(judged)))
    return Verdict(f"{_span(judged)} {told or 'nothing can be compared'}.", tuple(_claims(judged)))


def _span(judged: Judged) -> str:
    comparison = judged.comparison
    kinds = "" if len(judged.groups) == len(comparison.runs) else f" of {len(judged.groups)} kinds"
    texts = "" if comparison.same_texts else ", of different texts,"
    but = " but the first" if comparison.cycles else ""
    where = f"that kept no cycle in common{but}" if judged.end is None else f"at cycle {judged.end:,}"
    return f"{len(comparison.runs)} runs{kinds}{texts} {where}:"


# What the seeds bear.


def _retrieval(judged: Judged) -> str:
    """Who finds unseen partners better, if the seeds bear it."""
    found = judged.of(RETRIEVAL)
    if not found:
        return "held-out retrieval is not known of all" if judged.end is not None else ""
    borne = _borne(found)
    if borne:
        told = ", ".join(
            f"{d.greater.told} than by {d.lesser.told} (MRR {_against(d)}, p = {d.p:.2g})" for d in borne[:MOST_NAMED]
        )
        return f"unseen partners are found better by {told}{_more(borne)}"
    widest = judged.widest(RETRIEVAL)
    assert widest is not None
    luck = "" if widest.p is None else f", no further apart than seeds are (p = {widest.p:.2g})"
    return f"MRR of held-out pairs is {_numbers(widest, judged)}{luck}"


def _others(judged: Judged) -> str:
    """What else differs, of all that was compared where there are seeds to judge by."""
    tested = [d for d in judged.differences if d.quantity != RETRIEVAL and d.p is not None]
    borne = {d.quantity: _borne([other for other in tested if other.quantity == d.quantity]) for d in _borne(tested)}
    told = [_differing(borne[name], judged) for name in TOLD if name in borne]
    rest = [words for name, words in QUANTITIES.items() if name in borne and name not in TOLD]
    if rest:
        told.append(f"{listed(rest)} {'differs' if len(rest) == 1 else 'differ'} beyond what seeds do")
    nothing = "nothing else differs beyond what seeds do" if tested else ""
    return "; ".join(told) or nothing


def _differing(borne: Sequence[Difference], judged: Judged) -> str:
    """The surest difference of one quantity, and how many more pairs of kinds differ in it."""
    surest = borne[0]
    tail = f"p = {surest.p:.2g}){_more(borne, told=1)}"
    if surest.quantity == "uniformity":
        narrow, wide = surest.means
        numbers = f"(uniformity {wide:.2f} against {narrow:.2f}, {tail}"
        return f"the space of {surest.lesser.told} is wider than that of {surest.greater.told} {numbers}"
    of = f"{surest.greater.told} than in {surest.lesser.told}"
    return f"{_name(surest.quantity, judged)} is greater in {of} ({_against(surest)}, {tail}"


def _borne(found: Sequence[Difference]) -> list[Difference]:
    """Differences that seeds do not explain, the surest first."""
    return sorted((d for d in found if d.p is not None and d.p < ALPHA), key=lambda d: d.p or 0.0)


def _against(d: Difference) -> str:
    return f"{d.means[0]:.2f} against {d.means[1]:.2f}"


def _more(borne: Sequence[Difference], *, told: int = MOST_NAMED) -> str:
    more = len(borne) - told
    return f", and so in {more} more pair{'s' if more > 1 else ''} of kinds" if more > 0 else ""


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _name(quantity: str, judged: Judged) -> str:
    return f"{QUANTITIES[LOOPS]} at a loss of {judged.level:.2g}" if quantity == EQUAL_LOSS else QUANTITIES[quantity]


# What is told without a spread to judge by.


def _untested(quantity: str, judged: Judged) -> Difference | None:
    """The widest difference of a quantity, where nothing says how far luck reaches."""
    widest = judged.widest(quantity)
    return widest if widest is not None and widest.p is None else None


def _numbers(d: Difference, judged: Judged) -> str:
    if f"{d.means[0]:.2f}" == f"{d.means[1]:.2f}":
        return f"{d.means[0]:.2f} in {'all' if len(judged.groups) > 2 else 'both'}"
    ends = ", the greatest and the least" if len(judged.groups) > 2 else ""
    return f"{d.means[0]:.2f} in {d.greater.told} and {d.means[1]:.2f} in {d.lesser.told}{ends}"


def _spread(judged: Judged) -> str:
    """Whose space spread out, and whose contracted: the widest at the end and the narrowest."""
    widest, end = _untested("uniformity", judged), judged.end
    if widest is None or end is None:
        return ""
    (wide, how_wide), (narrow, how_narrow) = (_spread_of(group, end) for group in (widest.lesser, widest.greater))
    words = f"both {how_wide}" if how_wide == how_narrow else f"the one {how_wide}, the other {how_narrow}"
    ends = ", the widest and the narrowest space" if len(judged.groups) > 2 else ""
    return f"uniformity went {wide} and {narrow}{ends}: {words}"


def _spread_of(group: Group, end: int) -> tuple[str, str]:
    now = group.values(partial(at_cycle, "uniformity", end))
    was = group.values(lambda run: next(iter(run.values["uniformity"].values()), None))
    # Else there were no difference.
    assert was
    assert now
    before, after = sum(was) / len(was), sum(now) / len(now)
    word = "contracted" if after > before + SPREAD else "spread out" if after < before - SPREAD else "kept their spread"
    return f"from {before:.2f} to {after:.2f} in {group.told}", word


def _movement(judged: Judged) -> str:
    """Whose space deformed: what rotation and scale leave of the movement."""
    widest = _untested("procrustes.residual", judged)
    return "" if widest is None else f"rotation and scale leave a deformation of {_numbers(widest, judged)}"


def _equal_loss(judged: Judged) -> str:
    """Where loops differ although the loss is the same."""
    widest = _untested(EQUAL_LOSS, judged)
    if widest is None:
        return ""
    return f"at an equal loss of {judged.level:.2g} total loop persistence is {_numbers(widest, judged)}"


def _bearing(judged: Judged) -> str:
    """What is told only, because nothing says how far luck reaches."""
    if all(d.p is not None for d in judged.differences):
        return ""
    if all(len(group.runs) == 1 for group in judged.groups):
        return "one run each: no spread to judge by, so these are numbers, and more seeds would tell what differs"
    return "kinds with one run each, or of different texts, are not judged against each other"


# What each run's own nulls say.


def _loops(judged: Judged) -> str:
    """Whose loops are larger than chance makes."""
    counts = {run.name: run.values[COUNTED].get(judged.end or 0) for run in judged.comparison.runs}
    if judged.end is None or any(count is None for count in counts.values()):
        return ""
    some = [f"{count:.0f} in {name}" for name, count in counts.items() if count]
    if len(some) > MOST_NAMED:
        return f"{len(some)} of {len(counts)} runs have loops larger than chance makes"
    return (
        f"loops larger than chance makes: {', '.join(some)}" if some else "no run has a loop larger than chance makes"
    )


def _replicates(judged: Judged) -> Verdict:
    """Runs of one kind have nothing to be compared but their spread."""
    (group,), end, runs = judged.groups, judged.end, len(judged.comparison.runs)
    if end is None:
        return Verdict(f"{runs} runs of one kind kept no cycle in common, so nothing is compared.", ())
    if len(group.runs) == 1:
        return Verdict(f"{runs} runs of one kind and one seed: there is nothing to compare.", ())
    spread = {name: found for name in QUANTITIES if (found := group.values(partial(at_cycle, name, end)))}
    claims = [
        Claim(f"{QUANTITIES[name]} at cycle {end:,}, {which} of {len(found)} seeds", value, None, None)
        for name, found in spread.items()
        for which, value in (("least", min(found)), ("greatest", max(found)))
    ]
    told = ", ".join(
        f"{QUANTITIES[name]} {min(spread[name]):.2f} to {max(spread[name]):.2f}"
        for name in (RETRIEVAL, "uniformity", LOOPS)
        if name in spread
    )
    return Verdict(
        f"{len(group.runs)} runs that differ in the seed alone at cycle {end:,}: {told}; there is no other kind to "
        "compare them with.",
        tuple(claims),
    )


# The claims.


def _claims(judged: Judged) -> Iterator[Claim]:
    """Of each quantity the two kinds that are furthest apart, and what seeds bear; of retrieval all that was tested."""
    for name in judged.reads:
        widest = judged.widest(name)
        for d in judged.of(name):
            if d is widest or _borne([d]) or (name == RETRIEVAL and d.p is not None):
                yield _claim(d, judged)
    for run in judged.comparison.runs:
        count = None if judged.end is None else run.values[COUNTED].get(judged.end)
        if count is not None:
            yield Claim(
                f"{QUANTITIES[COUNTED]} at cycle {judged.end:,}: {run.name}", count, 0.0, _surest(run, judged.end)
            )


def _claim(d: Difference, judged: Judged) -> Claim:
    where = "" if d.quantity == EQUAL_LOSS else f" at cycle {judged.end:,}"
    judged_by = d.test or "not judged"
    what = f"{_name(d.quantity, judged)}{where}: {d.greater.told}, beside it {d.lesser.told}; {judged_by}"
    return Claim(what, d.means[0], d.means[1], d.p)


def _surest(run: ComparedRun, cycle: int | None) -> float | None:
    """p of the surest loop, corrected for all loops of its cloud."""
    place = (cycle, max(run.analysis.layers), "union")
    return min((loop.p for loop in run.analysis.loops if (loop.cycle, loop.layer, loop.cloud) == place), default=None)
