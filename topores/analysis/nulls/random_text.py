"""Texts of the same tokens in random order, cut into passages as long: what words alone make of the space."""

from collections.abc import Iterator

from topores.analysis.nulls._ground import Draw, Ground, measured_draws, no_encoder
from topores.analysis.sources import EncodedSource
from topores.domain import NullMeasurement

TOLD = "passages of the same lengths, of each text's own tokens in random order"

TEXTS = 3


def why_not(ground: Ground) -> str | None:
    return no_encoder(ground)


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from measured_draws("random_text", ground, _draws(ground))


def _draws(ground: Ground) -> Iterator[Draw]:
    source = ground.source
    assert isinstance(source, EncodedSource)
    for number in range(TEXTS):
        # Both ends read the same random text, and what their models share reads it once.
        rows = source.rows_of_random_text([end.state for end in ground.ends], ground.seed + number)
        for end, own in zip(ground.ends, rows, strict=True):
            yield Draw(number, end.state.cycle, ground.clouds_of(own))
