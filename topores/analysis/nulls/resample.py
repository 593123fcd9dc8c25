"""Random halves of the passages: how much the choice of passages changes the first and the last state.

Two halves drawn without replacement differ as much as two texts of the full length would: the variance of a half is
twice as large, and the finite population correction halves it again (McCarthy 1969, Pseudo-replication: half samples).
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from topores.analysis.nulls._ground import Draw, Ground, measured_draws, too_large
from topores.domain import NullMeasurement
from topores.phrases import Phrase

ORDER = 30
NAME = "Half of the passages"
DESCRIPTION = "random halves of the passages"

HALVES = 20
FEWEST = 8
"""Passages below which a half is too small to measure."""


def why_not(ground: Ground) -> Phrase | None:
    if reason := too_large(ground):
        return reason
    least = min(len(rows) for rows in ground.source.clouds.values())
    if least >= FEWEST:
        return None
    return Phrase("a cloud has {least} points, and half of them is too few to measure", least=least)


def measurements(ground: Ground) -> Iterator[NullMeasurement]:
    yield from measured_draws("resample", ground, _draws(ground))


def _draws(ground: Ground) -> Iterator[Draw]:
    """The same halves at both states; each is compared with the complementary half."""
    texts = [rows for cloud, rows in ground.source.clouds.items() if cloud != "union"]
    texts = texts or [ground.source.clouds["union"]]
    for number in range(HALVES):
        random = np.random.default_rng([ground.seed, number])
        chosen = np.zeros(sum(map(len, texts)), dtype=bool)
        for rows in texts:
            chosen[random.choice(rows, len(rows) // 2, replace=False)] = True
        for end in ground.ends:
            clouds = ground.clouds_of(end.output)
            one, other = (
                {cloud: clouds[cloud][keep[rows]] for cloud, rows in ground.source.clouds.items()}
                for keep in (chosen, ~chosen)
            )
            yield Draw(number, end.state.cycle, one, _pairs_among(ground, chosen), twin=other, matched=False)


def _pairs_among(ground: Ground, chosen: np.ndarray) -> Int[np.ndarray, "pairs 2"] | None:
    """Aligned pairs with both passages in the half, as indices into it."""
    if ground.pairs is None or "t2" not in ground.source.clouds:
        return None
    sides = [chosen[ground.source.clouds[cloud]] for cloud in ("t1", "t2")]
    inside = np.logical_and(*(keep[ground.pairs[:, side]] for side, keep in enumerate(sides)))
    places = [np.cumsum(keep) - 1 for keep in sides]
    return np.stack([place[ground.pairs[inside, side]] for side, place in enumerate(places)], axis=1)
