"""Diagrams and measures of every layer and cloud, at each state and against two others."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float, Int

from topores import topology
from topores.analysis.sources import Source
from topores.compute.parallel import run_parallel
from topores.config import TopologyConfig
from topores.domain import Diagram, Measurement, State
from topores.topology.distances import pairwise_distances

BETTI_STEPS = 65
"""Thresholds of a Betti curve, from 0 to the metric's right angle."""

FEWEST_FOR_DIMENSION = 10
"""Different points below which nearest neighbours say nothing of a dimension."""

RIGHT_ANGLE = {"angle": np.pi / 2, "euclidean": np.sqrt(2)}
UNIT = {"angle": "rad", "euclidean": "chord"}


@dataclass(frozen=True)
class Cell:
    """One cloud at one layer of one state."""

    cycle: int
    layer: int
    cloud: str
    points: Float[np.ndarray, "points dim"]
    """Unit rows."""
    diagrams: list[Diagram]

    def measured(self, measure: str, value: SupportsFloat, unit: str, **place: int | float) -> Measurement:
        return Measurement(self.cycle, self.layer, self.cloud, measure, float(value), unit, **place)  # type: ignore[arg-type]


Cells = dict[tuple[int, str], Cell]


@dataclass(frozen=True)
class MeasuredState:
    state: State
    cells: Cells
    """By (layer, cloud)."""
    measurements: list[Measurement]
    output: Float[np.ndarray, "rows dim"]
    """Rows of all passages at the last layer, also of those that a sampled cloud leaves out."""


def measure_states(
    source: Source, clouds: dict[str, Int[np.ndarray, " points"]], config: TopologyConfig
) -> Iterator[MeasuredState]:
    """Each state in turn, measured alone, against the first state and against the one before.

    At most three states are in memory at a time.
    """
    first: Cells | None = None
    before: Cells | None = None
    for state in source.states:
        layers = source.layers_of(state, config.layers)
        places = [(layer, cloud) for layer in layers for cloud in clouds]
        points = [(layer, cloud, layers[layer][clouds[cloud]]) for layer, cloud in places]
        found_cells = run_parallel(partial(_cell, state, config), points, label=state.label)
        cells: Cells = dict(zip(places, found_cells, strict=True))
        jobs: list[tuple[Cell, Cell | None]] = [(cell, None) for cell in cells.values()]
        for earlier in {id(c): c for c in (first, before) if c is not None}.values():
            jobs += [(cells[place], earlier[place]) for place in places if place in earlier]
        found = run_parallel(partial(_measurements, config), jobs, label=f"{state.label}: measures")
        found.append(_between_texts(cells))
        yield MeasuredState(state, cells, [m for part in found for m in part], layers[max(layers)])
        first, before = first or cells, cells


def _cell(state: State, config: TopologyConfig, place: tuple[int, str, Float[np.ndarray, "points dim"]]) -> Cell:
    layer, cloud, points = place[0], place[1], _unit(place[2].astype(np.float64))
    distances = pairwise_distances(points, metric=config.metric)
    diagrams = topology.persistent_homology(distances, metric="precomputed", max_degree=config.max_degree)
    return Cell(state.cycle, layer, cloud, points, diagrams)


def _measurements(config: TopologyConfig, job: tuple[Cell, Cell | None]) -> list[Measurement]:
    cell, earlier = job
    return list(_of_one(cell, config) if earlier is None else _of_change(cell, earlier, config))


def _of_one(cell: Cell, config: TopologyConfig) -> Iterator[Measurement]:
    unit = UNIT[config.metric]
    thresholds = np.linspace(0, RIGHT_ANGLE[config.metric], BETTI_STEPS)
    for degree, diagram in enumerate(cell.diagrams):
        yield cell.measured("total_persistence", topology.total_persistence(diagram), unit, degree=degree)
        yield cell.measured("persistence_entropy", topology.persistence_entropy(diagram), "nats", degree=degree)
        for threshold, bars in zip(thresholds, topology.betti_curve(diagram, thresholds), strict=True):
            yield cell.measured("betti_curve", bars, "bars", degree=degree, threshold=float(threshold))
    rows = cell.points
    yield cell.measured("uniformity", topology.uniformity(rows), "log mean Gaussian potential")
    yield cell.measured("rank_me", topology.rank_me(rows), "dimensions")
    if len(np.unique(rows, axis=0)) >= FEWEST_FOR_DIMENSION:
        yield cell.measured("intrinsic_dimension", topology.intrinsic_dimension(rows), "dimensions")


def _of_change(cell: Cell, earlier: Cell, config: TopologyConfig) -> Iterator[Measurement]:
    unit, against = UNIT[config.metric], earlier.cycle
    for degree, (now, then) in enumerate(zip(cell.diagrams, earlier.diagrams, strict=True)):
        place = {"degree": degree, "against": against}
        yield cell.measured("bottleneck_distance", topology.bottleneck_distance(then, now), unit, **place)
        yield cell.measured("wasserstein_distance", topology.wasserstein_distance(then, now), unit, **place)
    if cell.points.shape != earlier.points.shape:
        return  # models of different widths: only their diagrams can be compared
    before, after = earlier.points, cell.points
    yield cell.measured("change", _change(before, after), "share of the spread", against=against)
    if _is_one_point(before) or _is_one_point(after):
        return  # a cloud that collapsed to one point has no shape to compare
    yield cell.measured("linear_cka", topology.linear_cka(before, after), "0 to 1", against=against)
    fit = topology.procrustes(before, after)
    yield cell.measured("procrustes.angle", fit.angle, "rad", against=against)
    yield cell.measured("procrustes.scale", fit.scale, "ratio", against=against)
    yield cell.measured("procrustes.residual", fit.residual, "share of the spread", against=against)


def _change(before: Float[np.ndarray, "points dim"], after: Float[np.ndarray, "points dim"]) -> float:
    """How far the passages moved: ||after - before|| over ||after||, both centred. Procrustes leaves at most this."""
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    spread = np.linalg.norm(after)
    return float(np.linalg.norm(after - before) / spread) if spread > 0 else 0.0


def _is_one_point(rows: Float[np.ndarray, "points dim"]) -> bool:
    return bool(np.allclose(rows, rows[0], rtol=0, atol=1e-9))


def _between_texts(cells: Cells) -> list[Measurement]:
    """The gap between the two texts, for sources that have two."""
    return [
        union.measured("modality_gap", topology.modality_gap(one.points, other.points), "chord")
        for (layer, cloud), union in cells.items()
        if cloud == "union" and (one := cells.get((layer, "t1"))) and (other := cells.get((layer, "t2")))
    ]


def _unit(points: Float[np.ndarray, "points dim"]) -> Float[np.ndarray, "points dim"]:
    return points / np.linalg.norm(points, axis=1, keepdims=True)
