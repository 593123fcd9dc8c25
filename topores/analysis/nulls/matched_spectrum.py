"""Gaussian clouds of the same mean and covariance: how much of a measure follows from the directions that are used."""

from collections.abc import Iterator

from topores.analysis.measure import unit_rows
from topores.analysis.nulls._ground import Draw, Ground, measured_draws, too_large
from topores.domain import NullMeasurement
from topores.topology.matched_spectrum import gaussian_like

TOLD = "Gaussian clouds of the same mean and covariance, brought to the sphere"

CLOUDS = 40
"""Enough for a p below .05 after Holm over the first and the last state."""


def why_not(ground: Ground) -> str | None:
    return too_large(ground)


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from measured_draws("matched_spectrum", ground, _draws(ground))


def _draws(ground: Ground) -> Iterator[Draw]:
    """Each cloud by its own spectrum, so that t1 and t2 are no parts of the union here."""
    for end in ground.ends:
        clouds = ground.clouds_of(end.output)
        for number in range(CLOUDS):
            seed = ground.seed + number
            yield Draw(number, end.state.cycle, {c: unit_rows(gaussian_like(p, seed=seed)) for c, p in clouds.items()})
