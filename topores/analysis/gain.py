"""What unseen partners gain over folds: beside the untrained encoder, and beside shuffled pairings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import t as student

from topores.analysis.chance import ALPHA, PERMUTATIONS, p_of_draws
from topores.domain import DIRECTIONS, Corpus
from topores.runs import Run
from topores.text.split import groups_of_pairs

MOST = 1.0
"""A reciprocal rank cannot change by more."""

SEARCH = 60
"""Halvings of the search for an end of an interval."""

POWER = 0.8
"""Probability with which a smallest visible gain is seen."""


class Interval(NamedTuple):
    """A mean difference with its 95 % interval and its two-sided p."""

    value: float
    low: float
    high: float
    p: float

    @property
    def visible(self) -> float:
        """The smallest true difference that is found in 80 % of studies like this one.

        Source: normal approximation; half of the interval is 1.96 standard errors.
        """
        error = (self.high - self.low) / 2 / student.ppf(1 - ALPHA / 2, df=np.inf)
        return float(error * (student.ppf(1 - ALPHA / 2, df=np.inf) + student.ppf(POWER, df=np.inf)))


class Fold(NamedTuple):
    """1 / rank of the held-out queries of one fold."""

    before: Float[np.ndarray, " queries"]
    """By the untrained encoder."""
    after: Float[np.ndarray, " queries"]
    shuffled: Float[np.ndarray, "runs queries"]
    """After training on shuffled pairings, one row per run."""
    groups: Int[np.ndarray, " queries"]
    """Number of the group of dependent queries that each belongs to; the same numbers in all folds."""


@dataclass(frozen=True)
class Gain:
    """How much better unseen partners are found, mean over the queries of all folds."""

    folds: int
    pairs: int
    """Aligned pairs, each held out once."""
    before: float
    """MRR of the untrained encoder."""
    after: float
    over_untrained: Interval
    over_shuffled: Interval | None
    """None where fewer than two runs on shuffled pairings stand beside some fold."""
    shuffled_runs: int
    """Runs on shuffled pairings, over all folds."""


def gain_of(run: Run, cycle: int) -> Gain | None:
    """The gain of a run with folds at a cycle; None where folds are missing or logged no ranks of it."""
    if run.options.folds < 2 or len(run.folds) < run.options.folds:
        return None
    groups = _groups_of_passages(run.corpus)
    found = [_fold(fold, groups, cycle) for fold in run.folds]
    folds = [fold for fold in found if fold is not None]
    return measure_gain(folds, pairs=len(run.corpus.pairs)) if len(folds) == len(found) else None


def measure_gain(folds: Sequence[Fold], *, pairs: int, seed: int = 0) -> Gain:
    """
    Args:
        folds: Two or more.
        pairs: Aligned pairs of all folds.
        seed: Seed of the random signs.
    """
    before = np.concatenate([fold.before for fold in folds])
    after = np.concatenate([fold.after for fold in folds])
    groups = np.concatenate([fold.groups for fold in folds])
    return Gain(
        folds=len(folds),
        pairs=pairs,
        before=float(before.mean()),
        after=float(after.mean()),
        over_untrained=mean_over_groups(after - before, groups, seed),
        over_shuffled=mean_over_strata(folds) if min(len(fold.shuffled) for fold in folds) > 1 else None,
        shuffled_runs=sum(len(fold.shuffled) for fold in folds),
    )


def mean_over_groups(
    differences: Float[np.ndarray, " queries"], groups: Int[np.ndarray, " queries"], seed: int
) -> Interval:
    """The mean difference with the interval of all values that the sign-flip test does not reject.

    Under the null, the sign of each group's sum is random: a group's queries succeed or fail together.

    Args:
        groups: Any numbers; queries of one number are dependent.

    Source: Fisher 1935, section 21; inverted as in Garthwaite 1996, Confidence intervals from randomization tests.
    """
    _, group = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(group, weights=differences), np.bincount(group).astype(float)
    total, count = float(sums.sum()), float(sizes.sum())
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(PERMUTATIONS, len(sums)))
    of_sums, of_sizes = signs @ sums, signs @ sizes

    def p(supposed: float) -> float:
        reached = np.abs(of_sums - supposed * of_sizes)
        return float(p_of_draws(reached >= abs(total - supposed * count) - 1e-12))

    mean = total / count
    low, high = (_last_not_rejected(p, mean, side * MOST) for side in (-1, 1))
    return Interval(mean, low, high, p(0.0))


def _last_not_rejected(p: Callable[[float], float], inside: float, outside: float) -> float:
    """The end of an interval between a value that is not rejected and one that may be."""
    if p(outside) > ALPHA:
        return outside  # so few groups that nothing is rejected
    for _ in range(SEARCH):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if p(middle) > ALPHA else (inside, middle)
    return inside


def mean_over_strata(folds: Sequence[Fold]) -> Interval:
    """Mean over all queries of the run minus the mean of the runs on shuffled pairings, fold by fold.

    A run on true pairings is one more draw of training, so its own noise is that of the shuffled runs of its fold,
    whose variance is pooled over the folds: t with folds x (runs - 1) degrees of freedom.

    Args:
        folds: Each with two or more shuffled runs.
    """
    weights = np.array([len(fold.after) for fold in folds], dtype=float)
    weights /= weights.sum()
    reached = [fold.shuffled.mean(axis=1) for fold in folds]
    differences = np.array([fold.after.mean() - runs.mean() for fold, runs in zip(folds, reached, strict=True)])
    free = sum(len(runs) - 1 for runs in reached)
    variance = sum(float(np.square(runs - runs.mean()).sum()) for runs in reached) / free
    spread = sum(w**2 * (1 + 1 / len(runs)) for w, runs in zip(weights, reached, strict=True))
    mean, error = float(weights @ differences), float(np.sqrt(variance * spread))
    if error == 0:
        # There is no scale: all that is known is that in each fold one of all runs differs.
        p = 1.0 if mean == 0 else float(np.prod([1 / (len(runs) + 1) for runs in reached]))
        return Interval(mean, mean, mean, p)
    half = float(student.ppf(1 - ALPHA / 2, df=free)) * error
    return Interval(mean, mean - half, mean + half, float(2 * student.sf(abs(mean) / error, df=free)))


def _fold(run: Run, groups: Mapping[str, np.ndarray], cycle: int) -> Fold | None:
    ranks = run.held_out_ranks
    nulls = [null for null in run.nulls.values() if null.facts.get("null", {}).get("kind") == "shuffled"]
    reached = [_reciprocal(found[cycle]) for null in nulls if cycle in (found := null.held_out_ranks)]
    if not {0, cycle} <= ranks.keys():
        return None
    before, after = _reciprocal(ranks[0]), _reciprocal(ranks[cycle])
    return Fold(before, after, np.array(reached).reshape(len(reached), len(after)), _groups(run.corpus, groups))


def _reciprocal(ranks: Mapping[str, Iterable[float]]) -> Float[np.ndarray, " queries"]:
    return np.concatenate([1 / np.array(list(ranks[way]), dtype=np.float64) for way in DIRECTIONS])


def _groups(corpus: Corpus, of_passages: Mapping[str, np.ndarray]) -> Int[np.ndarray, " queries"]:
    """The group of each held-out query, in the order of the logged ranks."""
    chosen = corpus.pairs_in("held_out")
    asked = {"1to2": np.unique(corpus.pairs.t1[chosen]), "2to1": np.unique(corpus.pairs.t2[chosen])}
    return np.concatenate([of_passages[way][asked[way]] for way in DIRECTIONS])


def _groups_of_passages(corpus: Corpus) -> dict[str, Int[np.ndarray, " passages"]]:
    """By direction, the group of each passage that asks; -1 for the others."""
    pairs = corpus.pairs
    groups = corpus.groups or groups_of_pairs(pairs, len(corpus.t1), len(corpus.t2))
    sides = {"1to2": (corpus.t1, pairs.t1), "2to1": (corpus.t2, pairs.t2)}
    found = {way: np.full(len(passages), -1) for way, (passages, _) in sides.items()}
    for way, (_, ends) in sides.items():
        found[way][ends] = groups
    return found
