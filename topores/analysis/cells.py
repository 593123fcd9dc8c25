"""What is computed for one cloud: an array in, plain values out, nothing else.

So the work can run in any thread or process, and results can be cached under the hash of their input.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import squareform

from topores import topology
from topores.domain import Diagram
from topores.quantities import DISTANCE_UNITS, unit_of
from topores.topology.distances import distinct_points
from topores.topology.subsamples import Average, SampledHomology, SubsamplePlan, average, sampled_homology

BETTI_STEPS = 65
"""Thresholds of a Betti curve, from 0 to the distance of orthogonal rows."""

FEWEST_FOR_DIMENSION = 10
"""Distinct points below which nearest neighbours do not determine a dimension."""

RIGHT_ANGLE = {"angle": np.pi / 2, "euclidean": np.sqrt(2)}

GEOMETRY = (
    "uniformity", "intrinsic_dimension", "maximum_likelihood_dimension", "persistent_homology_dimension",
    "hubness_skewness",
)  # fmt: skip
"""Measures that need the distances of all pairs."""

Points = Float[np.ndarray, "points dim"]
Distances = Float[np.ndarray, "points points"]


@dataclass(frozen=True)
class Protocol:
    """Options of `topores topology` that decide the numbers of a cloud."""

    metric: str
    max_degree: int
    max_points: int
    subsamples: int
    subsample_size: int
    resamples: int
    seed: int

    def plan(self, points: int) -> SubsamplePlan:
        """All points, or the subsamples that stand for a cloud larger than `max_points`."""
        if points <= self.max_points:
            return SubsamplePlan(points, points, 1, self.seed)
        return SubsamplePlan(points, min(self.subsample_size, self.max_points), self.subsamples, self.seed)


class Number(NamedTuple):
    """A measurement without cycle, layer and cloud, which the caller adds."""

    measure: str
    value: int | float
    unit: str
    degree: int | None = None
    threshold: float | None = None
    standard_error: float | None = None


class CloudNumbers(NamedTuple):
    diagrams: list[Diagram]
    """By degree. For a cloud larger than `max_points`, degree 0 is of all points, the others of the first subsample."""
    drawn: list[list[Diagram]]
    """Diagrams of each subsample, by degree; the diagrams themselves if there are no subsamples."""
    numbers: list[Number]


def average_number(measure: str, found: Average, unit: str, degree: int | None = None) -> Number:
    error = float(found.standard_error)
    return Number(measure, float(found.mean), unit, degree, standard_error=error if error else None)


def measure_cloud(protocol: Protocol, points: Points) -> CloudNumbers:
    """Diagrams and measures of unit rows."""
    plan = protocol.plan(len(points))
    if not plan.exact and protocol.max_degree > 0:
        return _measure_subsamples(protocol, points, plan)
    if protocol.max_degree == 0:
        diagrams = topology.persistent_homology(points, metric=protocol.metric, max_degree=0)
        numbers = [
            *_diagram_numbers(diagrams, protocol.metric), _cluster_gap(points, protocol.metric),
            *_point_numbers(points, plan),
        ]  # fmt: skip
        return CloudNumbers(diagrams, [diagrams], numbers)
    filtration = topology.Filtration(points, metric=protocol.metric)
    diagrams = filtration.diagrams(max_degree=protocol.max_degree)
    chords = squareform(_as_chords(filtration.distances, protocol.metric))
    numbers = [
        *_diagram_numbers(diagrams, protocol.metric), _cluster_gap(points, protocol.metric),
        *_resampled_numbers(filtration, protocol),
    ]  # fmt: skip
    return CloudNumbers(
        diagrams, [diagrams], [*numbers, _rank_me(points), *_averages([_geometry(chords, points.shape[1])], plan)]
    )


def _measure_subsamples(protocol: Protocol, points: Points, plan: SubsamplePlan) -> CloudNumbers:
    """Clusters of all points; everything that needs all pairwise distances from subsamples, with its standard error."""
    clusters = topology.persistent_homology(points, metric=protocol.metric, max_degree=0)
    at = np.linspace(0, RIGHT_ANGLE[protocol.metric], BETTI_STEPS)
    sampled = sampled_homology(points, plan, metric=protocol.metric, max_degree=protocol.max_degree, thresholds=at)
    numbers = [
        *_diagram_numbers(clusters, protocol.metric),
        _cluster_gap(points, protocol.metric),
        *_sampled_numbers(sampled, DISTANCE_UNITS[protocol.metric]),
    ]
    diagrams = [*clusters, *sampled.diagrams[0][1:]]
    return CloudNumbers(diagrams, sampled.diagrams, [*numbers, *_point_numbers(points, plan)])


def _diagram_numbers(diagrams: list[Diagram], metric: str) -> Iterator[Number]:
    thresholds = np.linspace(0, RIGHT_ANGLE[metric], BETTI_STEPS)
    for degree, diagram in enumerate(diagrams):
        yield Number("total_persistence", topology.total_persistence(diagram), DISTANCE_UNITS[metric], degree)
        yield Number(
            "persistence_entropy", topology.persistence_entropy(diagram), unit_of("persistence_entropy"), degree
        )
        yield Number("longest_bar", _longest(diagram), DISTANCE_UNITS[metric], degree)
        for threshold, bars in zip(thresholds, topology.betti_curve(diagram, thresholds), strict=True):
            yield Number("betti_curve", int(bars), unit_of("betti_curve"), degree, float(threshold))


def _cluster_gap(points: Points, metric: str) -> Number:
    return Number("cluster_gap", topology.cluster_gap(points, metric=metric), DISTANCE_UNITS[metric])


def _longest(diagram: Diagram) -> float:
    """Length of the longest finite bar; 0 if there is none."""
    births, deaths = diagram[np.isfinite(diagram[:, 1])].T
    return float((deaths - births).max(initial=0.0))


def _sampled_numbers(sampled: SampledHomology, unit: str) -> Iterator[Number]:
    """Degrees 1 and higher; the first level of the landscape, for which there is theory."""
    for degree in range(1, len(sampled.bars)):
        entropies = [topology.persistence_entropy(diagrams[degree]) for diagrams in sampled.diagrams]
        yield average_number("total_persistence", sampled.total_persistence[degree], unit, degree)
        yield average_number("persistence_entropy", average(entropies), unit_of("persistence_entropy"), degree)
        curve, heights = sampled.betti_curves[degree], sampled.landscapes[degree]
        for place, threshold in enumerate(sampled.thresholds.tolist()):
            bars = Average(curve.mean[place], curve.standard_error[place])
            height = Average(heights.mean[0, place], heights.standard_error[0, place])
            yield average_number("betti_curve", bars, unit_of("betti_curve"), degree)._replace(threshold=threshold)
            yield average_number("landscape", height, unit, degree)._replace(threshold=threshold)


def _resampled_numbers(filtration: topology.Filtration, protocol: Protocol) -> Iterator[Number]:
    """Spread of total persistence over bootstrap resamples; a passage drawn twice counts once."""
    if not protocol.resamples:
        return
    draw = np.random.default_rng(protocol.seed)
    drawn = [
        filtration.diagrams(rows=draw.integers(0, filtration.points, filtration.points), max_degree=protocol.max_degree)
        for _ in range(protocol.resamples)
    ]
    for degree in range(protocol.max_degree + 1):
        totals = [topology.total_persistence(diagrams[degree]) for diagrams in drawn]
        for name, value in (("mean", np.mean(totals)), ("deviation", np.std(totals))):
            yield Number(f"total_persistence.resampled_{name}", float(value), DISTANCE_UNITS[protocol.metric], degree)


def _point_numbers(points: Points, plan: SubsamplePlan) -> Iterator[Number]:
    yield _rank_me(points)
    yield from _averages([_geometry(chords_of(points[rows]), points.shape[1]) for rows in plan], plan)


def _rank_me(points: Points) -> Number:
    return Number("rank_me", topology.rank_me(points), unit_of("rank_me"))


def _averages(drawn: list[dict[str, float]], plan: SubsamplePlan) -> Iterator[Number]:
    for name in GEOMETRY:
        if all(name in found for found in drawn):
            yield average_number(name, average([found[name] for found in drawn], exact=plan.exact), unit_of(name))


def chords_of(points: Points) -> Distances:
    """Euclidean distances of unit rows, from their angles, which take one matrix product."""
    return _as_chords(topology.pairwise_distances(points), "angle")


def _as_chords(distances: Float[np.ndarray, "..."], metric: str) -> Float[np.ndarray, "..."]:
    return 2 * np.sin(distances / 2) if metric == "angle" else distances


def _geometry(chords: Distances, columns: int) -> dict[str, float]:
    """Measures of all pairwise distances, which are computed once; dimensions only where they are determined."""
    found = {"uniformity": topology.uniformity(chords, metric="precomputed")}
    if len(distinct_points(chords)) < FEWEST_FOR_DIMENSION:
        return found
    neighbours = min(10, len(chords) - 1)
    dimensions = {
        "intrinsic_dimension": topology.intrinsic_dimension(chords, metric="precomputed"),
        "maximum_likelihood_dimension": topology.maximum_likelihood_dimension(chords, metric="precomputed"),
        "persistent_homology_dimension": topology.persistent_homology_dimension(chords, metric="precomputed"),
    }
    # Infinite, or more than the space has or the points can span: there is no estimate.
    most = min(columns, len(distinct_points(chords)) - 1)
    found |= {name: value for name, value in dimensions.items() if value <= most}
    return found | {"hubness_skewness": topology.hubness_skewness(chords, metric="precomputed", neighbours=neighbours)}


def as_plain(found: Any) -> dict[str, Any]:
    """A result as the cache stores it."""
    if isinstance(found, CloudNumbers):
        return {
            "diagrams": found.diagrams,
            "drawn": found.drawn,
            "numbers": [tuple(number) for number in found.numbers],
        }
    return {"numbers": [tuple(number) for number in found]}


def from_plain(kept: dict[str, Any]) -> Any:
    """The result that `as_plain` stored."""
    numbers = [Number(*number) for number in kept["numbers"]]
    return CloudNumbers(kept["diagrams"], kept["drawn"], numbers) if "diagrams" in kept else numbers
