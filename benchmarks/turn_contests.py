"""The arithmetic of benchmarks/turn.py: where a run turns, how near rules come to it, what tells true from shuffled."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from topores.analysis.comparison.run import LOOPS, RETRIEVAL
from topores.compute.files import write_text

RESAMPLES = 2000
"""Of every interval, which is of 95 %."""

ROUNDING = 1e-9
"""Two means of as many reciprocal ranks are equal up to this."""

COURSES = 200
"""With new noise, to see how far a turn moves."""

Group = tuple[str, str]
"""Corpus and encoder: runs are compared within these."""


@dataclass(frozen=True)
class Trajectory:
    """One run, state by state."""

    corpus: str
    encoder: str
    seed: int
    true: bool
    states: list[dict[str, Any]]

    @property
    def group(self) -> Group:
        return self.corpus, self.encoder

    def __len__(self) -> int:
        return len(self.states)

    def values(self, name: str) -> np.ndarray:
        return np.array([state[name] for state in self.states], dtype=float)

    def changes(self, name: str) -> np.ndarray:
        """A monitor against its start, on a scale that corpora share: 0 at the start, for most the log of the ratio."""
        values = self.values(name)
        if name.endswith("uniformity"):
            return values - values[0]  # a logarithm already
        if name == "train_mrr":
            return (values - values[0]) / (1 - values[0])  # the share found of what was missed
        if name == "rtd":
            return values / self.values(LOOPS)[0]  # 0 at the start by definition
        return np.log(values / values[0])

    @cached_property
    def retrieval(self) -> np.ndarray:
        return smoothed(self.values(RETRIEVAL))

    @cached_property
    def turn(self) -> int:
        """Place of the state that finds held-out partners best, of equal ones the first: 0 is the untrained encoder."""
        return int(np.argmax(self.retrieval >= self.retrieval.max() - ROUNDING))

    @cached_property
    def noise(self) -> float:
        """Standard deviation of held-out MRR around its smoothed course."""
        # Of white noise the smoothed course takes away all but (1/2)^2 + 2 (1/4)^2 = 3/8 of the variance.
        left = (self.values(RETRIEVAL) - self.retrieval)[1:-1]
        return float(np.sqrt(np.mean(left**2) / (3 / 8)))

    @property
    def plateau(self) -> int:
        """States within one standard error of the best."""
        return int(np.sum(self.retrieval >= self.retrieval.max() - np.sqrt(3 / 8) * self.noise))

    @property
    def turn_moves(self) -> float:
        """Mean distance from the turn, in states, that it moves under new noise of the same size."""
        draw = np.random.default_rng(0)
        courses = smoothed(self.retrieval + self.noise * draw.normal(size=(COURSES, len(self))))
        return float(np.abs(courses.argmax(axis=-1) - self.turn).mean())


def read(paths: Iterable[Path]) -> list[Trajectory]:
    """The runs of files that benchmarks/turn_runs.py or `write_short` wrote."""
    runs = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Trajectory(run["corpus"], run["encoder"], run["seed"], run["pairing"] == "true", _states(run["states"]))
        for run in runs
    ]


def _states(states: list[dict[str, Any]] | dict[str, list[Any]]) -> list[dict[str, Any]]:
    if isinstance(states, list):
        return states
    return [dict(zip(states, values, strict=True)) for values in zip(*states.values(), strict=True)]


def write_short(runs: Iterable[Trajectory], path: Path) -> None:
    """The runs with twelve digits of every number, each in one list over the states."""
    lines = []
    for run in runs:
        names = [name for name in run.states[0] if name != "seconds"]
        states = {name: [_short(state[name]) for state in run.states] for name in names}
        pairing = "true" if run.true else "shuffled"
        told = {"corpus": run.corpus, "encoder": run.encoder, "seed": run.seed, "pairing": pairing, "states": states}
        lines.append(json.dumps(told, separators=(",", ":")) + "\n")
    write_text(path, "".join(lines))


def _short(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else float(f"{value:.12g}")


def smoothed(course: np.ndarray) -> np.ndarray:
    """Each value half its own, half its two neighbours'; the ends as they are."""
    inner = (course[..., :-2] + 2 * course[..., 1:-1] + course[..., 2:]) / 4
    return np.concatenate([course[..., :1], inner, course[..., -1:]], axis=-1)


@dataclass(frozen=True)
class Rule:
    """Stop at the first state at which a monitor has changed by so much."""

    name: str
    sign: int
    threshold: float

    def stop(self, run: Trajectory) -> int:
        return int(_firsts(self.name, self.sign, np.array([self.threshold]), run)[0])

    @property
    def told(self) -> str:
        change = self.sign * self.threshold
        if self.name.endswith("uniformity"):
            return f"{change:+.2f}"
        if self.name == "train_mrr":
            return f"{change:.0%} of what was missed"
        return f"{change:.2f} of the start's persistence" if self.name == "rtd" else f"{np.exp(change):.2f} times"


def fitted(name: str, runs: Sequence[Trajectory]) -> Rule:
    """The rule by one monitor that comes nearest to the turns of `runs`, up or down; of equal thresholds the middle."""
    turns, found = np.array([run.turn for run in runs]), []
    for sign in (1, -1):
        sizes = np.concatenate([sign * run.changes(name) for run in runs])
        sizes = np.unique(sizes[sizes > 1e-6])
        thresholds = (sizes[1:] + sizes[:-1]) / 2
        if len(thresholds):
            stops = np.array([_firsts(name, sign, thresholds, run) for run in runs])
            missed = np.abs(stops - turns[:, None]).mean(axis=0)
            best = np.flatnonzero(missed <= missed.min() + 1e-9)
            found.append((missed.min(), Rule(name, sign, float(thresholds[best[len(best) // 2]]))))
    return min(found, key=lambda each: each[0])[1]


def _firsts(name: str, sign: int, thresholds: np.ndarray, run: Trajectory) -> np.ndarray:
    """The first state that reaches each threshold; the last one where none does."""
    greatest = np.maximum.accumulate(sign * run.changes(name))
    return np.minimum(np.searchsorted(greatest, thresholds), len(run) - 1)


def stops(name: str, runs: Sequence[Trajectory]) -> list[int]:
    """Where the rule that was fitted to the runs on other corpora stops each run."""
    rules = {c: fitted(name, [run for run in runs if run.corpus != c]) for c in {run.corpus for run in runs}}
    return [rules[run.corpus].stop(run) for run in runs]


def constant_stops(runs: Sequence[Trajectory]) -> list[int]:
    """The same of the rule that stops at one state whatever happens: the median turn on the other corpora."""
    return [_median_turn([other for other in runs if other.corpus != run.corpus]) for run in runs]


def seed_stops(runs: Sequence[Trajectory]) -> list[int]:
    """The median turn of the other seeds of the same corpus and encoder: no rule, but how well turns repeat."""
    return [_median_turn([o for o in runs if o.group == run.group and o.seed != run.seed]) for run in runs]


def _median_turn(runs: Sequence[Trajectory]) -> int:
    turns = sorted(run.turn for run in runs)
    return turns[len(turns) // 2] if turns else 0


def interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Of the mean, redrawing runs."""
    seen, draw = np.asarray(values, dtype=float), np.random.default_rng(0)
    low, high = np.quantile(draw.choice(seen, (RESAMPLES, len(seen))).mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def auc(true: Sequence[float] | np.ndarray, shuffled: Sequence[float] | np.ndarray) -> float:
    """Share of (true, shuffled) with the greater value on the true side; equal ones count half."""
    difference = np.subtract.outer(np.asarray(true), np.asarray(shuffled))
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


Values = dict[Group, tuple[list[float], list[float]]]
"""Of true and of shuffled runs."""


def grouped(runs: Sequence[Trajectory], value: Callable[[Trajectory], float]) -> Values:
    """`value` of each run that has one, in the groups that have both kinds."""
    found: Values = {}
    for run in runs:
        seen = value(run)
        if np.isfinite(seen):
            found.setdefault(run.group, ([], []))[0 if run.true else 1].append(seen)
    return {group: both for group, both in found.items() if all(both)}


def told_apart(values: Values) -> dict[str, float]:
    """AUC within groups, averaged, in the direction that is better over all of them; the interval redraws runs."""
    if not values:
        return {}
    mean = float(np.mean([auc(*both) for both in values.values()]))
    sign, draw = 1 if mean >= 0.5 else -1, np.random.default_rng(0)
    again = [
        np.mean([auc(sign * draw.choice(a, len(a)), sign * draw.choice(b, len(b))) for a, b in values.values()])
        for _ in range(RESAMPLES // 4)
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    return {"auc": max(mean, 1 - mean), "sign": sign, "low": float(low), "high": float(high), "groups": len(values)}


def at_spread(run: Trajectory, level: float, spread: str) -> Callable[[str], float]:
    """The values of a run where it widens through a uniformity of `level`, on a line between two states.

    Shuffled pairs contract the space first, so the first passage after the narrowest state counts. Nan without one.
    """
    wide = run.values(spread)
    places = [i for i in range(int(np.argmax(wide)), len(run) - 1) if wide[i] > level >= wide[i + 1]]

    def value(name: str) -> float:
        if not places:
            return np.nan
        before, after = run.values(name)[places[0] : places[0] + 2]
        share = (wide[places[0]] - level) / (wide[places[0]] - wide[places[0] + 1])
        return float(before + share * (after - before))

    return value


def regression_auc(rows: Sequence[tuple[Group, bool, Sequence[float]]]) -> float:
    """AUC within groups of logistic regression on some numbers of each run, fitted to the runs on other corpora.

    Args:
        rows: Group, whether true, and the numbers, which are centred within the group here.
    """
    groups = [row[0] for row in rows]
    truth, inputs = np.array([row[1] for row in rows]), np.array([row[2] for row in rows], dtype=float)
    places = [np.array([group == each for group in groups]) for each in dict.fromkeys(groups)]
    for place in places:
        inputs[place] -= inputs[place].mean(axis=0)
    inputs /= inputs.std(axis=0)
    scores, corpora = np.zeros(len(rows)), np.array([group[0] for group in groups])
    for corpus in dict.fromkeys(corpora):
        others = corpora != corpus
        model = LogisticRegression(class_weight="balanced").fit(inputs[others], truth[others])
        scores[~others] = model.decision_function(inputs[~others])
    return float(np.mean([auc(scores[place & truth], scores[place & ~truth]) for place in places]))
