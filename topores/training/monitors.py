"""Detect a run that collapsed, froze or only memorises, from the lines of its metrics.jsonl."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from topores.errors import FailedOn

log = logging.getLogger(__name__)

Line = Mapping[str, Any]
"""One line of metrics.jsonl, by key. Values that are absent or None are not judged."""

ONE_PLACE = -0.5
"""Collapse: uniformity above this, a mean cosine over about 0.87. Shuffled pairs contract the space to -1.25 before
they widen it again, so a contraction alone is not a fault."""

SHARE_OF_UNIFORMITY = 0.5
"""Collapse: uniformity also nearer to 0 than this share of its start, as an untrained space may already be narrow."""

SHARE_OF_RANK = 0.25
"""Collapse: RankMe below this share of its start. Runs that learn keep nine tenths or more. Uniformity does not detect
this, since a space with a quarter of its directions can still be wide."""

FREEZING = ("gte", "infonce")
"""Losses whose gradient has the factor 1 - p. In decoupled and supcon the pull of positives does not have it."""

STILL = 1e-3
"""Freezing: mean 1 - p below this, less than a thousandth of the gradient of a pair that is not found at all."""

APART = 0.1
"""Freezing: alignment above this, a mean cosine of partners below 0.95, so there was more to learn."""

FOUND_SHARE, FOUND_MORE = 0.5, 0.1
"""Training pairs are memorised when half of those that the untrained encoder missed are found, and these are at least a
tenth of all; fewer may be only a few queries."""

IN_A_ROW = 2
"""Logged cycles that memorising must last, since a single held-out query can change within one."""

ROUNDING = 1e-9
"""Shares of equally many queries count as equal up to this."""


@dataclass(frozen=True)
class Fault:
    """A fault of a run at its newest logged cycle."""

    name: str
    """'collapsed', 'frozen' or 'memorised'."""
    sentence: str
    """The value seen, what was expected, what to do: one line."""


def faults(metrics: Sequence[Line], *, loss: str = "infonce") -> list[Fault]:
    """Faults at the newest line, compared with the first one, which is of the untrained encoder.

    Args:
        metrics: All lines so far, in order of cycle.
        loss: Name of the run's loss; only those in FREEZING can freeze.

    Returns:
        At most one fault of each name; empty if there is no line.
    """
    if not metrics:
        return []
    found = {
        "collapsed": _collapse_sentence(metrics),
        "frozen": _freeze_sentence(metrics, loss),
        "memorised": _memorisation_sentence(metrics),
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
        loss: Name of the run's loss.
        says: Whether to log faults; off for nulls, which are expected to have them.
    """

    def __init__(self, metrics: Iterable[Line] = (), *, loss: str = "infonce", says: bool = True) -> None:
        self._metrics = list(metrics)
        self._loss, self._says = loss, says
        self._standing = self._names()

    def see(self, line: Line) -> list[Fault]:
        """Process the line of a logged cycle and return all its faults, new or not."""
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
    """End the run if a fault is among `names`, the values of --fail-on.

    Raises:
        FailedOn: Some fault is among `names`.
    """
    fatal = [fault for fault in found if fault.name in names]
    if fatal:
        sentences = " ".join(fault.sentence for fault in fatal)
        raise FailedOn(f"{sentences} Stopped here because of --fail-on.")


def _collapse_sentence(metrics: Sequence[Line]) -> str:
    """Non-empty if the space collapsed: all passages in one place, or few directions left."""
    seen = []
    was, now = _values(metrics, "uniformity")
    if was is not None and now is not None and now > max(ONE_PLACE, SHARE_OF_UNIFORMITY * was):
        seen.append(f"uniformity is {now:.2f} ({was:.2f} untrained; 0 means all passages in one place)")
    was, now = _values(metrics, "rank_me")
    if was is not None and now is not None and now < SHARE_OF_RANK * was:
        seen.append(f"RankMe is {now:.1f} ({was:.1f} untrained; expected {SHARE_OF_RANK * was:.1f} or more)")
    return f"{' and '.join(seen)}; give a smaller --learning-rate or a larger --batch-size." if seen else ""


def _freeze_sentence(metrics: Sequence[Line], loss: str) -> str:
    """Non-empty if the gradient is nearly 0 although there is more to learn."""
    line = metrics[-1]
    one_minus_p, alignment, held_out = line.get("one_minus_p"), line.get("alignment"), _recall(line, "held_out")
    if loss not in FREEZING or one_minus_p is None or one_minus_p >= STILL:
        return ""
    left = [f"partners are still apart (alignment {alignment:.2f})"] if (alignment or 0) > APART else []
    left += [f"held-out R@1 is {held_out:.3f}"] if held_out is not None and held_out < 1 else []
    if not left:
        return ""
    return (
        f"the mean of 1 - p is {one_minus_p:.1e} (expected {STILL:g} or more), which scales the gradient of '{loss}', "
        f"so learning has nearly stopped, but {' and '.join(left)}; raise --temperature, or give --loss decoupled."
    )


def _memorisation_sentence(metrics: Sequence[Line]) -> str:
    """Non-empty if training pairs are found, but held-out ones no better than untrained, for several lines in a row."""
    lines = next((n for n, line in enumerate(reversed(metrics)) if not _is_memorised(metrics[0], line)), len(metrics))
    if lines < IN_A_ROW:
        return ""
    untrained, now = metrics[0], metrics[-1]
    best = max(metrics, key=lambda line: _recall(line, "held_out") or 0.0)
    advice = (
        "no cycle was better, so give more text, or check that the pairs are aligned."
        if best is untrained
        else f"train only to cycle {best['cycle']:,}, the best one ({_recall(best, 'held_out'):.3f})."
    )
    return (
        f"train R@1 rose from {_recall(untrained, 'train'):.3f} to {_recall(now, 'train'):.3f}, but held-out R@1 is "
        f"{_recall(now, 'held_out'):.3f}, not above the {_recall(untrained, 'held_out'):.3f} of the untrained encoder, "
        f"for {lines} logged cycles in a row; {advice}"
    )


def _is_memorised(first: Line, line: Line) -> bool:
    train_was, train = _recall(first, "train"), _recall(line, "train")
    was, now = _recall(first, "held_out"), _recall(line, "held_out")
    if train_was is None or train is None or was is None or now is None:
        return False
    learned = train >= train_was + max(FOUND_MORE, FOUND_SHARE * (1 - train_was)) - ROUNDING
    return learned and now <= was + ROUNDING and now < 1


def _recall(line: Line, split: str) -> float | None:
    """Mean R@1 of both directions."""
    both = [line.get(f"{split}_recall_at_1_{direction}") for direction in ("1to2", "2to1")]
    asked = [value for value in both if value is not None]
    return float(np.mean(asked)) if asked else None


def _values(metrics: Sequence[Line], key: str) -> tuple[float | None, float | None]:
    """A metric at the untrained encoder, and at the newest line."""
    return metrics[0].get(key), metrics[-1].get(key)
