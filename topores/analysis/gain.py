"""What unseen partners gain over folds: beside the untrained encoder, and beside shuffled pairings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import t as student

from topores.domain import DIRECTIONS, Corpus
from topores.runs import Run
from topores.sign_flips import ALPHA, Interval, mean_over_groups
from topores.text.split import groups_of_pairs

Score = Callable[[Float[np.ndarray, " queries"]], Float[np.ndarray, " queries"]]


class Fold(NamedTuple):
    """How well the held-out queries of one fold found their partner: 1 / rank, or another score of ranks."""

    before: Float[np.ndarray, " queries"]
    """By the untrained encoder."""
    after: Float[np.ndarray, " queries"]
    shuffled: Float[np.ndarray, "runs queries"]
    """After training on shuffled pairings, one row per run."""
    groups: Int[np.ndarray, " queries"]
    """Number of the group of dependent queries that each belongs to; the same numbers in all folds."""


class Over(NamedTuple):
    """How much better than two controls, mean over the queries of all folds."""

    untrained: Interval
    shuffled: Interval | None
    """None where fewer than two runs on shuffled pairings stand beside some fold."""

    @property
    def learned(self) -> bool:
        """Whether both intervals lie above 0; the first alone where there is no second."""
        return self.untrained.low > 0 and (self.shuffled is None or self.shuffled.low > 0)


class Best(NamedTuple):
    """The gain at the best cycle of each fold, which the queries of the other folds chose."""

    cycle: int
    """Median of the chosen cycles."""
    after: float
    """MRR there."""
    over: Over
    since: Interval
    """Change of 1 / rank from there to the judged cycle, query by query."""


@dataclass(frozen=True)
class Gain:
    """How much better unseen partners are found, mean over the queries of all folds."""

    folds: int
    pairs: int
    """Aligned pairs, each held out once."""
    before: float
    """MRR of the untrained encoder."""
    after: float
    over: Over
    """In 1 / rank."""
    shuffled_runs: int
    """Runs on shuffled pairings, over all folds."""
    log_over: Over | None = None
    """In log2(1 / rank): 1 means that ranks were halved. None where a rank is infinite."""
    best: Best | None = None
    """None where the chosen cycle is this one in every fold, or nothing was logged before."""


@dataclass(frozen=True)
class Ranks:
    """Ranks of the held-out queries of one fold, by logged cycle."""

    own: Mapping[int, Float[np.ndarray, " queries"]]
    shuffled: Sequence[Mapping[int, Float[np.ndarray, " queries"]]]
    """The same for each run on shuffled pairings."""
    groups: Int[np.ndarray, " queries"]

    @property
    def cycles(self) -> set[int]:
        """The cycles that all runs logged."""
        return set(self.own).intersection(*self.shuffled)

    def fold_at(self, cycle: int, score: Score) -> Fold:
        """The fold at a cycle, in terms of `score`."""
        before, after = score(self.own[0]), score(self.own[cycle])
        shuffled = np.array([score(run[cycle]) for run in self.shuffled]).reshape(len(self.shuffled), len(after))
        return Fold(before, after, shuffled, self.groups)


def gain_of(run: Run, cycle: int) -> Gain | None:
    """The gain of a run with folds at a cycle; None where folds or their nulls are missing or logged no ranks of it.

    None at cycle 0 too, where nothing was trained.
    """
    if cycle == 0 or run.options.fold_count < 2 or len(run.folds) < run.options.fold_count:
        return None
    groups = _groups_of_passages(run.corpus)
    found = [_ranks(fold, groups) for fold in run.folds]
    asked = run.options.permutations if "shuffled" in run.options.null_kinds else 0
    if any(not {0, cycle} <= one.cycles or len(one.shuffled) < asked for one in found):
        return None
    return gain_at(found, cycle, pairs=len(run.corpus.pairs))


def gain_at(folds: Sequence[Ranks], cycle: int, *, pairs: int, seed: int = 0) -> Gain:
    """
    Args:
        folds: Two or more, each with the cycles 0 and `cycle`.
        pairs: Aligned pairs of all folds.
        seed: Seed of the random signs.
    """
    at_end = [fold.fold_at(cycle, reciprocal) for fold in folds]
    logarithms = [fold.fold_at(cycle, log_reciprocal) for fold in folds]
    finite = all(np.isfinite(numbers).all() for fold in logarithms for numbers in fold[:3])
    return Gain(
        folds=len(folds),
        pairs=pairs,
        before=_mean([fold.before for fold in at_end]),
        after=_mean([fold.after for fold in at_end]),
        over=over_controls(at_end, seed),
        shuffled_runs=sum(len(fold.shuffled) for fold in folds),
        log_over=over_controls(logarithms, seed) if finite else None,
        best=_best(folds, cycle, seed),
    )


def over_controls(folds: Sequence[Fold], seed: int) -> Over:
    """The gain over the untrained encoder, and over the runs on shuffled pairings."""
    differences = np.concatenate([fold.after - fold.before for fold in folds])
    groups = np.concatenate([fold.groups for fold in folds])
    enough = min(len(fold.shuffled) for fold in folds) > 1
    return Over(mean_over_groups(differences, groups, seed), mean_over_strata(folds) if enough else None)


def _best(folds: Sequence[Ranks], last: int, seed: int) -> Best | None:
    """The gain at cycles that are chosen without the queries that judge them: of each fold, by the other folds."""
    cycles = sorted(c for c in set.intersection(*(fold.cycles for fold in folds)) if 0 < c <= last)
    scores = np.array([[reciprocal(fold.own[cycle]).sum() for cycle in cycles] for fold in folds])
    others = scores.sum(axis=0) - scores
    chosen = [cycles[place] for place in others.argmax(axis=1)]  # the first of equal ones
    if set(chosen) == {last}:
        return None
    found = [fold.fold_at(cycle, reciprocal) for fold, cycle in zip(folds, chosen, strict=True)]
    ends = [fold.fold_at(last, reciprocal).after for fold in folds]
    since = np.concatenate([end - fold.after for end, fold in zip(ends, found, strict=True)])
    lost = mean_over_groups(since, np.concatenate([fold.groups for fold in found]), seed)
    middle = sorted(chosen)[len(chosen) // 2]
    return Best(middle, _mean([fold.after for fold in found]), over_controls(found, seed), lost)


def _mean(parts: Sequence[Float[np.ndarray, " _"]]) -> float:
    return float(np.concatenate(parts).mean())


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


def prediction_over_strata(folds: Sequence[Fold]) -> Interval:
    """The same for what all folds have in common, whose runs share one pairing: no mean over folds lessens its effect.

    So the error is that of one run beside all shuffled ones: a prediction interval with the variance pooled over folds.
    With the error of `mean_over_strata`, a change of the space was attributed to the pairing in 31 to 41 % of corpora
    without an effect (benchmarks/power.py).

    Source: Whitmore 1986, Prediction Limits for a Univariate Normal Observation, The American Statistician 40, 141-143.
    """
    value = mean_over_strata(folds).value
    reached = [fold.shuffled.mean(axis=1) for fold in folds]
    runs, free = sum(map(len, reached)), sum(len(own) - 1 for own in reached)
    variance = sum(float(np.square(own - own.mean()).sum()) for own in reached) / free
    if variance == 0:
        return Interval(value, value, value, 1.0 if value == 0 else 1 / (1 + runs))
    error = float(np.sqrt(variance * (1 + 1 / runs)))
    half = float(student.ppf(1 - ALPHA / 2, df=free)) * error
    return Interval(value, value - half, value + half, float(2 * student.sf(abs(value) / error, df=free)))


def reciprocal(ranks: Float[np.ndarray, " queries"]) -> Float[np.ndarray, " queries"]:
    """1 / rank, whose mean is MRR."""
    return 1 / ranks


def log_reciprocal(ranks: Float[np.ndarray, " queries"]) -> Float[np.ndarray, " queries"]:
    """log2(1 / rank)."""
    return -np.log2(ranks)


def _ranks(run: Run, groups: Mapping[str, np.ndarray]) -> Ranks:
    logged = [_by_cycle(null) for null in shuffled_runs(run)]
    return Ranks(_by_cycle(run), [one for one in logged if one], _groups(run.corpus, groups))


def shuffled_runs(run: Run) -> list[Run]:
    """The runs on shuffled pairings beside a run."""
    return [null for null in run.nulls.values() if null.facts.get("null", {}).get("kind") == "shuffled"]


def _by_cycle(run: Run) -> dict[int, Float[np.ndarray, " queries"]]:
    return {
        cycle: np.concatenate([np.array(ranks[way], dtype=np.float64) for way in DIRECTIONS])
        for cycle, ranks in run.held_out_ranks.items()
    }


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
