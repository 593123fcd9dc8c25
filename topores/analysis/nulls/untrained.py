"""An encoder of the same architecture with random weights: how much of the space the architecture alone gives."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Draw, Ground, measured_draws, no_encoder
from topores.analysis.sources import EncodedSource
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 70
NAME = "Untrained encoder"
DESCRIPTION = "the same passages by an encoder of the same architecture with random weights"

ENCODERS = 3


def why_not(ground: Ground) -> Phrase | None:
    if reason := no_encoder(ground):
        return reason
    assert isinstance(ground.source, EncodedSource)  # no_encoder checked it
    return ground.source.why_not_untrained()


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    source, last = ground.source, ground.ends[-1].state
    assert isinstance(source, EncodedSource)
    rows = (source.rows_of_untrained(last, ground.seed + number) for number in range(ENCODERS))
    draws = [Draw(number, last.cycle, ground.clouds_of(own), ground.pairs) for number, own in enumerate(rows)]
    yield from measured_draws("untrained", ground, draws)
