"""Statistics for benchmarks/turn.py: the turn of a run, stopping rules, separation of true and shuffled runs."""

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
"""Bootstrap resamples for every 95 % interval."""

ROUNDING = 1e-9
"""Means of equally many reciprocal ranks count as equal up to this."""

COURSES = 200
"""Simulated courses with new noise, to estimate how far a turn moves."""

Group = tuple[str, str]
"""Corpus and encoder; runs are compared within a group."""


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
        """Change of a monitor since its start, comparable across corpora: for most the log of the ratio."""
        values = self.values(name)
        if name.endswith("uniformity"):
            return values - values[0]  # already a logarithm
        if name == "train_mrr":
            return (values - values[0]) / (1 - values[0])  # share of the missed queries that is now found
        if name == "rtd":
            return values / self.values(LOOPS)[0]  # 0 at the start by definition
        return np.log(values / values[0])

    @cached_property
    def retrieval(self) -> np.ndarray:
        return smooth(self.values(RETRIEVAL))

    @cached_property
    def turn(self) -> int:
        """Index of the state with the best smoothed held-out retrieval (first of ties); 0 is the untrained encoder."""
        return int(np.argmax(self.retrieval >= self.retrieval.max() - ROUNDING))

    @cached_property
    def noise(self) -> float:
        """Standard deviation of held-out MRR around its smoothed course."""
        # Smoothing reduces the variance of white noise to (1/2)^2 + 2 (1/4)^2 = 3/8.
        left = (self.values(RETRIEVAL) - self.retrieval)[1:-1]
        return float(np.sqrt(np.mean(left**2) / (3 / 8)))

    @property
    def plateau(self) -> int:
        """Number of states within one standard error of the best."""
        return int(np.sum(self.retrieval >= self.retrieval.max() - np.sqrt(3 / 8) * self.noise))

    @property
    def turn_moves(self) -> float:
        """Mean distance, in states, that the turn moves under new noise of the same size."""
        draw = np.random.default_rng(0)
        courses = smooth(self.retrieval + self.noise * draw.normal(size=(COURSES, len(self))))
        return float(np.abs(courses.argmax(axis=-1) - self.turn).mean())


def read(paths: Iterable[Path]) -> list[Trajectory]:
    """Read runs from files that benchmarks/turn_runs.py or `write_short` wrote."""
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
    """Write runs with twelve digits per number, one list over the states per monitor."""
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


def smooth(course: np.ndarray) -> np.ndarray:
    """Smooth with weights 1/4, 1/2, 1/4; the two ends are unchanged."""
    inner = (course[..., :-2] + 2 * course[..., 1:-1] + course[..., 2:]) / 4
    return np.concatenate([course[..., :1], inner, course[..., -1:]], axis=-1)


@dataclass(frozen=True)
class Rule:
    """Stop at the first state at which a monitor has changed by a given amount."""

    name: str
    sign: int
    threshold: float

    def stop(self, run: Trajectory) -> int:
        return int(_firsts(self.name, self.sign, np.array([self.threshold]), run)[0])

    @property
    def description(self) -> str:
        change = self.sign * self.threshold
        if self.name.endswith("uniformity"):
            return f"{change:+.2f}"
        if self.name == "train_mrr":
            return f"{change:.0%} of the missed queries"
        return f"{change:.2f} of the initial persistence" if self.name == "rtd" else f"{np.exp(change):.2f} times"


def fit_rule(name: str, runs: Sequence[Trajectory]) -> Rule:
    """The rule for one monitor, rising or falling, nearest to the turns of `runs`; the middle of tied thresholds."""
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
    """The first state that reaches each threshold, or the last state if none does."""
    greatest = np.maximum.accumulate(sign * run.changes(name))
    return np.minimum(np.searchsorted(greatest, thresholds), len(run) - 1)


def stops(name: str, runs: Sequence[Trajectory]) -> list[int]:
    """Where each run is stopped by the rule fitted to the runs on other corpora."""
    rules = {c: fit_rule(name, [run for run in runs if run.corpus != c]) for c in {run.corpus for run in runs}}
    return [rules[run.corpus].stop(run) for run in runs]


def constant_stops(runs: Sequence[Trajectory]) -> list[int]:
    """Where each run is stopped by the constant rule: the median turn on the other corpora."""
    return [_median_turn([other for other in runs if other.corpus != run.corpus]) for run in runs]


def seed_stops(runs: Sequence[Trajectory]) -> list[int]:
    """The median turn of the other seeds of the same corpus and encoder, which shows how well turns repeat."""
    return [_median_turn([o for o in runs if o.group == run.group and o.seed != run.seed]) for run in runs]


def _median_turn(runs: Sequence[Trajectory]) -> int:
    turns = sorted(run.turn for run in runs)
    return turns[len(turns) // 2] if turns else 0


def interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Bootstrap interval of the mean over runs."""
    seen, draw = np.asarray(values, dtype=float), np.random.default_rng(0)
    low, high = np.quantile(draw.choice(seen, (RESAMPLES, len(seen))).mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def auc(true: Sequence[float] | np.ndarray, shuffled: Sequence[float] | np.ndarray) -> float:
    """Share of (true, shuffled) pairs of runs with the larger value on the true side; ties count half."""
    difference = np.subtract.outer(np.asarray(true), np.asarray(shuffled))
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


Values = dict[Group, tuple[list[float], list[float]]]
"""Values of true and of shuffled runs, by group."""


def group_values(runs: Sequence[Trajectory], value: Callable[[Trajectory], float]) -> Values:
    """`value` of each run where it is defined, for groups that have both kinds of run."""
    found: Values = {}
    for run in runs:
        seen = value(run)
        if np.isfinite(seen):
            found.setdefault(run.group, ([], []))[0 if run.true else 1].append(seen)
    return {group: both for group, both in found.items() if all(both)}


def separation_auc(values: Values) -> dict[str, float]:
    """Mean AUC within groups, in the direction that is better overall, with a bootstrap interval over runs."""
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


def values_at_spread(run: Trajectory, level: float, spread: str) -> Callable[[str], float]:
    """Monitor values of a run at the point where it widens through uniformity `level`, interpolated between states.

    Shuffled pairs contract the space first, so the first crossing after the narrowest state counts; NaN if none.
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
    """AUC within groups of logistic regression on some features of each run, fitted to the runs on other corpora.

    Args:
        rows: Group, whether the pairings are true, and the features, which are centred within the group here.
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
