"""The checkpoint of the best cycle so far, kept beside those of the schedule (--keep best)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from topores.compute.files import remove_whole
from topores.domain import Corpus
from topores.errors import InputError
from topores.runs import Run, held_out_mrr


class Best:
    """Of the logged cycles, the one that finds held-out partners best: its checkpoint stays until a better one's does.

    What is best follows from metrics.jsonl alone, so a run that is resumed decides as one that was never stopped.

    Args:
        run: Its metrics and checkpoints.
        scheduled: Whether the schedule keeps the checkpoint of a cycle anyway.
        asked: Whether this is wanted at all; if not, nothing is kept and nothing removed.
    """

    def __init__(self, run: Run, scheduled: Callable[[int], bool], *, asked: bool) -> None:
        self._run, self._scheduled, self._asked = run, scheduled, asked
        best = run.best if asked else None
        self._greatest = None if best is None else held_out_mrr(best)

    def see(self, line: Mapping[str, Any]) -> bool:
        """Take in the line of a logged cycle; returns whether its checkpoint is to be kept as the best so far."""
        mrr = held_out_mrr(line) if self._asked else None
        if mrr is None or (self._greatest is not None and mrr <= self._greatest):
            return False
        self._greatest = mrr
        return True

    def settle(self) -> None:
        """Remove what was the best once, and what a stopped run left of cycles that are trained again.

        Only when a state of the cycle that is the best now is on the disk: else a resume would miss the former one.
        """
        if not self._asked:
            return
        metrics = self._run.metrics
        once, last = _once_best(metrics), metrics[-1]["cycle"] if metrics else -1
        for cycle, path in self._run.checkpoints.items():
            if (cycle in once or cycle > last) and not self._scheduled(cycle):
                remove_whole(path)


def refuse_without_held_out(keep: str | None, corpus: Corpus) -> None:
    """
    Raises:
        InputError: The best cycle is asked for, and no pair is held out to tell it by.
    """
    if keep == "best" and not len(corpus.pairs_in("held_out")):
        raise InputError(
            "--keep best goes by held-out pairs, and there are none; give a larger --held-out or more text, or leave "
            "--keep out."
        )


def _once_best(metrics: Sequence[Mapping[str, Any]]) -> set[int]:
    """Cycles that were better than all before them, but for the last of these, which is the best now."""
    greatest, found = None, []
    for line in metrics:
        mrr = held_out_mrr(line)
        if mrr is not None and (greatest is None or mrr > greatest):
            greatest = mrr
            found.append(line["cycle"])
    return set(found[:-1])
