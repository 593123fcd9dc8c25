"""What is computed of one cloud, of two states of it, and of two texts: arrays in, plain values out, nothing else.

So the work can run in any thread or process, and its results be kept under the hash of what went in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores import topology
from topores.domain import Diagram
from topores.topology.distances import distinct_points
from topores.topology.subsamples import Average, SampledHomology, SubsamplePlan, average, sampled_homology

BETTI_STEPS = 65
"""Thresholds of a Betti curve, from 0 to the metric's right angle."""

FEWEST_FOR_DIMENSION = 10
"""Different points below which nearest neighbours say nothing of a dimension."""

RIGHT_ANGLE = {"angle": np.pi / 2, "euclidean": np.sqrt(2)}
UNIT = {"angle": "rad", "euclidean": "chord"}

SPREAD = "share of the spread"

GEOMETRY = {
    "uniformity": "log mean Gaussian potential",
    "intrinsic_dimension": "dimensions",
    "maximum_likelihood_dimension": "dimensions",
    "persistent_homology_dimension": "dimensions",
    "hubness_skewness": "skewness",
}
"""Unit of each measure that is taken of the distances of every pair."""

Points = Float[np.ndarray, "points dim"]


@dataclass(frozen=True)
class Protocol:
    """What of `topores topology`'s options decides a cloud's numbers."""

    metric: str
    max_degree: int
    max_points: int
    subsamples: int
    subsample_size: int
    resamples: int
    seed: int

    def plan(self, points: int) -> SubsamplePlan:
        """All points, or the subsamples that stand for a cloud past `max_points`."""
        if points <= self.max_points:
            return SubsamplePlan(points, points, 1, self.seed)
        return SubsamplePlan(points, min(self.subsample_size, self.max_points), self.subsamples, self.seed)


class Number(NamedTuple):
    """A measurement without its place: cycle, layer and cloud are the caller's to add."""

    measure: str
    value: int | float
    unit: str
    degree: int | None = None
    threshold: float | None = None
    standard_error: float | None = None


class CloudNumbers(NamedTuple):
    diagrams: list[Diagram]
    """By degree. Of a cloud past `max_points` degree 0 is that of all points, the others of the first subsample."""
    drawn: list[list[Diagram]]
    """Of each subsample, by degree; the diagrams themselves if there is none."""
    numbers: list[Number]


def measure_cloud(protocol: Protocol, points: Points) -> CloudNumbers:
    """Diagrams and measures of unit rows."""
    plan = protocol.plan(len(points))
    if not plan.exact and protocol.max_degree > 0:
        return _of_subsamples(protocol, points, plan)
    if protocol.max_degree == 0:
        diagrams = topology.persistent_homology(points, metric=protocol.metric, max_degree=0)
        numbers = list(_of_diagrams(diagrams, protocol.metric))
    else:
        filtration = topology.Filtration(points, metric=protocol.metric)
        diagrams = filtration.diagrams(max_degree=protocol.max_degree)
        numbers = [*_of_diagrams(diagrams, protocol.metric), *_of_resamples(filtration, protocol)]
    return CloudNumbers(diagrams, [diagrams], [*numbers, *_of_points(points, plan)])


def measure_change(
    protocol: Protocol,
    before: Points,
    after: Points,
    drawn_before: list[list[Diagram]],
    drawn_after: list[list[Diagram]],
    *,
    whole_rtd: bool,
) -> list[Number]:
    """How one cloud differs between two states of the same passages.

    Args:
        drawn_before, drawn_after: Diagrams of the same subsamples of each.
        whole_rtd: Also RTD in full, which costs more than all else together.
    """
    plan = protocol.plan(len(after))
    numbers = list(_between_diagrams(drawn_before, drawn_after, UNIT[protocol.metric], exact=plan.exact))
    if before.shape == after.shape:
        numbers += _between_points(before, after)
    if len(before) == len(after) and not _is_one_point(before) and not _is_one_point(after):
        measures: list[tuple[str, Callable[..., float]]] = [("rtd_spanning_tree", topology.rtd_spanning_tree)]
        measures += [("rtd", topology.rtd)] if whole_rtd else []
        for name, measure in measures:
            parts = [measure(before[rows], after[rows]) for rows in plan if _has_width(before[rows], after[rows])]
            if parts:
                numbers.append(_averaged(name, average(parts, exact=plan.exact), "0.9 quantiles of the distances"))
    return numbers


def measure_texts(first: Points, second: Points, pairs: Int[np.ndarray, "pairs 2"] | None, seed: int) -> list[Number]:
    """How the clouds of the two texts lie to each other, and how near partners are.

    Args:
        pairs: Rows (of first, of second) that tell the same thing; None where nothing is aligned.
    """
    numbers = [Number("modality_gap", topology.modality_gap(first, second), "chord")]
    if min(len(first), len(second)) >= FEWEST_FOR_DIMENSION:
        auc = topology.linear_probe_auc(first, second, seed=seed)
        numbers.append(Number("linear_probe_auc", auc, "0.5 by chance"))
    if pairs is not None and len(pairs):
        near = topology.alignment(first[pairs[:, 0]], second[pairs[:, 1]])
        numbers.append(Number("alignment", near, "squared chord"))
    return numbers


def _of_subsamples(protocol: Protocol, points: Points, plan: SubsamplePlan) -> CloudNumbers:
    """Clusters of all points; all that needs distances of every pair from the subsamples, with its standard error."""
    clusters = topology.persistent_homology(points, metric=protocol.metric, max_degree=0)
    at = np.linspace(0, RIGHT_ANGLE[protocol.metric], BETTI_STEPS)
    sampled = sampled_homology(points, plan, metric=protocol.metric, max_degree=protocol.max_degree, thresholds=at)
    numbers = [*_of_diagrams(clusters, protocol.metric), *_of_averages(sampled, UNIT[protocol.metric])]
    diagrams = [*clusters, *sampled.diagrams[0][1:]]
    return CloudNumbers(diagrams, sampled.diagrams, [*numbers, *_of_points(points, plan)])


def _of_diagrams(diagrams: list[Diagram], metric: str) -> Iterator[Number]:
    thresholds = np.linspace(0, RIGHT_ANGLE[metric], BETTI_STEPS)
    for degree, diagram in enumerate(diagrams):
        yield Number("total_persistence", topology.total_persistence(diagram), UNIT[metric], degree)
        yield Number("persistence_entropy", topology.persistence_entropy(diagram), "nats", degree)
        for threshold, bars in zip(thresholds, topology.betti_curve(diagram, thresholds), strict=True):
            yield Number("betti_curve", int(bars), "bars", degree, float(threshold))


def _of_averages(sampled: SampledHomology, unit: str) -> Iterator[Number]:
    """Degrees 1 and up; the landscape's first level, which is what theory speaks of."""
    for degree in range(1, len(sampled.bars)):
        entropies = [topology.persistence_entropy(diagrams[degree]) for diagrams in sampled.diagrams]
        yield _averaged("total_persistence", sampled.total_persistence[degree], unit, degree)
        yield _averaged("persistence_entropy", average(entropies), "nats", degree)
        curve, heights = sampled.betti_curves[degree], sampled.landscapes[degree]
        for place, threshold in enumerate(sampled.thresholds.tolist()):
            bars = Average(curve.mean[place], curve.standard_error[place])
            height = Average(heights.mean[0, place], heights.standard_error[0, place])
            yield _averaged("betti_curve", bars, "bars", degree)._replace(threshold=threshold)
            yield _averaged("landscape", height, unit, degree)._replace(threshold=threshold)


def _of_resamples(filtration: topology.Filtration, protocol: Protocol) -> Iterator[Number]:
    """Spread of total persistence over bootstrap resamples; a passage drawn twice counts once, so they have fewer."""
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
            yield Number(f"total_persistence.resampled_{name}", float(value), UNIT[protocol.metric], degree)


def _of_points(points: Points, plan: SubsamplePlan) -> Iterator[Number]:
    yield Number("rank_me", topology.rank_me(points), "dimensions")
    drawn = [_geometry(points[rows]) for rows in plan]
    for name, unit in GEOMETRY.items():
        if all(name in found for found in drawn):
            yield _averaged(name, average([found[name] for found in drawn], exact=plan.exact), unit)


def _geometry(points: Points) -> dict[str, float]:
    """What needs the distances of every pair: measured once for all of them."""
    found = {"uniformity": topology.uniformity(points)}
    chords = topology.pairwise_distances(points, "euclidean")
    if len(distinct_points(chords)) < FEWEST_FOR_DIMENSION:
        return found
    neighbours = min(10, len(points) - 1)
    return found | {
        "intrinsic_dimension": topology.intrinsic_dimension(chords, metric="precomputed"),
        "maximum_likelihood_dimension": topology.maximum_likelihood_dimension(chords, metric="precomputed"),
        "persistent_homology_dimension": topology.persistent_homology_dimension(chords, metric="precomputed"),
        "hubness_skewness": topology.hubness_skewness(chords, metric="precomputed", neighbours=neighbours),
    }


def _between_diagrams(
    before: list[list[Diagram]], after: list[list[Diagram]], unit: str, *, exact: bool
) -> Iterator[Number]:
    for degree in range(min(len(before[0]), len(after[0]))):
        drawn = [(then[degree], now[degree]) for then, now in zip(before, after, strict=False)]
        for name, distance in (
            ("bottleneck_distance", topology.bottleneck_distance),
            ("wasserstein_distance", topology.wasserstein_distance),
        ):
            yield _averaged(name, average([distance(*pair) for pair in drawn], exact=exact), unit, degree)


def _between_points(before: Points, after: Points) -> Iterator[Number]:
    yield Number("change", _change(before, after), SPREAD)
    if _is_one_point(before) or _is_one_point(after):
        return  # a cloud that collapsed to one point has no shape to compare
    yield Number("linear_cka", topology.linear_cka(before, after), "0 to 1")
    fit = topology.procrustes(before, after)
    yield Number("procrustes.angle", fit.angle, "rad")
    yield Number("procrustes.scale", fit.scale, "ratio")
    yield Number("procrustes.residual", fit.residual, SPREAD)


def _averaged(measure: str, found: Average, unit: str, degree: int | None = None) -> Number:
    error = float(found.standard_error)
    return Number(measure, float(found.mean), unit, degree, standard_error=error if error else None)


def _change(before: Points, after: Points) -> float:
    """How far the passages moved: ||after - before|| over ||after||, both centred. Procrustes leaves at most this."""
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    spread = np.linalg.norm(after)
    return float(np.linalg.norm(after - before) / spread) if spread > 0 else 0.0


def _is_one_point(rows: Points) -> bool:
    return bool(np.allclose(rows, rows[0], rtol=0, atol=1e-9))


def _has_width(*clouds: Points) -> bool:
    """Whether RTD has a unit: the .9 quantile of the distances is not 0."""
    return all(len(np.unique(points, axis=0)) > len(points) / 2 and len(points) > 2 for points in clouds)


def as_plain(found: Any) -> dict[str, Any]:
    """A result as the cache keeps it."""
    if isinstance(found, CloudNumbers):
        return {
            "diagrams": found.diagrams,
            "drawn": found.drawn,
            "numbers": [tuple(number) for number in found.numbers],
        }
    return {"numbers": [tuple(number) for number in found]}


def from_plain(kept: dict[str, Any]) -> Any:
    """What `as_plain` was given."""
    numbers = [Number(*number) for number in kept["numbers"]]
    return CloudNumbers(kept["diagrams"], kept["drawn"], numbers) if "diagrams" in kept else numbers
