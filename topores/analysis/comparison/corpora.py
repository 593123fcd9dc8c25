"""Whether runs were trained on equal corpora, so that they can be judged against each other, or what differs."""

import itertools
from collections.abc import Sequence
from typing import Any

from topores.analysis.comparison.run import ComparedRun

DECIDING = ("reader", "passage_tokens", "held_out", "folds", "embargo")
"""Options that decide the corpus beside the texts and the seed."""


def equal_corpora(one: Sequence[ComparedRun], other: Sequence[ComparedRun]) -> bool:
    """Whether two groups of replicates share their passages and pairs, and those of one seed their split as well.

    A report of topores 0.1 has no hash of its corpus: then equal texts have to do.
    """
    return all(_equal(a, b) for a, b in itertools.product(one, other))


def differing_options(one: Sequence[ComparedRun], other: Sequence[ComparedRun]) -> list[str]:
    """The options in which two groups differ that decide the corpus; none if it is something else that differs."""
    ours, theirs = ([{name: _value(run, name) for name in DECIDING} for run in runs] for runs in (one, other))
    return [name for name in DECIDING if any(a[name] != b[name] for a, b in itertools.product(ours, theirs))]


def _equal(a: ComparedRun, b: ComparedRun) -> bool:
    if a.texts != b.texts:
        return False
    if None in (a.gist.passages, b.gist.passages):
        return True
    if a.options.get("seed") == b.options.get("seed"):
        return a.gist.corpus == b.gist.corpus
    split = ("held_out", "folds")
    return a.gist.passages == b.gist.passages and all(_value(a, name) == _value(b, name) for name in split)


def _value(run: ComparedRun, option: str) -> Any:
    if option == "folds":
        return run.options.get("folds") or 1  # runs of before have none
    return run.reader if option == "reader" else run.options.get(option)
