"""What a run does wrong, told from the lines of its metrics.jsonl: it collapsed, froze, or only memorised."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from topores.errors import FailedOn

log = logging.getLogger(__name__)

Line = Mapping[str, Any]
"""One line of metrics.jsonl, by key. What is absent or None is not judged."""

ONE_PLACE = -0.5
"""Uniformity above this: a mean cosine over about .87. Shuffled pairs contract the space to -1.25 before they widen it
again, so a contraction alone is no fault."""

SHARE_OF_UNIFORMITY = 0.5
"""And nearer to 0 than this share of its start: an untrained encoder may have a narrow space of its own."""

SHARE_OF_RANK = 0.25
"""RankMe below this share of its start. Runs that learn keep nine tenths or more. A space that lost three directions of
four can still be wide, so uniformity does not see it."""

FREEZING = ("gte", "infonce")
"""Losses whose gradient carries the factor 1 - p. Decoupled and supcon pull partners together without it."""

STILL = 1e-3
"""Mean 1 - p below this: less than a thousandth of the pull of a pair that is not found at all."""

APART = 0.1
"""Alignment above this: partners' cosine is below .95 on average, so there was more to learn."""

FOUND_SHARE, FOUND_MORE = 0.5, 0.1
"""Training pairs are learned by heart when half of those that the untrained encoder missed are found, and these are a
tenth of all: less may be a few questions."""

IN_A_ROW = 2
"""Logged cycles that memorising must last: one held-out question may turn within a single one."""

ROUNDING = 1e-9
"""Two shares of as many questions are equal up to this."""


@dataclass(frozen=True)
class Fault:
    """One thing that a run does wrong now."""

    name: str
    """'collapsed', 'frozen' or 'memorised'."""
    sentence: str
    """The value seen, what was expected, what to do: one line."""


def faults(metrics: Sequence[Line], *, loss: str = "infonce") -> list[Fault]:
    """What the newest line tells, judged against the first one, which is of the untrained encoder.

    Args:
        metrics: All lines so far, in order of cycle.
        loss: Name of the run's loss; not all can freeze.

    Returns:
        At most one fault of each name; none if there is no line.
    """
    if not metrics:
        return []
    found = {"collapsed": _collapsed(metrics), "frozen": _frozen(metrics, loss), "memorised": _memorised(metrics)}
    cycle = metrics[-1]["cycle"]
    return [
        Fault(name, f"{name.capitalize()} at cycle {cycle:,}: {sentence}")
        for name, sentence in found.items()
        if sentence
    ]


class Watch:
    """Says each fault once when it begins, and again only if it ended and began anew.

    Args:
        metrics: The lines that are there already: none, or those of a run that is resumed. What was wrong at
            their end was said then.
        loss: Name of the run's loss.
        says: Whether faults go into the log. A null has them by its nature.
    """

    def __init__(self, metrics: Iterable[Line] = (), *, loss: str = "infonce", says: bool = True) -> None:
        self._metrics = list(metrics)
        self._loss, self._says = loss, says
        self._standing = self._names()

    def see(self, line: Line) -> list[Fault]:
        """Take in the line of a logged cycle; returns all that is wrong at it, said before or not."""
        self._metrics.append(line)
        found = faults(self._metrics, loss=self._loss)
        for fault in found:
            if self._says and fault.name not in self._standing:
                log.warning("%s", fault.sentence)
        self._standing = {fault.name for fault in found}
        return found

    def _names(self) -> set[str]:
        return {fault.name for fault in faults(self._metrics, loss=self._loss)}


def stop_if(found: Iterable[Fault], names: frozenset[str]) -> None:
    """End the run if a fault is among `names`, those of --fail-on.

    Raises:
        FailedOn: With the sentences of these faults.
    """
    fatal = [fault for fault in found if fault.name in names]
    if fatal:
        sentences = " ".join(fault.sentence for fault in fatal)
        raise FailedOn(f"{sentences} Stopped here, as --fail-on asks.")


def _collapsed(metrics: Sequence[Line]) -> str:
    """The space lost most of its room: all in one place, or few directions left."""
    seen = []
    was, now = _values(metrics, "uniformity")
    if was is not None and now is not None and now > max(ONE_PLACE, SHARE_OF_UNIFORMITY * was):
        seen.append(f"uniformity is {now:.2f} ({was:.2f} untrained; 0 is all passages in one place)")
    was, now = _values(metrics, "rank_me")
    if was is not None and now is not None and now < SHARE_OF_RANK * was:
        seen.append(f"RankMe is {now:.1f} ({was:.1f} untrained; {SHARE_OF_RANK * was:.1f} or more was expected)")
    return f"{' and '.join(seen)}; give a smaller --learning-rate or a larger --batch-size." if seen else ""


def _frozen(metrics: Sequence[Line], loss: str) -> str:
    """The gradient is nearly 0 although there is more to learn."""
    line = metrics[-1]
    one_minus_p, alignment, held_out = line.get("one_minus_p"), line.get("alignment"), _recall(line, "held_out")
    if loss not in FREEZING or one_minus_p is None or one_minus_p >= STILL:
        return ""
    left = [f"partners are still apart (alignment {alignment:.2f})"] if (alignment or 0) > APART else []
    left += [f"held-out R@1 is {held_out:.3f}"] if held_out is not None and held_out < 1 else []
    if not left:
        return ""
    return (
        f"the mean of 1 - p is {one_minus_p:.1e} ({STILL:g} or more was expected) and the gradient of '{loss}' carries "
        f"it, so hardly more is learned, but {' and '.join(left)}; raise --temperature, or give --loss decoupled."
    )


def _memorised(metrics: Sequence[Line]) -> str:
    """Training pairs are found, held-out ones no better than by the untrained encoder, for several lines in a row."""
    lines = next((n for n, line in enumerate(reversed(metrics)) if not _by_heart(metrics[0], line)), len(metrics))
    if lines < IN_A_ROW:
        return ""
    untrained, now = metrics[0], metrics[-1]
    best = max(metrics, key=lambda line: _recall(line, "held_out") or 0.0)
    advice = (
        "no cycle was better, so give more text, or check that the pairs belong together."
        if best is untrained
        else f"train to cycle {best['cycle']:,} only, the best one ({_recall(best, 'held_out'):.3f})."
    )
    return (
        f"train R@1 rose from {_recall(untrained, 'train'):.3f} to {_recall(now, 'train'):.3f}, but held-out R@1 is "
        f"{_recall(now, 'held_out'):.3f}, not above the {_recall(untrained, 'held_out'):.3f} of the untrained encoder, "
        f"for {lines} logged cycles in a row; {advice}"
    )


def _by_heart(first: Line, line: Line) -> bool:
    train_was, train = _recall(first, "train"), _recall(line, "train")
    was, now = _recall(first, "held_out"), _recall(line, "held_out")
    if train_was is None or train is None or was is None or now is None:
        return False
    learned = train >= train_was + max(FOUND_MORE, FOUND_SHARE * (1 - train_was)) - ROUNDING
    return learned and now <= was + ROUNDING and now < 1


def _recall(line: Line, split: str) -> float | None:
    """Mean of both directions' R@1."""
    both = [line.get(f"{split}_recall_at_1_{direction}") for direction in ("1to2", "2to1")]
    asked = [value for value in both if value is not None]
    return float(np.mean(asked)) if asked else None


def _values(metrics: Sequence[Line], key: str) -> tuple[float | None, float | None]:
    """A metric of the untrained encoder, and now."""
    return metrics[0].get(key), metrics[-1].get(key)
