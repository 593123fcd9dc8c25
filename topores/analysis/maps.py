"""Data of the report's map: passages in one plane, their neighbours, and the passages around long bars."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import faiss
import numpy as np
from jaxtyping import Float, Int

from topores.analysis.cells import Protocol
from topores.analysis.loop_significance import finite_loops
from topores.analysis.measure import Bench, Cell, MeasuredState
from topores.analysis.sources import Source
from topores.domain import Neighbours, Outline, PassageMap
from topores.topology import pairwise_distances, representative_loop
from topores.topology.plane import Plane, common_plane

MOST_ROWS = 10_000
"""Most passages on a map; larger clouds are sampled uniformly."""

MOST_BYTES = 2**29
"""Memory for the rows of all states and layers, in float32; it limits the sample, too."""

NEAREST = 3
"""Neighbours kept per passage."""

MOST_NEIGHBOURS = 20_000
"""Passages times states up to which every state keeps neighbours; beyond, only the first and the last do."""

OUTLINED = 8
"""Longest bars of a cell whose passages are determined."""

Place = tuple[int, int, str]
"""cycle, layer, cloud"""


class MapMaker:
    """Takes the measured states one by one, and keeps what the maps need."""

    def __init__(self, source: Source, bench: Bench) -> None:
        self._source, self._bench = source, bench
        self._rows: Int[np.ndarray, " shown"] | None = None
        self._kept: dict[int, list[Float[np.ndarray, "_ _"]]] = {}

    def take(self, now: MeasuredState) -> None:
        unions = {layer: cell for (layer, cloud), cell in now.cells.items() if cloud == "union"}
        if self._rows is None:
            width = max(cell.points.shape[1] for cell in unions.values())
            count = len(next(iter(unions.values())).points)
            self._rows = _sampled_rows(count, 4 * width * len(unions) * len(self._source.states), self._bench.protocol)
        for layer, cell in unions.items():
            self._kept.setdefault(layer, []).append(cell.points[self._rows].astype(np.float32))

    def maps(self) -> tuple[PassageMap, ...]:
        """One map per layer, in order."""
        assert self._rows is not None
        layers = sorted(self._kept)
        keys = [self._bench.key(what="map", states=self._kept[layer]) for layer in layers]
        work = [self._kept[layer] for layer in layers]
        planes = self._bench.run(_plane, work, keys, "maps", plain=lambda p: p._asdict(), whole=lambda k: Plane(**k))
        return tuple(PassageMap(layer, self._rows, *plane) for layer, plane in zip(layers, planes, strict=True))

    def neighbours(self) -> Neighbours | None:
        """The nearest passages of the other text at the last layer; of the same text if there is one."""
        assert self._rows is not None
        states = self._kept[max(self._kept)]
        if len(self._rows) < 2:
            return None
        many = len(self._rows) * len(states) > MOST_NEIGHBOURS
        places = sorted({0, len(states) - 1}) if many else list(range(len(states)))
        sides = self._sides()
        found = [_nearest(states[place], sides, self._bench.protocol.metric) for place in places]
        nearest, distances = (np.stack(parts) for parts in zip(*found, strict=True))
        return Neighbours(self._rows, np.array(places), nearest, distances)

    def _sides(self) -> Int[np.ndarray, " shown"]:
        """0 for passages of T1, 1 for those of T2."""
        assert self._rows is not None
        clouds = self._source.clouds
        second = clouds.get("t2", np.empty(0, dtype=np.int64))
        return np.isin(clouds["union"][self._rows], second).astype(np.int64)


def outlines_of(cells: Iterable[Cell], bench: Bench, label: str) -> dict[Place, tuple[Outline, ...]]:
    """The passages around the longest bars of each cell, longest first; significance is not tested here."""
    some = [cell for cell in cells if len(finite_loops(cell))]
    keys = [bench.key(what="outlines", points=cell.key) for cell in some]
    work = partial(_bars_with_passages, bench.protocol.metric)
    items = [(cell.points[cell.shown], finite_loops(cell)) for cell in some]
    found = bench.run(
        work, items, keys, f"{label}: outlines", plain=lambda bars: {"bars": bars}, whole=lambda kept: kept["bars"]
    )
    return {
        (cell.cycle, cell.layer, cell.cloud): tuple(
            Outline(birth, death, tuple(cell.shown[np.asarray(members)].tolist())) for birth, death, members in bars
        )
        for cell, bars in zip(some, found, strict=True)
    }


def _sampled_rows(count: int, bytes_of_row: int, protocol: Protocol) -> Int[np.ndarray, " shown"]:
    """All rows, or a uniform sample."""
    most = max(2, min(MOST_ROWS, MOST_BYTES // bytes_of_row))
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(protocol.seed).choice(count, most, replace=False))


def _plane(states: list[Float[np.ndarray, "_ _"]]) -> Plane:
    plane = common_plane(states)
    return Plane(plane.places.astype(np.float32), plane.explained)


def _nearest(
    rows: Float[np.ndarray, "_ _"], sides: Int[np.ndarray, " _"], metric: str
) -> tuple[Int[np.ndarray, "_ _"], Float[np.ndarray, "_ _"]]:
    """For each row the nearest rows of the other side, as indices, and their distances; -1 and NaN where there are
    fewer."""
    nearest = np.full((len(rows), NEAREST), -1)
    distances = np.full((len(rows), NEAREST), np.nan, dtype=np.float32)
    for queries, candidates in _query_sides(sides):
        # One more than needed, because a passage among its own candidates finds itself.
        _, order = faiss.knn(rows[queries], rows[candidates], min(NEAREST + 1, len(candidates)))
        found = candidates[order]
        chords = np.linalg.norm(rows[queries][:, None] - rows[found], axis=2)
        chords[found == queries[:, None]] = np.inf
        first = np.argsort(chords, axis=1, kind="stable")[:, :NEAREST]
        found, chords = (np.take_along_axis(values, first, axis=1) for values in (found, chords))
        known = np.isfinite(chords)
        lengths = 2 * np.arcsin(np.clip(chords / 2, 0, 1)) if metric == "angle" else chords
        nearest[queries, : found.shape[1]] = np.where(known, found, -1)
        distances[queries, : found.shape[1]] = np.where(known, lengths, np.nan)
    return nearest, distances


def _query_sides(sides: Int[np.ndarray, " _"]) -> list[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]]:
    """Rows that are queries, and rows that are candidates."""
    first, second = np.flatnonzero(sides == 0), np.flatnonzero(sides == 1)
    both = np.arange(len(sides))
    return [(first, second), (second, first)] if len(first) and len(second) else [(both, both)]


def _bars_with_passages(metric: str, item: tuple[np.ndarray, np.ndarray]) -> list[tuple[float, float, list[int]]]:
    points, bars = item
    distances = pairwise_distances(points, metric=metric)
    order: list[Any] = np.argsort(bars[:, 0] - bars[:, 1], kind="stable")[:OUTLINED].tolist()
    return [
        (
            float(bars[i, 0]),
            float(bars[i, 1]),
            representative_loop(distances, bars[i], metric="precomputed").tolist(),
        )
        for i in order
    ]
