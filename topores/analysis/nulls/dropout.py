"""The first and the last state under dropout masks: how much the encoder's own noise changes."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Draw, Ground, measured_draws, no_encoder
from topores.analysis.sources import EncodedSource
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 20
NAME = "Dropout"
DESCRIPTION = "the same passages under other dropout masks"

MASKS = 6
"""Number of masks. Each draw is compared with the previous one, and the first with the last."""


def why_not(ground: Ground) -> Phrase | None:
    if reason := no_encoder(ground):
        return reason
    assert isinstance(ground.source, EncodedSource)  # no_encoder checked it
    return ground.source.why_no_dropout()


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from measured_draws("dropout", ground, _draws(ground))


def _draws(ground: Ground) -> Iterator[Draw]:
    source = ground.source
    assert isinstance(source, EncodedSource)
    for end in ground.ends:
        drawn = source.rows_under_dropout(end.state, MASKS, ground.seed, ground.bench.cache)
        clouds = [ground.clouds_of(rows) for rows in drawn]
        for number, own in enumerate(clouds):
            yield Draw(number, end.state.cycle, own, ground.pairs, twin=clouds[number - 1])
