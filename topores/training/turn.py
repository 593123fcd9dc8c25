"""Where a run turns from learning to memorising, told without held-out pairs (--stop-at-turn)."""

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
"""One line of metrics.jsonl, by key. What is absent or None tells nothing."""


@dataclass(frozen=True)
class Rule:
    """A run turns at the first logged cycle where one number has come to a multiple of its start."""

    name: str
    """Key of the number in metrics.jsonl."""
    words: str
    """The number in words."""
    times: float
    """So many times its start: or more, if above 1; or less, if below."""

    def holds(self, start: float, now: float) -> bool:
        ratio = now / start
        return ratio >= self.times if self.times > 1 else ratio <= self.times


LOOPS = "train_total_persistence"
OF_HEADS = Rule(LOOPS, "the total persistence of loops", 2.0)
"""benchmarks/turn.py chose 1.97 times; no number was told to be better, and loops fit any loss and temperature."""

RULES = {"linear": OF_HEADS, "loreft": OF_HEADS}
"""By encoder. No rule serves full fine-tuning, which turns at once (docs/turn.md); the others were not measured."""

MOST_POINTS = 300
"""Of larger clouds so many points, evenly spaced and the same at every cycle: the cost of loops grows steeply."""


def loops_of(cloud: Float[np.ndarray, "points dim"]) -> float:
    """Total persistence of the loops of at most `MOST_POINTS` points, in radians."""
    chosen = np.linspace(0, len(cloud) - 1, min(len(cloud), MOST_POINTS)).astype(int)
    return total_persistence(persistent_homology(cloud[chosen])[1])


MEASURED: dict[str, Callable[[np.ndarray], float]] = {LOOPS: loops_of}
"""What evaluate.py does not measure, of the passages that are trained on, both texts together."""


@dataclass(frozen=True)
class Reached:
    """The cycle that is the turn, and by what."""

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
    """Watches for the turn of a run, and is silent if nobody asked.

    It follows from the lines of metrics.jsonl alone, so a run that is resumed decides as one that was never stopped.

    Args:
        encoder: What is trained; each kind has its rule.
        metrics: The lines that are there already: none, or those of a run that is resumed.
        asked: Whether to watch (--stop-at-turn).
    """

    def __init__(self, encoder: str, metrics: Iterable[Line] = (), *, asked: bool) -> None:
        self._rule = RULES[encoder] if asked else None
        self._start: float | None = None
        self.reached: Reached | None = None
        """None before the turn."""
        for line in metrics:
            self.see(line)

    def measured(self, rows: Float[np.ndarray, "passages dim"], corpus: Corpus) -> dict[str, float]:
        """What the rule needs beside the usual metrics, for the line of a logged cycle.

        Args:
            rows: Unit rows of all passages, T1 first.
        """
        if self._rule is None or self._rule.name not in MEASURED:
            return {}
        trained_on = [split == "train" for split in (*corpus.split_1, *corpus.split_2)]
        return {self._rule.name: MEASURED[self._rule.name](rows[trained_on].astype(np.float64))}

    def see(self, line: Line) -> bool:
        """Take in the line of a logged cycle; returns whether it is the turn."""
        now = line.get(self._rule.name) if self._rule else None
        if self._rule is None or self.reached or now is None or not math.isfinite(now):
            return False
        if line["cycle"] == 0:
            self._start = now
        elif self._start and self._rule.holds(self._start, now):  # nothing is a multiple of 0, or of what is not known
            self.reached = Reached(line["cycle"], self._rule, self._start, now)
        return self.reached is not None


def refuse_unmeasured(encoder: str) -> None:
    """
    Raises:
        UsageError: It is not known where runs of this encoder turn.
    """
    if encoder not in RULES:
        raise UsageError(
            f"--stop-at-turn knows where {', '.join(RULES)} turn, and no rule is known for '{encoder}'; give --encoder "
            "one of them, or --keep best, which goes by held-out pairs."
        )
