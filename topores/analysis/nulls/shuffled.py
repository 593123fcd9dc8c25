"""Runs on the same texts and budget with the training pairs permuted (`topores train --null shuffled`)."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Ground
from topores.analysis.nulls._trained import of_trained, why_no_run
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 50
NAME = "Shuffled pairings"
DESCRIPTION = "runs with the training pairs permuted"


def why_not(ground: Ground) -> Phrase | None:
    return why_no_run(ground.source, "shuffled")


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from of_trained("shuffled", ground)
