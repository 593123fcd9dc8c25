"""The last state encoded again: every change is rounding, and should be exactly 0."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Draw, Ground, measured_draws, no_encoder
from topores.analysis.sources import EncodedSource
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 10
NAME = "Encoded again"
DESCRIPTION = "the same passages encoded again"


def why_not(ground: Ground) -> Phrase | None:
    return no_encoder(ground)


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    assert isinstance(ground.source, EncodedSource)
    last = ground.ends[-1]
    again = ground.clouds_of(ground.source.encoded_again(last.state))
    draw = Draw(0, last.state.cycle, again, ground.pairs, twin=ground.clouds_of(last.output))
    yield from measured_draws("reencode", ground, [draw])
