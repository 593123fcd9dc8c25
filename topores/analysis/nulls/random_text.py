"""The same tokens in random order, in passages of the same lengths: how much of the space follows from words alone."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Draw, Ground, measured_draws, no_encoder
from topores.analysis.sources import EncodedSource
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 60
NAME = "Random text"
DESCRIPTION = "passages of the same lengths, with each text's tokens in random order"

TEXTS = 3


def why_not(ground: Ground) -> Phrase | None:
    return no_encoder(ground)


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from measured_draws("random_text", ground, _draws(ground))


def _draws(ground: Ground) -> Iterator[Draw]:
    source = ground.source
    assert isinstance(source, EncodedSource)
    for number in range(TEXTS):
        # Both states encode the same random text, and layers that their models share are computed once.
        rows = source.rows_of_random_text([end.state for end in ground.ends], ground.seed + number)
        for end, own in zip(ground.ends, rows, strict=True):
            yield Draw(number, end.state.cycle, ground.clouds_of(own))
