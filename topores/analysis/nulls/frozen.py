"""A run at learning rate 0 (`topores train --null frozen`): every change is exactly 0."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Ground
from topores.analysis.nulls._trained import of_trained, why_no_run
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 40
NAME = "Learning rate 0"
DESCRIPTION = "a run at learning rate 0"


def why_not(ground: Ground) -> Phrase | None:
    return why_no_run(ground.source, "frozen")


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from of_trained("frozen", ground)
