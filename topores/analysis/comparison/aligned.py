"""Several runs side by side: the same quantities at equal cycles and at equal losses. Nothing is tested here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from topores.analysis.comparison.run import COUNTED, QUANTITIES, ByCycle, ComparedRun
from topores.config.by_variant import field_names, option_class
from topores.config.train import chosen_variant

LEVELS = 6
"""Number of losses at which runs are compared, from the lowest start to the lowest loss that all reached."""

DECIDE_LOSS = ("objective", "passage_tokens", "held_out", "embargo")
"""Common options that decide what a loss means, besides the objective's own, the texts and the size of a batch."""

Values = tuple[float | None, ...]
"""One value per run; None if it is not known."""


@dataclass(frozen=True)
class Comparison:
    runs: tuple[ComparedRun, ...]

    @property
    def names(self) -> list[str]:
        return [run.name for run in self.runs]

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """What is shown of the runs: the quantities that are tested, then whatever else any of them logged."""
        return tuple(dict.fromkeys([*QUANTITIES, *(name for run in self.runs for name in run.values)]))

    @cached_property
    def cycles(self) -> tuple[int, ...]:
        """Cycles that were kept and measured in all runs."""
        return tuple(sorted(set.intersection(*(set(run.kept) for run in self.runs))))

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Losses that all runs reached, falling; at equal ratios, or at equal steps if one is not positive.

        They are within the kept states, where everything is known, or within the log if too few states were kept.
        """
        kept = [[run.losses[cycle] for cycle in run.kept if cycle in run.losses] for run in self.runs]
        return _levels(kept) or _levels([list(run.losses.values()) for run in self.runs])

    def at_cycle(self, quantity: str, cycle: int) -> Values:
        return tuple(run.values.get(quantity, {}).get(cycle) for run in self.runs)

    def at_loss(self, quantity: str, level: float) -> Values:
        return tuple(at_loss(run, quantity, level) for run in self.runs)

    def reached(self, level: float) -> Values:
        """The cycle, interpolated, at which each run reached a loss."""
        return tuple(_at(run.losses, {cycle: float(cycle) for cycle in run.losses}, level) for run in self.runs)

    @cached_property
    def losses_differ_by(self) -> tuple[str, ...]:
        """Why equal losses of two runs do not mean the same: names of options, or 'texts'; empty if they do."""
        facts = [_meaning_of_loss(run) for run in self.runs]
        known = dict.fromkeys(name for fact in facts for name in fact)
        names = [name for name in known if _differ(fact[name] for fact in facts if name in fact)]
        passages = [run.gist.passages for run in self.runs]
        # Two readers may find the same passages; where a run is too old to tell, equal texts have to do.
        return tuple(name for name in names if name != "reader" or (None not in passages and _differ(passages)))

    @cached_property
    def same_texts(self) -> bool:
        return not _differ(run.texts for run in self.runs)

    @cached_property
    def same_questions(self) -> bool:
        """Whether all runs have the same held-out retrieval task."""
        return not _differ(run.gist.questions for run in self.runs)


def _levels(losses: Sequence[Sequence[float]]) -> tuple[float, ...]:
    if not all(losses):
        return ()
    high, low = min(own[0] for own in losses), max(min(own) for own in losses)
    if low >= high:
        return ()
    steps = np.geomspace(high, low, LEVELS) if low > 0 else np.linspace(high, low, LEVELS)
    # Rounding must not move an end beyond what was reached.
    return (high, *steps[1:-1].tolist(), low)


def at_loss(run: ComparedRun, quantity: str, level: float) -> float | None:
    """A quantity where the run first reached a loss, interpolated linearly between the states around it.

    A count is taken from the first state at or below the loss.

    Returns:
        None if the run started below the loss, never reached it, or if the quantity is unknown there.
    """
    known = run.values.get(quantity, {})
    if quantity != COUNTED:
        return _at(run.losses, known, level)
    states = [cycle for cycle in run.kept if cycle in run.losses]
    found = _crossing([run.losses[cycle] for cycle in states], level)
    return None if found is None else known.get(states[found[0]])


def _at(losses: ByCycle, values: ByCycle, level: float) -> float | None:
    cycles = [cycle for cycle in losses if cycle in values]
    found = _crossing([losses[cycle] for cycle in cycles], level)
    if found is None:
        return None
    place, share = found
    now = values[cycles[place]]
    before = values[cycles[place - 1]] if place else now
    return before + share * (now - before)


def _crossing(losses: Sequence[float], level: float) -> tuple[int, float] | None:
    """The first index at or below `level`, and the share of the step before it at which `level` is crossed."""
    place = next((i for i, loss in enumerate(losses) if loss <= level), None)
    if place is None or (place == 0 and losses[0] < level):
        return None
    if place == 0:
        return 0, 1.0
    return place, (losses[place - 1] - level) / (losses[place - 1] - losses[place])


def _meaning_of_loss(run: ComparedRun) -> dict[str, Any]:
    own = field_names(option_class("objective", chosen_variant("objective", run.options)))
    options = {name: run.options.get(name) for name in (*DECIDE_LOSS, *own)}
    return {"texts": run.texts, "reader": run.reader, "batch_size": run.batch, **options}


def _differ(values: Iterable[Any]) -> bool:
    first, *others = values
    return any(other != first for other in others)
