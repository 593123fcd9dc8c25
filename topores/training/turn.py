"""Detect, without held-out pairs, where a run turns from learning to memorising (--stop-at-turn)."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from topores.domain import Corpus
from topores.errors import UsageError
from topores.topology import persistent_homology, total_persistence

Line = Mapping[str, Any]
"""One line of metrics.jsonl, by key. Values that are absent or None are ignored."""


@dataclass(frozen=True)
class Rule:
    """A run turns at the first logged cycle where a number reaches a given multiple of its start."""

    name: str
    """Key of the number in metrics.jsonl."""
    words: str
    """Name of the number for messages."""
    times: float
    """The multiple of the start: reached from below if above 1, from above if below 1."""

    def holds(self, start: float, now: float) -> bool:
        ratio = now / start
        return ratio >= self.times if self.times > 1 else ratio <= self.times


LOOPS = "train_total_persistence"
HEAD_RULE = Rule(LOOPS, "the total persistence of loops", 2.0)
"""benchmarks/turn.py chose 1.97 times. No other number was measurably better, and loops suit every loss."""

RULES = {"linear": HEAD_RULE, "loreft": HEAD_RULE}
"""Rule by encoder. Full fine-tuning turns at once, so no rule works (docs/turn.md); others were not measured."""

MOST_POINTS = 300
"""Larger clouds are thinned to this many evenly spaced points, the same at every cycle; loops are expensive."""


def loops_of(cloud: Float[np.ndarray, "points dim"]) -> float:
    """Total persistence of the loops of at most `MOST_POINTS` points, in radians."""
    chosen = np.linspace(0, len(cloud) - 1, min(len(cloud), MOST_POINTS)).astype(int)
    return total_persistence(persistent_homology(cloud[chosen])[1])


MEASURED: dict[str, Callable[[np.ndarray], float]] = {LOOPS: loops_of}
"""Numbers not among the usual metrics, computed from the training passages of both texts together."""


@dataclass(frozen=True)
class Reached:
    """The cycle of the turn, and the values that show it."""

    cycle: int
    rule: Rule
    start: float
    value: float

    @property
    def sentence(self) -> str:
        return (
            f"Stopped at the turn, cycle {self.cycle:,}: {self.rule.words} has reached {self.value / self.start:.2f} "
            f"times its start ({self.start:.3g} to {self.value:.3g}; {self.rule.times:g} times is the turn)."
        )


class Turn:
    """Watches for the turn of a run.

    The decision depends only on the lines of metrics.jsonl, so a resumed run stops at the same cycle.

    Args:
        encoder: Name of the encoder, which selects the rule.
        metrics: Lines of a resumed run, or none.
        asked: Whether to watch at all (--stop-at-turn).
    """

    def __init__(self, encoder: str, metrics: Iterable[Line] = (), *, asked: bool) -> None:
        self._rule = RULES[encoder] if asked else None
        self._start: float | None = None
        self.reached: Reached | None = None
        """None before the turn."""
        for line in metrics:
            self.see(line)

    def measure(self, rows: Float[np.ndarray, "passages dim"], corpus: Corpus) -> dict[str, float]:
        """Numbers that the rule needs besides the usual metrics, for the line of a logged cycle.

        Args:
            rows: Unit rows of all passages, T1 first.
        """
        if self._rule is None or self._rule.name not in MEASURED:
            return {}
        trained_on = [split == "train" for split in (*corpus.split_1, *corpus.split_2)]
        return {self._rule.name: MEASURED[self._rule.name](rows[trained_on].astype(np.float64))}

    def see(self, line: Line) -> bool:
        """Process the line of a logged cycle; returns whether it is the turn."""
        now = line.get(self._rule.name) if self._rule else None
        if self._rule is None or self.reached or now is None or not math.isfinite(now):
            return False
        if line["cycle"] == 0:
            self._start = now
        elif self._start and self._rule.holds(self._start, now):  # a start of 0 or an unknown start has no multiples
            self.reached = Reached(line["cycle"], self._rule, self._start, now)
        return self.reached is not None


def refuse_unmeasured(encoder: str) -> None:
    """
    Raises:
        UsageError: There is no rule for this encoder.
    """
    if encoder not in RULES:
        raise UsageError(
            f"--stop-at-turn has no rule for --encoder {encoder}, only for {', '.join(RULES)}; choose one of these, or "
            "use --keep best, which uses held-out pairs."
        )
