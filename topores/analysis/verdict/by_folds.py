"""Whether unseen partners are found better, judged by intervals over folds: the outcome follows from both ends."""

from typing import NamedTuple

from topores.analysis.gain import Best, Gain, Over
from topores.domain import Claim
from topores.outcomes import Retrieval, is_memorised, knows_training_pairs
from topores.phrases import Phrase
from topores.sign_flips import Interval

NO_GAIN = 0.03
"""If the whole interval lies within this of 0, there is no gain worth naming (docs/statistics.md)."""

WISHED = 0.04
"""Gain for which the number of further pairs is told: gains of real runs are .02 to .07."""


THEN_MEMORISED = "learned, then memorised"


class Found(NamedTuple):
    """An outcome with its title for the headline and its words."""

    outcome: str
    title: Phrase
    words: Phrase


def judge_gain(gain: Gain, before: Retrieval, now: Retrieval) -> Found:
    """The outcome of a run with folds.

    Args:
        before, now: Retrieval of the run itself, for what it knows of its training pairs.
    """
    known, found, told = knows_training_pairs(before, now), gain.over.untrained, interval_words(gain.over.untrained)
    if gain.over.learned:
        return _words_of_learning(gain)
    if gain.best is not None and gain.best.over.learned:
        return _learned_before(gain, gain.best, known)
    if found.low > 0:
        words = Phrase(
            "unseen partners gain {gain}, but not significantly more than after shuffled pairings", gain=told
        )
        return Found("no better than shuffled", Phrase("No better than shuffled pairings"), words)
    if is_memorised(before._replace(held_out=gain.before), now, found.high, gain.pairs):
        words = Phrase("the training pairs were memorised: unseen partners are found no better, gain {gain}", gain=told)
        return Found("memorised", Phrase("Memorised, not learned"), words)
    if found.high < 0:
        words = Phrase("the encoder unlearned: unseen partners are found worse than before, by {gain}", gain=told)
        return Found("unlearned", Phrase("Unlearned"), words)
    if found.low > -NO_GAIN and found.high < NO_GAIN:
        most = found.high
        words = Phrase("nothing was learned: a gain of more than {most:.2f} is excluded ({gain})", most=most, gain=told)
        return Found("no gain", Phrase("No gain larger than {most:.2f}", most=most), words)
    return Found("undecided", Phrase("Undecided"), _undecided_words(gain, known))


def claims_of(gain: Gain) -> list[Claim]:
    """The gains with their intervals: at the last cycle, at the best one, and in terms of ranks."""
    what = Phrase("gain in MRR of unseen partners over {n} folds", n=gain.folds)
    found = _claims(what, gain.over, gain, on_card=True)
    if gain.best is not None:
        at = Phrase("gain in MRR near cycle {cycle:,}, chosen by the other folds", cycle=gain.best.cycle)
        found += _claims(at, gain.best.over, gain)
    if gain.log_over is not None:
        found += _claims(Phrase("gain in log2 of the rank of unseen partners"), gain.log_over, gain)
    return found


def _claims(what: Phrase, over: Over, gain: Gain, *, on_card: bool = False) -> list[Claim]:
    """
    Args:
        on_card: Whether this is the gain that the card shows.
    """
    null_of = ("first", "shuffled") if on_card else ("", "")
    besides = Phrase("untrained encoder"), Phrase("{runs} runs on shuffled pairings", runs=gain.shuffled_runs)
    return [
        Claim(
            Phrase("{what} (null: {beside})", what=what, beside=beside), one.value, 0.0, one.p,
            null_of=null, low=one.low, high=one.high,
        )
        for one, beside, null in zip(over, besides, null_of, strict=True)
        if one is not None
    ]  # fmt: skip


def numbers_of(gain: Gain) -> Phrase:
    """What was measured, to be put in brackets."""
    numbers = Phrase(
        "MRR {before:.2f} to {after:.2f} over {pairs} pairs, each held out in one of {folds} folds, 95 % intervals",
        before=gain.before, after=gain.after, pairs=gain.pairs, folds=gain.folds,
    )  # fmt: skip
    if gain.over.shuffled is None:
        return numbers
    return Phrase(
        "{numbers}; {over} over {runs} runs on shuffled pairings",
        numbers=numbers, over=interval_words(gain.over.shuffled), runs=gain.shuffled_runs,
    )  # fmt: skip


def _words_of_learning(gain: Gain) -> Found:
    told = interval_words(gain.over.untrained)
    if gain.over.shuffled is None:
        words = Phrase("the encoder learned: unseen partners gain {gain}", gain=told)
        return Found("learned", Phrase("Learned (no control run)"), words)
    words = Phrase("the encoder learned: unseen partners gain {gain}, and more than after shuffled pairings", gain=told)
    return Found("learned", Phrase("Learned"), words)


def _learned_before(gain: Gain, best: Best, known: bool) -> Found:
    """The gain stood at an earlier cycle; it was lost only if the last one is significantly worse than that."""
    if best.since.high >= 0:
        words = Phrase(
            "the encoder learned at first: near cycle {cycle:,} unseen partners gain {best}; what is left of it at the "
            "end is not decided, {end}",
            cycle=best.cycle, best=interval_words(best.over.untrained), end=interval_words(gain.over.untrained),
        )  # fmt: skip
        return Found("learned at first", Phrase("Learned at first"), words)
    told = {
        "best": interval_words(best.over.untrained),
        "cycle": best.cycle,
        "end": interval_words(gain.over.untrained),
    }
    if known:
        words = Phrase(
            "the encoder learned, then memorised: best near cycle {cycle:,}, where unseen partners gain {best}; at the "
            "end {end}", **told,
        )  # fmt: skip
        return Found(THEN_MEMORISED, Phrase("Learned, then memorised"), words)
    words = Phrase(
        "the encoder learned and lost it again: best near cycle {cycle:,}, where unseen partners gain {best}; at the "
        "end {end}", **told,
    )  # fmt: skip
    return Found("learned, then lost", Phrase("Learned, then lost"), words)


def _undecided_words(gain: Gain, known: bool) -> Phrase:
    """What this study could have seen, and what would decide."""
    visible = gain.over.untrained.visible
    more = max(round(gain.pairs * ((visible / WISHED) ** 2 - 1)), 0)
    pairs = Phrase("the training pairs are known by heart, and ") if known else ""
    study = Phrase("this study sees gains of {visible:.2f} and more", visible=visible)
    further = Phrase("; about {more:,} more pairs would see {wished:.2f}", more=more, wished=WISHED) if more else ""
    return Phrase(
        "{pairs}unseen partners gain {gain}, which is not decided: {study}{further}",
        pairs=pairs, gain=interval_words(gain.over.untrained), study=study, further=further,
    )  # fmt: skip


def interval_words(found: Interval) -> Phrase:
    """A gain with its 95 % interval."""
    return Phrase("{value:+.2f} [{low:+.2f}, {high:+.2f}]", value=found.value, low=found.low, high=found.high)
