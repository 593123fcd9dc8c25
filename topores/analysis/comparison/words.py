"""How the verdict of a comparison puts its findings: phrases, so that the page can say them in another language.

What is found is decided in comparison_verdict.py; here nothing is.
"""

from collections.abc import Sequence

from topores.analysis.comparison.evidence import EQUAL_LOSS
from topores.analysis.comparison.replicates import Difference, Group
from topores.analysis.comparison.run import LOOPS, QUANTITIES
from topores.phrases import Count, Phrase, joined

CONTRACTED, SPREAD_OUT, KEPT = Phrase("contracted"), Phrase("spread out"), Phrase("kept their spread")
"""What became of a space, said of each of two."""

OF_BOTH = {
    CONTRACTED: Phrase("both contracted"),
    SPREAD_OUT: Phrase("both spread out"),
    KEPT: Phrase("both kept their spread"),
}


def span(runs: int, kinds: int, end: int | None, *, same_texts: bool, first_in_common: bool) -> Phrase:
    """The beginning of the sentence.

    Args:
        end: The last cycle that all kept; None if there is none but the first.
        first_in_common: Whether there is that one.
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


# What the seeds bear.


def found_better(told: Sequence[Difference], further: int) -> Phrase:
    """Who finds unseen partners better than whom.

    Args:
        further: In how many more pairs of kinds.
    """
    each = [
        Phrase(
            "{greater} than by {lesser} (MRR {more:.2f} against {less:.2f}, p = {p:.2g})",
            greater=d.greater.told, lesser=d.lesser.told, more=d.means[0], less=d.means[1], p=d.p,
        )
        for d in told
    ]  # fmt: skip
    return Phrase(
        "unseen partners are found better by {told}{further}", told=joined(", ", each), further=_further(further)
    )


def retrieval(numbers: Phrase, p: float | None) -> Phrase:
    """What is told of retrieval where no difference is borne."""
    if p is None:
        return Phrase("MRR of held-out pairs is {numbers}", numbers=numbers)
    return Phrase(
        "MRR of held-out pairs is {numbers}, no further apart than seeds are (p = {p:.2g})", numbers=numbers, p=p
    )


def wider(d: Difference, further: int) -> Phrase:
    """Whose space is wider: that of the lesser uniformity."""
    return Phrase(
        "the space of {lesser} is wider than that of {greater} (uniformity {less:.2f} against {more:.2f}, "
        "p = {p:.2g}){further}",
        lesser=d.lesser.told, greater=d.greater.told, less=d.means[1], more=d.means[0], p=d.p,
        further=_further(further),
    )  # fmt: skip


def greater(measure: Phrase, d: Difference, further: int) -> Phrase:
    return Phrase(
        "{measure} is greater in {greater} than in {lesser} ({more:.2f} against {less:.2f}, p = {p:.2g}){further}",
        measure=measure, greater=d.greater.told, lesser=d.lesser.told, more=d.means[0], less=d.means[1], p=d.p,
        further=_further(further),
    )  # fmt: skip


def _further(pairs: int) -> str:
    if pairs < 1:
        return ""
    if pairs > 1:
        return Phrase(", and so in {n} more pairs of kinds", n=pairs)
    return Phrase(", and so in 1 more pair of kinds")


# What is told without a spread to judge by.


def numbers(d: Difference, kinds: int) -> Phrase:
    """Both means; of more than two kinds they are the ends."""
    more, less = d.means
    if f"{more:.2f}" == f"{less:.2f}":
        return Phrase("{value:.2f} in all", value=more) if kinds > 2 else Phrase("{value:.2f} in both", value=more)
    if kinds > 2:
        return Phrase(
            "{more:.2f} in {greater} and {less:.2f} in {lesser}, the greatest and the least",
            more=more, greater=d.greater.told, less=less, lesser=d.lesser.told,
        )  # fmt: skip
    return Phrase(
        "{more:.2f} in {greater} and {less:.2f} in {lesser}",
        more=more, greater=d.greater.told, less=less, lesser=d.lesser.told,
    )  # fmt: skip


def spreads(wide: Phrase, narrow: Phrase, outcome: Phrase, kinds: int) -> Phrase:
    """How uniformity changed in two kinds; of more than two they are the widest and the narrowest."""
    if kinds > 2:
        return Phrase(
            "uniformity went {wide} and {narrow}, the widest and the narrowest space: {outcome}",
            wide=wide, narrow=narrow, outcome=outcome,
        )  # fmt: skip
    return Phrase("uniformity went {wide} and {narrow}: {outcome}", wide=wide, narrow=narrow, outcome=outcome)


def outcome(wide: Phrase, narrow: Phrase) -> Phrase:
    """What became of both spaces."""
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
        one=one.told, other=other.told, remedy=remedy,
        further=Phrase(" (so were {n} more pairs of kinds)", n=further) if further else "",
    )  # fmt: skip


# The claims.


def claim(measure: Phrase, cycle: int | None, d: Difference) -> Phrase:
    """
    Args:
        cycle: None where the measure is not of one.
    """
    return Phrase(
        "{measure}: {greater}, beside it {lesser}; {test}",
        measure=measure if cycle is None else at_cycle(measure, cycle),
        greater=d.greater.told, lesser=d.lesser.told, test=d.test or Phrase("not judged"),
    )  # fmt: skip


def at_cycle(measure: Phrase, cycle: int) -> Phrase:
    return Phrase("{measure} at cycle {n:,}", measure=measure, n=cycle)
