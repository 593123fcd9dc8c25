"""Gaussian clouds of the same mean and covariance: how much of a measure follows from the spectrum alone."""

from collections.abc import Iterator
from functools import partial

from topores.analysis.measure import unit_rows
from topores.analysis.nulls._ground import Cloud, Draw, Ground, measured_draws, too_large
from topores.compute.parallel import run_parallel
from topores.domain import NullMeasurement
from topores.phrases import Phrase
from topores.topology import GaussianLike

ORDER = 80
NAME = "Same spectrum"
DESCRIPTION = "Gaussian clouds of the same mean and covariance, projected on the sphere"

CLOUDS = 40
"""Number of clouds, enough for p < .05 after Holm over the first and the last state."""


def why_not(ground: Ground) -> Phrase | None:
    return too_large(ground)


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from measured_draws("matched_spectrum", ground, _draws(ground))


def _draws(ground: Ground) -> Iterator[Draw]:
    """Each cloud by its own spectrum, so here t1 and t2 are not parts of the union."""
    for end in ground.ends:
        like = {cloud: GaussianLike(points) for cloud, points in ground.clouds_of(end.output).items()}
        seeds = range(ground.seed, ground.seed + CLOUDS)
        drawn = run_parallel(partial(_clouds, like), seeds, label="matched_spectrum: draws")
        yield from (Draw(number, end.state.cycle, clouds) for number, clouds in enumerate(drawn))


def _clouds(like: dict[str, GaussianLike], seed: int) -> dict[str, Cloud]:
    return {cloud: unit_rows(own.draw(seed)) for cloud, own in like.items()}
