"""The checkpoint of the best cycle so far, kept beside those of the schedule (--keep best)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from topores.compute.files import remove_whole
from topores.domain import Corpus
from topores.errors import InputError
from topores.runs import Run, held_out_mrr


class Best:
    """Keeps the checkpoint of the logged cycle with the best held-out retrieval so far.

    The choice depends only on metrics.jsonl, so a resumed run chooses the same cycle.

    Args:
        run: The run, for its metrics and checkpoints.
        scheduled: Whether the schedule keeps the checkpoint of a cycle anyway.
        asked: Whether to keep the best checkpoint; if not, nothing is kept or removed here.
    """

    def __init__(self, run: Run, scheduled: Callable[[int], bool], *, asked: bool) -> None:
        self._run, self._scheduled, self._asked = run, scheduled, asked
        best = run.best if asked else None
        self._greatest = None if best is None else held_out_mrr(best)

    def see(self, line: Mapping[str, Any]) -> bool:
        """Process the line of a logged cycle; returns whether its checkpoint should be kept as the best so far."""
        mrr = held_out_mrr(line) if self._asked else None
        if mrr is None or (self._greatest is not None and mrr <= self._greatest):
            return False
        self._greatest = mrr
        return True

    def settle(self) -> None:
        """Remove checkpoints of formerly best cycles, and those that a stopped run left of cycles trained again.

        The untrained encoder stays, whatever the schedule keeps: a best cycle is judged beside it.

        Call this only once a state from the best cycle or later is on disk; otherwise a resume could need the former
        best checkpoint.
        """
        if not self._asked:
            return
        metrics = self._run.metrics
        once, last = _former_best(metrics), metrics[-1]["cycle"] if metrics else -1
        for cycle, path in self._run.checkpoints.items():
            if cycle > 0 and (cycle in once or cycle > last) and not self._scheduled(cycle):
                remove_whole(path)


def refuse_without_held_out(keep: str | None, corpus: Corpus) -> None:
    """
    Raises:
        InputError: The best cycle is asked for, but no pairs are held out.
    """
    if keep == "best" and not len(corpus.pairs_in("held_out")):
        raise InputError(
            "--keep best needs held-out pairs, but there are none; give a larger --held-out or more text, or remove "
            "--keep."
        )


def _former_best(metrics: Sequence[Mapping[str, Any]]) -> set[int]:
    """Cycles that were the best so far when they were logged, except the current best."""
    greatest, found = None, []
    for line in metrics:
        mrr = held_out_mrr(line)
        if mrr is not None and (greatest is None or mrr > greatest):
            greatest = mrr
            found.append(line["cycle"])
    return set(found[:-1])
