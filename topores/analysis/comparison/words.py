"""Sentences of a comparison's verdict, as phrases that the page can translate; verdict.py decides which."""

from collections.abc import Sequence

from topores.analysis.comparison.evidence import EQUAL_LOSS
from topores.analysis.comparison.replicates import LEAST, Difference, Group
from topores.analysis.comparison.run import QUANTITIES
from topores.analysis.verdict.evidence import LOOPS, RETRIEVAL
from topores.phrases import Count, Phrase, join_phrases
from topores.sign_flips import ALPHA

CONTRACTED, SPREAD_OUT, KEPT = Phrase("contracted"), Phrase("spread out"), Phrase("kept their spread")
"""What happened to one of two spaces."""

OF_BOTH = {
    CONTRACTED: Phrase("both contracted"),
    SPREAD_OUT: Phrase("both spread out"),
    KEPT: Phrase("both kept their spread"),
}


def span(runs: int, kinds: int, end: int | None, *, same_texts: bool, first_in_common: bool) -> Phrase:
    """The beginning of the sentence.

    Args:
        end: The last cycle that all kept; None if it is the first or there is none.
        first_in_common: Whether all kept the first.
    """
    who: Phrase = Count(runs, "run")
    if kinds < runs:
        who = Phrase("{runs} of {kinds}", runs=who, kinds=Count(kinds, "kind"))
    if not same_texts:
        who = Phrase("{runs}, of different texts,", runs=who)
    if end is not None:
        return Phrase("{runs} at cycle {n:,}", runs=who, n=end)
    if first_in_common:
        return Phrase("{runs} that kept no cycle in common but the first", runs=who)
    return Phrase("{runs} that kept no cycle in common", runs=who)


def quantity(name: str, level: float | None) -> Phrase:
    """What a quantity is called.

    Args:
        level: The loss at which the loops are compared.
    """
    if name == EQUAL_LOSS:
        return Phrase("{measure} at a loss of {level:.2g}", measure=QUANTITIES[LOOPS], level=level)
    return QUANTITIES[name]


# Tested against the spread over seeds.


def found_better(told: Sequence[Difference], further: int) -> Phrase:
    """Which runs find unseen partners better.

    Args:
        further: Number of further pairs of kinds that differ.
    """
    each = [
        Phrase(
            "{greater} than by {lesser} (MRR {more:.2f} against {less:.2f}, p = {p:.2g})",
            greater=d.greater.title, lesser=d.lesser.title, more=d.means[0], less=d.means[1], p=d.p,
        )
        for d in told
    ]  # fmt: skip
    return Phrase(
        "unseen partners are found better by {told}{further}",
        told=join_phrases(", ", each),
        further=_further_pairs(further),
    )


def retrieval(numbers: Phrase, d: Difference) -> Phrase:
    """Held-out retrieval where no difference is significant and worth naming."""
    p = d.p
    if p is None:
        return Phrase("{measure} is {numbers}", measure=QUANTITIES[RETRIEVAL], numbers=numbers)
    if p < ALPHA:
        return Phrase(
            "{measure} is {numbers}, a difference of less than {least:.2f}, too small to name (p = {p:.2g})",
            measure=QUANTITIES[RETRIEVAL], numbers=numbers, least=LEAST[RETRIEVAL], p=p,
        )  # fmt: skip
    return Phrase(
        "{measure} is {numbers}, a difference within the spread over seeds (p = {p:.2g})",
        measure=QUANTITIES[RETRIEVAL], numbers=numbers, p=p,
    )  # fmt: skip


def wider(d: Difference, further: int) -> Phrase:
    """Whose space is wider: lower uniformity is wider."""
    return Phrase(
        "the space of {lesser} is wider than that of {greater} ({measure} {less:.2f} against {more:.2f}, "
        "p = {p:.2g}){further}",
        measure=QUANTITIES["uniformity"], lesser=d.lesser.title,
        greater=d.greater.title, less=d.means[1], more=d.means[0], p=d.p,
        further=_further_pairs(further),
    )  # fmt: skip


def greater(measure: Phrase, d: Difference, further: int) -> Phrase:
    return Phrase(
        "{measure} is greater in {greater} than in {lesser} ({more:.2f} against {less:.2f}, p = {p:.2g}){further}",
        measure=measure, greater=d.greater.title, lesser=d.lesser.title, more=d.means[0], less=d.means[1], p=d.p,
        further=_further_pairs(further),
    )  # fmt: skip


def _further_pairs(pairs: int) -> str:
    if pairs < 1:
        return ""
    if pairs > 1:
        return Phrase(", as in {n} more pairs of kinds", n=pairs)
    return Phrase(", as in 1 more pair of kinds")


# Reported without a spread to test by.


def numbers(d: Difference, kinds: int) -> Phrase:
    """Both means; with more than two kinds, the highest and the lowest."""
    more, less = d.means
    if f"{more:.2f}" == f"{less:.2f}":
        return Phrase("{value:.2f} in all", value=more) if kinds > 2 else Phrase("{value:.2f} in both", value=more)
    if kinds > 2:
        return Phrase(
            "{more:.2f} in {greater} and {less:.2f} in {lesser}, the highest and the lowest",
            more=more, greater=d.greater.title, less=less, lesser=d.lesser.title,
        )  # fmt: skip
    return Phrase(
        "{more:.2f} in {greater} and {less:.2f} in {lesser}",
        more=more, greater=d.greater.title, less=less, lesser=d.lesser.title,
    )  # fmt: skip


def spreads(wide: Phrase, narrow: Phrase, outcome: Phrase, kinds: int) -> Phrase:
    """How uniformity changed in two kinds; with more than two, in the widest and the narrowest."""
    if kinds > 2:
        return Phrase(
            "{measure} went {wide} and {narrow}, the widest and the narrowest space: {outcome}",
            measure=QUANTITIES["uniformity"], wide=wide, narrow=narrow, outcome=outcome,
        )  # fmt: skip
    return Phrase(
        "{measure} went {wide} and {narrow}: {outcome}",
        measure=QUANTITIES["uniformity"], wide=wide, narrow=narrow, outcome=outcome,
    )  # fmt: skip


def outcome(wide: Phrase, narrow: Phrase) -> Phrase:
    """What happened to both spaces."""
    if wide == narrow:
        return OF_BOTH[wide]
    return Phrase("the one {wide}, the other {narrow}", wide=wide, narrow=narrow)


def other_corpora(one: Group, other: Group, options: Sequence[str], further: int) -> Phrase:
    """Who cannot be judged against whom because of their passages, and what to do about it.

    Args:
        options: Those that differ and decide the passages; none if it is the version or the device that differs.
        further: How many more pairs of kinds were trained on different passages.
    """
    if options:
        same = " ".join(f"--{name.replace('_', '-')}" for name in options)
        remedy = Phrase("train them again with the same {options}", options=same)
    else:
        remedy = Phrase("train them again on one device with one version of topores")
    return Phrase(
        "{one} and {other} were trained on different passages or splits of the texts{further}, so they are not judged "
        "against each other: {remedy}",
        one=one.title, other=other.title, remedy=remedy,
        further=Phrase(" (so were {n} more pairs of kinds)", n=further) if further else "",
    )  # fmt: skip


# The claims.


def claim(measure: Phrase, cycle: int | None, d: Difference) -> Phrase:
    """
    Args:
        cycle: None for a measure that is not taken at a cycle.
    """
    return Phrase(
        "{measure}: {greater}, compared with {lesser}; {test}",
        measure=measure if cycle is None else at_cycle(measure, cycle),
        greater=d.greater.title, lesser=d.lesser.title, test=d.test or Phrase("not tested"),
    )  # fmt: skip


def at_cycle(measure: Phrase, cycle: int) -> Phrase:
    return Phrase("{measure} at cycle {n:,}", measure=measure, n=cycle)
