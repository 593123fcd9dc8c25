"""The states that nulls are drawn at, and how their draws are measured: as the run itself, at the last layer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores.analysis.cells import CloudNumbers, Number, Protocol, measure_cloud
from topores.analysis.changes import between_diagrams, measure_change, measure_texts
from topores.analysis.measure import Bench, MeasuredState, unit_rows
from topores.analysis.sources import EncodedSource, Source
from topores.domain import Diagram, Measurement, NullMeasurement
from topores.phrases import Phrase
from topores.quantities import DISTANCE_UNITS

Cloud = Float[np.ndarray, "_ _"]
"""Unit rows; the clouds of one draw differ in size."""

Drawn = list[list[Diagram]]

DRAWN_AT_ONCE = 2**27
"""Bytes of clouds that are drawn before they are measured."""


@dataclass(frozen=True)
class Ground:
    """The states that nulls are drawn at: the first and the last."""

    source: Source
    bench: Bench
    ends: tuple[MeasuredState, ...]
    """One if there is one state."""

    @property
    def seed(self) -> int:
        return self.bench.protocol.seed

    @property
    def layer(self) -> int:
        """The last one."""
        return max(layer for layer, _ in self.ends[0].cells)

    def clouds_of(self, rows: Float[np.ndarray, "rows dim"]) -> dict[str, Cloud]:
        """Unit rows of each cloud, from rows of all passages (T1's first)."""
        return {cloud: unit_rows(rows[places], self.source.rounding) for cloud, places in self.source.clouds.items()}

    @property
    def pairs(self) -> Int[np.ndarray, "pairs 2"] | None:
        """Aligned pairs as rows of t1 and of t2."""
        corpus = self.source.corpus
        return None if corpus is None else np.stack([corpus.pairs.t1, corpus.pairs.t2], axis=1)


class Draw(NamedTuple):
    """Clouds in place of those of a state."""

    replicate: int
    cycle: int
    clouds: dict[str, Cloud]
    pairs: Int[np.ndarray, "pairs 2"] | None = None
    """Aligned pairs as rows of the clouds t1 and t2; None where partners are meaningless."""
    twin: dict[str, Cloud] | None = None
    """Clouds that this draw is compared with, for the change that this null alone produces."""
    matched: bool = True
    """Whether rows of the twin are the same passages; if not, only their diagrams are compared."""


def too_large(ground: Ground) -> Phrase | None:
    """Why there are no draws for clouds that are measured by subsamples: each draw would cost as much again."""
    points, most = max(map(len, ground.source.clouds.values())), ground.bench.protocol.max_points
    if points <= most:
        return None
    return Phrase("a cloud has {points:,} points, and nulls are drawn for {most:,} at most", points=points, most=most)


def no_encoder(ground: Ground) -> Phrase | None:
    """Why the passages cannot be encoded in another way."""
    if not isinstance(ground.source, EncodedSource):
        return Phrase("the points are an array without an encoder")
    return too_large(ground)


def measured_draws(null: str, ground: Ground, draws: Iterable[Draw]) -> Iterator[NullMeasurement]:
    """Numbers of each draw's clouds, of its two texts, and of its change from its twin.

    The same measures as for the run, without curves and the linear probe, which are not needed for hundreds of draws.
    """
    for drawn in _batches(draws):
        yield from _measured_batch(null, ground, drawn)


def _batches(draws: Iterable[Draw]) -> Iterator[list[Draw]]:
    """As many draws as fit into `DRAWN_AT_ONCE`: hundreds of large clouds must not be in memory together."""
    batch: list[Draw] = []
    held = 0
    for draw in draws:
        size = sum(cloud.nbytes for clouds in (draw.clouds, draw.twin or {}) for cloud in clouds.values())
        if batch and held + size > DRAWN_AT_ONCE:
            yield batch
            batch, held = [], 0
        batch.append(draw)
        held += size
    if batch:
        yield batch


def _measured_batch(null: str, ground: Ground, drawn: list[Draw]) -> Iterator[NullMeasurement]:
    bench = ground.bench
    places = [(draw, cloud) for draw in drawn for cloud in draw.clouds]
    points = [draw.clouds[cloud] for draw, cloud in places]
    found = _measured_clouds(null, bench, points)
    for (draw, cloud), result in zip(places, found, strict=True):
        yield from _at_place(null, ground, draw, cloud, result.numbers)
    yield from _texts(null, ground, [draw for draw in drawn if {"t1", "t2"} <= draw.clouds.keys()])
    yield from _changes(null, ground, [(*place, own) for place, own in zip(places, found, strict=True)])


def _changes(null: str, ground: Ground, measured: list[tuple[Draw, str, CloudNumbers]]) -> Iterator[NullMeasurement]:
    """Each cloud compared with its twin, where it has one."""
    bench = ground.bench
    twins = [(draw, cloud, own, draw.twin[cloud]) for draw, cloud, own in measured if draw.twin is not None]
    others = _measured_clouds(null, bench, [twin for _, _, _, twin in twins])
    items = [
        (draw.matched, twin, draw.clouds[cloud], other.drawn, own.drawn)
        for (draw, cloud, own, twin), other in zip(twins, others, strict=True)
    ]
    keys = [bench.key(what="null change", matched=item[0], before=item[1], after=item[2]) for item in items]
    found = bench.run(partial(_change, bench.protocol), items, keys, f"{null}: changes")
    for (draw, cloud, _, _), numbers in zip(twins, found, strict=True):
        yield from _at_place(null, ground, draw, cloud, numbers, against=draw.cycle)


def _measured_clouds(null: str, bench: Bench, points: list[Cloud]) -> list[CloudNumbers]:
    keys = [bench.key(what="cloud", points=own) for own in points]
    return bench.run(partial(measure_cloud, bench.protocol), points, keys, f"{null}: clouds")


def _texts(null: str, ground: Ground, draws: list[Draw]) -> Iterator[NullMeasurement]:
    items = [(draw.clouds["t1"], draw.clouds["t2"], draw.pairs) for draw in draws]
    keys = [
        ground.bench.key(what="null texts", first=first, second=second, pairs=pairs) for first, second, pairs in items
    ]
    found = ground.bench.run(_between_texts, items, keys, f"{null}: two texts")
    for draw, numbers in zip(draws, found, strict=True):
        yield from _at_place(null, ground, draw, "union", numbers)


def _at_place(
    null: str, ground: Ground, draw: Draw, cloud: str, numbers: Iterable[Number], against: int | None = None
) -> Iterator[NullMeasurement]:
    for n in numbers:
        # Curves are kept for the run only: those of the nulls would be larger than everything else.
        if n.threshold is None:
            place = (draw.cycle, ground.layer, cloud)
            made = Measurement(*place, n.measure, float(n.value), n.unit, n.degree, against, None, n.standard_error)
            yield NullMeasurement(null, draw.replicate, made)


def _change(protocol: Protocol, item: tuple[bool, Cloud, Cloud, Drawn, Drawn]) -> list[Number]:
    matched, before, after, drawn_before, drawn_after = item
    if matched:
        return measure_change(protocol, before, after, drawn_before, drawn_after, whole_rtd=True)
    exact = protocol.plan(len(after)).exact
    return list(between_diagrams(drawn_before, drawn_after, DISTANCE_UNITS[protocol.metric], exact=exact))


def _between_texts(item: tuple[np.ndarray, np.ndarray, np.ndarray | None]) -> list[Number]:
    return measure_texts(*item, seed=None)
