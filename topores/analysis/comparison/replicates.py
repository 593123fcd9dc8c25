"""Groups of runs that differ in the seed alone; their spread shows how large a difference luck can produce."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import PurePath
from typing import Any

import numpy as np
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from topores.analysis.chance import prediction_p
from topores.analysis.comparison.corpora import equal_corpora
from topores.analysis.comparison.questions import questions_p
from topores.analysis.comparison.run import ComparedRun
from topores.analysis.verdict.evidence import RETRIEVAL
from topores.phrases import Count, Phrase, join_phrases
from topores.topology.significance import holm

NOT_DECIDING = (
    "seed", "output", "cycles", "checkpoints", "keep", "stop_at_turn", "fail_on", "track", "null", "seeds", "device",
)  # fmt: skip
"""Options that change no cycle except by chance: seed, length, what is kept and how the run is watched."""

PLACES = ("article", "meta_analysis", "pairs")
"""Options that name the files of the texts; their hash decides instead."""

FEWEST_PAIRED = 3
"""Fewest shared seeds for which two groups are compared seed by seed."""

ROUNDING = 1e-12
"""A spread below this share of the values counts as none."""

LEAST = {RETRIEVAL: 0.02, "uniformity": 0.1}
"""Least difference that is worth naming, in the units of the quantity."""

LEAST_SHARE = 0.05
"""The same for all other quantities, as a share of the greater value."""

MOST_LETTERS = 32
"""Longest value that a group's name gives in full; longer ones, such as hashes, are cut."""

Read = Callable[[ComparedRun], float | None]


@dataclass(frozen=True)
class Group:
    """Runs that differ only in the seed."""

    name: str
    """The run's name if it is alone, else the options that set the group apart, as a phrase."""
    runs: tuple[ComparedRun, ...]
    """One run per seed."""
    repeats: tuple[ComparedRun, ...] = ()
    """Runs that repeat a seed; they add nothing and are left out."""

    @property
    def title(self) -> str:
        if len(self.runs) == 1:
            return self.name
        return Phrase("{name} ({seeds})", name=self.name, seeds=Count(len(self.runs), "seed"))

    def values(self, read: Read) -> list[float] | None:
        """One number per run; None if any run lacks it."""
        found = [read(run) for run in self.runs]
        known = [value for value in found if value is not None]
        return known if len(known) == len(found) else None


@dataclass(frozen=True)
class Difference:
    """One quantity of two groups, the greater mean first."""

    quantity: str
    greater: Group
    lesser: Group
    means: tuple[float, float]
    test: str
    """A phrase: 'seed by seed', 'Welch' or 'prediction'; empty where there is no spread to test by."""
    p: float | None
    """Largest p of the tests that the runs allow, corrected over all pairs of groups, and over all quantities but
    retrieval, which is a question of its own."""

    @property
    def worth_naming(self) -> bool:
        """Whether it is large enough to matter, however certain it is: two runs are never quite the same."""
        more, less = self.means
        least = LEAST.get(self.quantity, LEAST_SHARE * max(abs(more), abs(less)))
        return more - less >= least * (1 - ROUNDING)


def group_replicates(runs: Sequence[ComparedRun]) -> tuple[Group, ...]:
    """The runs in groups of replicates, in the order in which they were given."""
    facts = [_decided_by(run) for run in runs]
    distinct = [fact for i, fact in enumerate(facts) if fact not in facts[:i]]
    names = _names(distinct)
    found = []
    for name, fact in zip(names, distinct, strict=True):
        own = [run for run, its in zip(runs, facts, strict=True) if its == fact]
        first = {run.seed: run for run in reversed(own)}
        judged = tuple(run for run in own if first[run.seed] is run)
        single = len(own) == 1
        found.append(Group(own[0].name if single else name, judged, tuple(run for run in own if run not in judged)))
    return tuple(found)


def _decided_by(run: ComparedRun) -> dict[str, Any]:
    """Everything that determines a run except its seed. Initial weights are left out: heads start at random."""
    options: dict[str, Any] = {
        name: value for name, value in run.options.items() if name not in (*NOT_DECIDING, *PLACES)
    }
    # What decides is the model that read the texts, not whether it was named.
    if options.get("reader") == options.get("model"):
        options["reader"] = None
    return {"null": run.null, **options, **dict(zip(("T1", "T2"), run.texts, strict=True))}


def _names(facts: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    """The fewest differing facts, in order, that tell all groups apart."""
    keys = list(dict.fromkeys(key for fact in facts for key in fact))
    chosen: list[str] = []
    for key in keys:
        if len({_key(fact, chosen) for fact in facts}) == len(facts):
            break
        if len({_key(fact, [*chosen, key]) for fact in facts}) > len({_key(fact, chosen) for fact in facts}):
            chosen.append(key)
    return [
        join_phrases(", ", [_fact_in_words(key, fact.get(key)) for key in chosen]) or Phrase("all runs")
        for fact in facts
    ]


def _key(fact: Mapping[str, Any], keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(repr(fact.get(key)) for key in keys)


def _fact_in_words(key: str, value: Any) -> str:
    """
    >>> _fact_in_words("encoder", "loreft"), _fact_in_words("null", "shuffled"), _fact_in_words("learning_rate", 0.001)
    ('encoder loreft', 'shuffled null', 'learning rate 0.001')
    """
    if key == "null":
        return Phrase("{kind} null", kind=value) if value else Phrase("no null")
    text = PurePath(value).name if isinstance(value, str) else str(value)
    return f"{key.replace('_', ' ')} {text if len(text) <= MOST_LETTERS else text[:8] + '…'}"


def differences(groups: Sequence[Group], reads: Mapping[str, Read], cycle: int | None = None) -> tuple[Difference, ...]:
    """Every quantity of every two groups; groups trained on different corpora are described and not judged.

    Args:
        reads: By quantity, how to read it from a run.
        cycle: Cycle at which retrieval is read, so that it can be compared question by question.
    """
    found = [
        _difference(name, one, other, read, cycle if name == RETRIEVAL else None)
        for name, read in reads.items()
        for one, other in itertools.combinations(groups, 2)
    ]
    known = [difference for difference in found if difference is not None]
    retrieval = [d for d in known if d.quantity == RETRIEVAL]
    return (*_holm_corrected(retrieval), *_holm_corrected([d for d in known if d.quantity != RETRIEVAL]))


def _difference(quantity: str, one: Group, other: Group, read: Read, asked: int | None) -> Difference | None:
    mine, its = one.values(read), other.values(read)
    if mine is None or its is None:
        return None
    test, p = _test(one, other, mine, its, asked) if equal_corpora(one.runs, other.runs) else ("", None)
    means = float(np.mean(mine)), float(np.mean(its))
    if means[0] >= means[1]:
        return Difference(quantity, one, other, means, test, p)
    return Difference(quantity, other, one, (means[1], means[0]), test, p)


def _test(one: Group, other: Group, mine: list[float], its: list[float], asked: int | None) -> tuple[str, float | None]:
    """The test that the seeds allow, and its p; the numbers do not influence the choice.

    Args:
        asked: Cycle whose questions are compared one by one; then a difference must hold over seeds and over questions.
    """
    seeds, others = [run.seed for run in one.runs], [run.seed for run in other.runs]
    if len(seeds) >= FEWEST_PAIRED and sorted(seeds) == sorted(others):
        its = [its[others.index(seed)] for seed in seeds]
        pairs = [(run, other.runs[others.index(run.seed)]) for run in one.runs]
        by_question = None if asked is None else questions_p(pairs, asked)
        if by_question is not None:
            return Phrase("seed by seed and question by question"), max(paired_p(mine, its), by_question)
        return Phrase("seed by seed"), paired_p(mine, its)
    if min(len(mine), len(its)) >= 2:
        return Phrase("Welch"), welch_p(mine, its)
    if max(len(mine), len(its)) >= 2:
        (single,), several = sorted((mine, its), key=len)
        return Phrase("prediction"), prediction_p(single, several)
    return "", None


def _holm_corrected(found: Sequence[Difference]) -> list[Difference]:
    judged = iter(holm([d.p for d in found if d.p is not None]))
    return [
        d if d.p is None else Difference(d.quantity, d.greater, d.lesser, d.means, d.test, next(judged)) for d in found
    ]


def welch_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p that two groups of two or more runs have one mean, whatever their spreads.

    Welch's statistic with the degrees of freedom of the smaller group: with Welch's own estimate of them, two runs
    against five are told apart by chance in up to a tenth of all cases instead of a twentieth.

    Source: Hsu 1938 bounds the statistic so, whatever the spreads; told by Qiu and Zhang 2017, who carry it to many
    dimensions. https://arxiv.org/abs/1712.10099
    """
    apart = float(np.mean(first) - np.mean(second))
    error = np.sqrt(np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second))
    nothing = ROUNDING * max(np.abs(first).max(), np.abs(second).max())
    if error <= nothing:
        # No scale to measure by: all that is known is that they part cleanly, as two of all ways to part them do.
        return 1.0 if abs(apart) <= nothing else min(1.0, 2 / comb(len(first) + len(second), len(first)))
    return float(2 * student.sf(abs(apart) / error, df=min(len(first), len(second)) - 1))


def paired_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p that the differences of runs of the same seed, which share their held-out passages, have mean 0.

    Source: Student 1908, The probable error of a mean, Biometrika 6, 1-25.
    """
    apart = np.subtract(first, second)
    nothing = ROUNDING * max(np.abs(first).max(), np.abs(second).max())
    if np.ptp(apart) <= nothing:
        # As in `welch_p`: two of all ways to give the differences their signs.
        return 1.0 if np.abs(apart).max() <= nothing else 2 / 2 ** len(apart)
    return float(ttest_1samp(apart, 0.0).pvalue)
