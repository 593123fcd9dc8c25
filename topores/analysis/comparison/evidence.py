"""The numbers that the rules of a comparison use: kinds of runs, and how they differ at the last shared cycle."""

import itertools
from dataclasses import dataclass
from functools import cached_property, partial

from topores.analysis.comparison.aligned import Comparison, at_loss
from topores.analysis.comparison.corpora import equal_corpora
from topores.analysis.comparison.replicates import Difference, Group, Read, differences, group_replicates
from topores.analysis.comparison.run import COUNTED, QUANTITIES, ComparedRun
from topores.analysis.verdict.evidence import LOOPS

EQUAL_LOSS = f"{LOOPS} at equal loss"
"""Total persistence of the loops at the lowest loss that all reached."""

NOT_TESTED = ("train_mrr", COUNTED)
"""Long training always finds the training pairs; loops are tested one by one, by their own nulls."""


@dataclass(frozen=True)
class Judged:
    """Runs in groups of replicates, and the tested differences between the groups."""

    comparison: Comparison

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        return group_replicates(self.comparison.runs)

    @cached_property
    def of_other_corpora(self) -> tuple[tuple[Group, Group], ...]:
        """Every two groups on the same texts that were trained on different passages, pairs or splits of them."""
        return tuple(
            (one, other)
            for one, other in itertools.combinations(self.groups, 2)
            if one.runs[0].texts == other.runs[0].texts and not equal_corpora(one.runs, other.runs)
        )

    @property
    def end(self) -> int | None:
        """The last cycle that all runs kept; None if they share no trained state."""
        cycles = self.comparison.cycles
        return cycles[-1] if cycles and cycles[-1] > 0 else None

    @property
    def level(self) -> float | None:
        """The lowest loss that all reached, if losses are comparable."""
        levels = self.comparison.levels
        return levels[-1] if levels and not self.comparison.losses_differ_by else None

    @cached_property
    def reads(self) -> dict[str, Read]:
        """By quantity, how to read it: at the last shared cycle, and for loops also at the lowest shared loss."""
        names = [name for name in QUANTITIES if name not in NOT_TESTED]
        at_end: dict[str, Read] = {} if self.end is None else {n: partial(at_cycle, n, self.end) for n in names}
        return at_end if self.level is None else {**at_end, EQUAL_LOSS: partial(_loops_at, self.level)}

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Differences of every two groups, by quantity."""
        return differences(self.groups, self.reads, self.end)

    def differences_of(self, quantity: str) -> list[Difference]:
        return [d for d in self.differences if d.quantity == quantity]

    def widest(self, quantity: str) -> Difference | None:
        """The difference between the greatest and the least mean."""
        return max(self.differences_of(quantity), key=lambda d: d.means[0] - d.means[1], default=None)


def at_cycle(quantity: str, cycle: int, run: ComparedRun) -> float | None:
    return run.values[quantity].get(cycle)


def _loops_at(level: float, run: ComparedRun) -> float | None:
    return at_loss(run, LOOPS, level)
