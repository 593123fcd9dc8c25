"""Diagrams and measures of every layer and cloud, for each state alone and compared with two others."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from topores.analysis.cells import (
    CloudNumbers,
    Number,
    Protocol,
    as_plain,
    from_plain,
    measure_cloud,
)
from topores.analysis.changes import measure_change, measure_movement, measure_texts
from topores.analysis.sources import Source
from topores.compute.cache import Cache
from topores.compute.keys import code_version, digest
from topores.compute.remembered import run_remembered
from topores.domain import Diagram, Measurement, State
from topores.quantities import QUANTITIES
from topores.topology.rounding import first_of_twin_rows

DECIDING = (
    "topores.topology",
    "topores.sign_flips",
    *(
        f"topores.analysis.{module}"
        for module in (
            "cells", "changes", "chance", "movement", "measure", "ends", "maps", "tracks", "loop_significance",
            "nulls._ground",
        )
    ),
)  # fmt: skip
"""Code that decides what the cache keeps. What only words a verdict or stores a result is not among it."""

UNITS = {one.id: one.unit for one in QUANTITIES.values()}
"""Kept beside each number."""


@dataclass(frozen=True)
class Cell:
    """One cloud at one layer of one state."""

    cycle: int
    layer: int
    cloud: str
    points: Float[np.ndarray, "points dim"]
    """Unit rows."""
    shown: Int[np.ndarray, " shown"]
    """Rows of `points` behind the diagrams of degree 1 and higher: all, or the first subsample."""
    diagrams: list[Diagram]
    drawn: list[list[Diagram]]
    """Diagrams of each subsample, by degree."""
    key: str
    """Hash of what was measured."""

    def measurements(self, numbers: list[Number], against: int | None = None) -> list[Measurement]:
        return [
            Measurement(
                self.cycle, self.layer, self.cloud, n.measure, float(n.value), n.unit,
                n.degree, against, n.threshold, n.standard_error,
            )
            for n in numbers
        ]  # fmt: skip


Cells = dict[tuple[int, str], Cell]


@dataclass(frozen=True)
class MeasuredState:
    state: State
    cells: Cells
    """By (layer, cloud)."""
    measurements: list[Measurement]
    output: Float[np.ndarray, "rows dim"]
    """Rows of all passages at the last layer."""


@dataclass(frozen=True)
class Bench:
    """How and where work is done, and the cache of earlier results."""

    protocol: Protocol
    cache: Cache | None
    scheduler: str | None

    def run(
        self,
        work: Any,
        items: list[Any],
        keys: list[str],
        label: str,
        *,
        plain: Any = as_plain,
        whole: Any = from_plain,
    ) -> list[Any]:
        """`run_remembered`, by default for results of `cells`."""
        return run_remembered(
            work, items, keys, cache=self.cache, plain=plain, whole=whole, label=label, scheduler=self.scheduler
        )

    def key(self, **parts: Any) -> str:
        """Hash of all that decides a kept number: protocol, input (`parts`), code that computes it, and its unit."""
        return digest(protocol=asdict(self.protocol), code=code_version(*DECIDING), units=UNITS, **parts)


def measure_states(
    source: Source, bench: Bench, layers: str, announce: Callable[[int, np.ndarray], None] | None = None
) -> Iterator[MeasuredState]:
    """Each state in turn, measured alone, against the first state and against the previous one.

    At most three states are in memory at a time.

    Args:
        announce: Called with the number of layers and the last layer's unit rows of the first state, before the work.
    """
    first: Cells | None = None
    before: Cells | None = None
    for state in source.states:
        rows = source.layers_of(state, layers, bench.cache)
        if announce is not None and first is None:
            announce(len(rows), unit_rows(rows[max(rows)][source.clouds["union"]], source.rounding))
        cells, numbers = _measured_alone(source, state, rows, bench)
        earlier = list({id(c): c for c in (first, before) if c is not None}.values())
        numbers += _measured_against(cells, earlier, bench, f"{state.label}: changes")
        numbers += _measured_movement(cells, earlier, bench, f"{state.label}: movement")
        numbers += _measured_texts(source, cells, bench, state.label)
        yield MeasuredState(state, cells, numbers, rows[max(rows)])
        first, before = first or cells, cells


def _measured_alone(
    source: Source, state: State, rows: dict[int, np.ndarray], bench: Bench
) -> tuple[Cells, list[Measurement]]:
    places = [(layer, cloud) for layer in rows for cloud in source.clouds]
    # Largest first, so that no worker is left with a large one at the end while the others wait.
    places.sort(key=lambda place: -len(source.clouds[place[1]]))
    points = [unit_rows(rows[layer][source.clouds[cloud]], source.rounding) for layer, cloud in places]
    keys = [bench.key(what="cloud", points=p) for p in points]
    found: list[CloudNumbers] = bench.run(partial(measure_cloud, bench.protocol), points, keys, state.label)
    cells: Cells = {}
    numbers: list[Measurement] = []
    for (layer, cloud), own, key, result in zip(places, points, keys, found, strict=True):
        shown = bench.protocol.plan(len(own)).rows(0)
        cell = Cell(state.cycle, layer, cloud, own, shown, result.diagrams, result.drawn, key)
        cells[layer, cloud] = cell
        numbers += cell.measurements(result.numbers)
    return cells, numbers


def _measured_against(cells: Cells, earlier: list[Cells], bench: Bench, label: str) -> list[Measurement]:
    pairs = [(other[place], cell) for place, cell in cells.items() for other in earlier if place in other]
    last = max(layer for layer, _ in cells)
    keys = [bench.key(what="change", before=then.key, after=now.key, last=now.layer == last) for then, now in pairs]
    found = bench.run(
        partial(_change, bench.protocol), [(then, now, now.layer == last) for then, now in pairs], keys, label
    )
    return [
        m
        for (then, now), numbers in zip(pairs, found, strict=True)
        for m in now.measurements(numbers, against=then.cycle)
    ]


def _measured_movement(cells: Cells, earlier: list[Cells], bench: Bench, label: str) -> list[Measurement]:
    """Parts of the movement of the two texts at the last layer, for sources with two texts."""
    places = [(max(layer for layer, _ in cells), cloud) for cloud in ("t1", "t2", "union")]
    if not all(place in cells for place in places):
        return []
    now = [cells[place] for place in places]
    before = [[other[place] for place in places] for other in earlier if all(place in other for place in places)]
    items = [(_stack_texts(then), _stack_texts(now), len(now[0].points)) for then in before]
    keys = [
        bench.key(what="movement", before=[then[0].key, then[1].key], after=[now[0].key, now[1].key]) for then in before
    ]
    found = bench.run(partial(_movement, bench.protocol.seed), items, keys, label)
    return [
        m
        for then, numbers in zip(before, found, strict=True)
        for m in now[2].measurements(numbers, against=then[2].cycle)
    ]


def _stack_texts(texts: list[Cell]) -> Float[np.ndarray, "rows dim"]:
    """Unit rows of T1, then of T2."""
    return np.vstack([texts[0].points, texts[1].points])


def _measured_texts(source: Source, cells: Cells, bench: Bench, label: str) -> list[Measurement]:
    """Measures between the two texts, for sources with two texts."""
    corpus = source.corpus
    aligned = None if corpus is None else np.stack([corpus.pairs.t1, corpus.pairs.t2], axis=1)
    unions = [cell for cell in cells.values() if cell.cloud == "union" and (cell.layer, "t2") in cells]
    items = [(cells[cell.layer, "t1"].points, cells[cell.layer, "t2"].points, aligned) for cell in unions]
    keys = [bench.key(what="texts", first=first, second=second, pairs=pairs) for first, second, pairs in items]
    found = bench.run(partial(_texts, bench.protocol.seed), items, keys, f"{label}: two texts")
    return [m for cell, numbers in zip(unions, found, strict=True) for m in cell.measurements(numbers)]


def _change(protocol: Protocol, item: tuple[Cell, Cell, bool]) -> list[Number]:
    then, now, whole_rtd = item
    return measure_change(protocol, then.points, now.points, then.drawn, now.drawn, whole_rtd=whole_rtd)


def _movement(seed: int, item: tuple[np.ndarray, np.ndarray, int]) -> list[Number]:
    return measure_movement(*item, seed)


def _texts(seed: int, item: tuple[np.ndarray, np.ndarray, np.ndarray | None]) -> list[Number]:
    return measure_texts(*item, seed)


def unit_rows(points: Float[np.ndarray, "points dim"], rounding: float = 0.0) -> Float[np.ndarray, "points dim"]:
    """Each row at length 1, in float64; rows that rounding alone may have told apart at the first of them.

    Args:
        rounding: How far it may move a row of length 1; 0 leaves all rows where they are.
    """
    points = points.astype(np.float64)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit[first_of_twin_rows(unit, 2 * rounding)] if rounding else unit
