"""Detect a run that collapsed, stalled or only memorises, from its metrics.jsonl; the rules are in outcomes.py."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from topores.domain import DIRECTIONS
from topores.errors import FailedOn
from topores.outcomes import (
    MEMORISED_BELOW,
    SHARE_OF_RANK,
    STILL,
    Retrieval,
    Spread,
    in_few_directions,
    in_one_place,
    is_memorised,
    knows_training_pairs,
)
from topores.sign_flips import mean_over_groups

log = logging.getLogger(__name__)

Line = Mapping[str, Any]
"""One line of metrics.jsonl, by key. Values that are absent or None are not judged."""

STALLING = ("gte", "infonce")
"""Losses whose gradient has the factor 1 - p. In decoupled and supcon the pull of positives does not have it."""

APART = 0.1
"""Stalling: alignment above this, a mean cosine of partners below 0.95, so there was more to learn."""

WHOLE_AND_TEXTS = ("", "t1", "t2")
"""Clouds that may collapse, by the end of their keys."""

DRAWS = 999
"""Random signs behind an interval that is asked for again and again while a run trains."""

Ranks = Mapping[str, Sequence[float]]
"""Ranks of the held-out queries at a logged cycle, by direction."""


class Gain(NamedTuple):
    """Of unseen partners since the untrained encoder, in MRR, with its 95 % interval."""

    value: float
    low: float
    high: float
    groups: int
    """Independent groups of held-out pairs behind it."""


@dataclass(frozen=True)
class Fault:
    """A fault of a run at its newest logged cycle."""

    name: str
    """'collapsed', 'stalled' or 'memorised'."""
    sentence: str
    """The value seen, what was expected, what to do: one line."""


def faults(
    metrics: Sequence[Line], gain: Callable[[], Gain | None] = lambda: None, *, loss: str = "infonce"
) -> list[Fault]:
    """Faults at the newest line, compared with the first one, which is of the untrained encoder.

    Args:
        metrics: All lines so far, in order of cycle.
        gain: Gain in MRR of unseen partners between the two; asked only where the training pairs are known by heart.
        loss: Name of the run's loss; only those in STALLING can stall.

    Returns:
        At most one fault of each name; empty if there is no line.
    """
    if not metrics:
        return []
    found = {
        "collapsed": _collapse_sentence(metrics),
        "stalled": _stall_sentence(metrics, loss),
        "memorised": _memorisation_sentence(metrics, gain),
    }
    cycle = metrics[-1]["cycle"]
    return [
        Fault(name, f"{name.capitalize()} at cycle {cycle:,}: {sentence}")
        for name, sentence in found.items()
        if sentence
    ]


class Watch:
    """Warns of each fault once when it begins, and again only after it has ended.

    Args:
        metrics: Lines of a resumed run, or none. Faults at their end were reported before.
        ranks: By cycle, those of a resumed run.
        groups: Number of the group of dependent queries that each held-out query belongs to, T1's queries first.
        loss: Name of the run's loss.
        says: Whether to log faults; off for nulls, which are expected to have them.
    """

    def __init__(
        self,
        metrics: Iterable[Line] = (),
        ranks: Mapping[int, Ranks] | None = None,
        groups: Int[np.ndarray, " queries"] | None = None,
        *,
        loss: str = "infonce",
        says: bool = True,
    ) -> None:
        self._metrics, self._ranks, self._groups = list(metrics), dict(ranks or {}), groups
        self._loss, self._says = loss, says
        self._standing = {fault.name for fault in self._faults()}

    def see(self, line: Line, ranks: Ranks | None = None) -> list[Fault]:
        """Process the line of a logged cycle and return all its faults, new or not.

        Args:
            ranks: Of the held-out queries; None where nothing is held out.
        """
        self._metrics.append(line)
        if ranks is not None:
            first = self._metrics[0]["cycle"]
            self._ranks = {cycle: own for cycle, own in self._ranks.items() if cycle == first} | {line["cycle"]: ranks}
        found = self._faults()
        for fault in found:
            if self._says and fault.name not in self._standing:
                log.warning("%s", fault.sentence)
        self._standing = {fault.name for fault in found}
        return found

    def _faults(self) -> list[Fault]:
        return faults(self._metrics, self._gain, loss=self._loss)

    def _gain(self) -> Gain | None:
        """Of unseen partners, from the first line to the newest; None if their ranks are not known."""
        ends = [self._ranks.get(self._metrics[place]["cycle"]) for place in (0, -1)]
        if self._groups is None or None in ends:
            return None
        before, now = (np.concatenate([1 / np.array(end[way]) for way in DIRECTIONS]) for end in ends if end)
        found = mean_over_groups(now - before, self._groups, 0, draws=DRAWS)
        return Gain(found.value, found.low, found.high, int(self._groups.max()) + 1)


def stop_if(found: Iterable[Fault], names: frozenset[str]) -> None:
    """End the run if a fault is among `names`, the values of --fail-on.

    Raises:
        FailedOn: Some fault is among `names`.
    """
    fatal = [fault for fault in found if fault.name in names]
    if fatal:
        sentences = " ".join(fault.sentence for fault in fatal)
        raise FailedOn(f"{sentences} Stopped here because of --fail-on.")


def _collapse_sentence(metrics: Sequence[Line]) -> str:
    """Non-empty if the space or one text collapsed: all passages in one place, or few directions left."""
    seen: list[str] = []
    for text in WHOLE_AND_TEXTS:
        seen = seen or _collapsed_of(_spread(metrics[0], text), _spread(metrics[-1], text), text)
    return f"{' and '.join(seen)}; give a smaller --learning-rate or a larger --batch-size." if seen else ""


def _collapsed_of(before: Spread, now: Spread, text: str) -> list[str]:
    """What is wrong with the spread of all passages, or of one text's."""
    of_text, seen = f" of {text.upper()}" if text else "", []
    if in_one_place(before, now):
        seen.append(
            f"uniformity{of_text} is {now.uniformity:.2f} ({before.uniformity:.2f} untrained; 0 means all passages in "
            "one place)"
        )
    if in_few_directions(before, now):
        least = SHARE_OF_RANK * (before.rank_me or 0.0)
        seen.append(
            f"RankMe{of_text} is {now.rank_me:.1f} ({before.rank_me:.1f} untrained; expected {least:.1f} or more)"
        )
    return seen


def _stall_sentence(metrics: Sequence[Line], loss: str) -> str:
    """Non-empty if the gradient is nearly 0 although there is more to learn."""
    line = metrics[-1]
    one_minus_p, alignment, held_out = line.get("one_minus_p"), line.get("alignment"), retrieval_of(line).held_out
    if loss not in STALLING or one_minus_p is None or one_minus_p >= STILL:
        return ""
    left = [f"partners are still apart (alignment {alignment:.2f})"] if (alignment or 0) > APART else []
    left += [f"held-out MRR is {held_out:.3f}"] if held_out is not None and held_out < 1 else []
    if not left:
        return ""
    return (
        f"the mean of 1 - p is {one_minus_p:.1e} (expected {STILL:g} or more), which scales the gradient of '{loss}', "
        f"so learning has nearly stopped, but {' and '.join(left)}; raise --temperature, or give --loss decoupled."
    )


def _memorisation_sentence(metrics: Sequence[Line], gain: Callable[[], Gain | None]) -> str:
    """Non-empty if the training pairs are known by heart, and a gain for unseen partners is excluded."""
    untrained, now = retrieval_of(metrics[0]), retrieval_of(metrics[-1])
    if not knows_training_pairs(untrained, now):
        return ""
    found = gain()
    if found is None or not is_memorised(untrained, now, found.high, found.groups):
        return ""
    best = max(metrics, key=lambda line: retrieval_of(line).held_out or 0.0)
    advice = (
        "no cycle was better, so give more text, or check that the pairs are aligned."
        if best is metrics[0]
        else f"train only to cycle {best['cycle']:,}, the best one ({retrieval_of(best).held_out:.3f})."
    )
    return (
        f"training MRR rose from {untrained.train:.3f} to {now.train:.3f}, but unseen partners gain {found.value:+.3f} "
        f"[{found.low:+.3f}, {found.high:+.3f}], less than the {MEMORISED_BELOW:g} that would count; {advice}"
    )


def _spread(line: Line, text: str) -> Spread:
    """How wide all passages are, or those of a text; older runs did not log the latter."""
    end = f"_{text}" if text else ""
    return Spread(line.get(f"uniformity{end}"), line.get(f"rank_me{end}"))


def retrieval_of(line: Line) -> Retrieval:
    """MRR of both splits at a logged cycle."""
    return Retrieval(_mrr(line, "train"), _mrr(line, "held_out"))


def _mrr(line: Line, split: str) -> float | None:
    """Mean of both directions."""
    both = [line.get(f"{split}_mrr_{direction}") for direction in ("1to2", "2to1")]
    asked = [value for value in both if value is not None]
    return float(np.mean(asked)) if asked else None
