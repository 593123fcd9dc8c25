"""Homology of clouds too large to compute whole: averages over uniform subsamples, with standard errors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, SupportsFloat

import numpy as np
from jaxtyping import Float, Int

from topores.topology.distances import as_distance_matrix
from topores.topology.homology import persistent_homology
from topores.topology.measures.betti_curve import betti_curve
from topores.topology.measures.landscape import landscape
from topores.topology.measures.total_persistence import total_persistence
from topores.topology.points import Numbers, WholeNumber, as_numbers, as_points, as_whole

THRESHOLDS = 200
"""Default number of lengths at which curves are computed."""


@dataclass(frozen=True)
class SubsamplePlan:
    """Subsamples of a cloud: `draws` subsets of `size` of its `points` rows, uniform, without replacement.

    Draw k depends only on (seed, k), so more draws do not change the first ones. Two draws may share rows.

    Raises:
        ValueError: A number below 1, a negative seed, or a size above the number of points.
    """

    points: int
    """Number of rows of the cloud."""
    size: int
    """Number of rows of one draw."""
    draws: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("points", 1), ("size", 1), ("draws", 1), ("seed", 0)):
            object.__setattr__(self, name, as_whole(getattr(self, name), name))
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {least} or more.")
        if self.size > self.points:
            raise ValueError(
                f"size is {self.size}, but the cloud has {self.points} points. Draw {self.points} at most."
            )

    def __str__(self) -> str:
        if self.exact:
            return f"all {self.points:,} points"
        plural = "s" if self.draws > 1 else ""
        return f"{self.draws:,} uniform subsample{plural} of {self.size:,} of {self.points:,} points"

    @property
    def exact(self) -> bool:
        """Whether each draw is the whole cloud, so that nothing is random."""
        return self.size == self.points

    def rows(self, draw: WholeNumber) -> Int[np.ndarray, " size"]:
        """Indices of the points of one draw, ascending.

        Raises:
            IndexError: `draw` is not in 0 to draws - 1.
        """
        number = as_whole(draw, "draw")
        if not 0 <= number < self.draws:
            raise IndexError(f"draw is {number}; expected 0 to {self.draws - 1}.")
        random = np.random.default_rng([self.seed, number])
        return np.sort(random.choice(self.points, self.size, replace=False))

    def __iter__(self) -> Iterator[Int[np.ndarray, " size"]]:
        """The rows of each draw in turn."""
        return (self.rows(draw) for draw in range(self.draws))


class Average(NamedTuple):
    """Mean over the draws, and its standard error: 0 if draws are the whole cloud, NaN for a single subsample."""

    mean: Float[np.ndarray, "..."]
    standard_error: Float[np.ndarray, "..."]


def average(values: list[Any], *, exact: bool = False) -> Average:
    """Mean and standard error over draws of numbers, or of arrays of equal shape."""
    drawn = np.asarray(values, dtype=np.float64)
    mean = drawn.mean(axis=0)
    if exact:
        return Average(mean, np.zeros_like(mean))
    if len(drawn) == 1:
        return Average(mean, np.full_like(mean, np.nan))
    with np.errstate(invalid="ignore"):  # infinite values give a NaN error
        return Average(mean, drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn)))


@dataclass(frozen=True)
class SampledHomology:
    """Averages over the draws of a plan. Lists are indexed by degree."""

    plan: SubsamplePlan
    exact: bool
    """Whether every draw was the whole cloud. If not, the averages describe clouds of `plan.size` points."""
    thresholds: Float[np.ndarray, " thresholds"]
    landscapes: list[Average]
    """Landscapes of the finite bars, (levels, thresholds)."""
    betti_curves: list[Average]
    """Betti curves of all bars, (thresholds,)."""
    total_persistence: list[Average]
    """Summed length of the finite bars, one number."""
    bars: list[Average]
    """Number of bars, including essential ones."""
    diagrams: list[list[Float[np.ndarray, "_ 2"]]]
    """Diagrams by draw, then by degree, as `persistent_homology` returns them."""


def sampled_homology(
    points: Numbers,
    plan: SubsamplePlan,
    *,
    metric: str = "angle",
    max_degree: WholeNumber = 1,
    threshold: SupportsFloat | None = None,
    field: WholeNumber = 2,
    engine: str = "auto",
    thresholds: Numbers | None = None,
    levels: WholeNumber = 5,
    mapper: Callable[..., Any] = map,
) -> SampledHomology:
    """Averages of landscapes, Betti curves, total persistence and numbers of bars over uniform subsamples.

    This estimates the expected landscape (curve, number) of `plan.size` points drawn from the cloud, not that of the
    cloud itself: with fewer points loops are born later, small ones are missed, and there are fewer bars. Compare
    clouds by plans of equal size. The standard errors are over draws from this cloud; they do not include the
    variation between clouds from the same source.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        plan: Which rows; `plan.points` must be their number.
        metric, max_degree, threshold, field, engine: As `persistent_homology`.
        thresholds: Lengths at which curves are computed, one-dimensional. None: 200 from 0 to the longest finite
            death of any draw.
        levels: Number of landscape levels.
        mapper: `map`, or a parallel equivalent. It gets a function and the rows of each draw, and must keep the
            order.

    Raises:
        ValueError: As `persistent_homology`, `landscape` and `betti_curve`, or a plan for another number of points.

    Source:
        Chazal, Fasy, Lecci, Michel, Rinaldo and Wasserman 2015, Subsampling methods for persistent homology,
        section 3 (the average landscape). https://proceedings.mlr.press/v37/chazal15.html
    """
    rows = as_distance_matrix(points, edges_may_lack=True) if metric == "precomputed" else as_points(points)
    if len(rows) != plan.points:
        raise ValueError(f"plan is for {plan.points} points, but there are {len(rows)}. Make a plan for this cloud.")
    options = {"metric": metric, "max_degree": max_degree, "threshold": threshold, "field": field, "engine": engine}
    diagrams = list(mapper(partial(_homology_of_rows, rows, options), plan))
    at = _lengths(diagrams) if thresholds is None else as_numbers(thresholds, "thresholds").reshape(-1)

    def averages(summary: Callable[[np.ndarray], Any]) -> list[Average]:
        return [
            average([summary(diagram) for diagram in degree], exact=plan.exact)
            for degree in zip(*diagrams, strict=True)
        ]

    return SampledHomology(
        plan=plan,
        exact=plan.exact,
        thresholds=at,
        landscapes=averages(lambda diagram: landscape(diagram, at, levels=levels)),
        betti_curves=averages(lambda diagram: betti_curve(diagram, at)),
        total_persistence=averages(total_persistence),
        bars=averages(len),
        diagrams=diagrams,
    )


def _homology_of_rows(
    points: Float[np.ndarray, "points dim"], options: dict[str, Any], rows: Int[np.ndarray, " size"]
) -> list[np.ndarray]:
    chosen = points[np.ix_(rows, rows)] if options["metric"] == "precomputed" else points[rows]
    return persistent_homology(chosen, **options)


def _lengths(diagrams: list[list[np.ndarray]]) -> Float[np.ndarray, " thresholds"]:
    deaths = np.concatenate([diagram[:, 1] for degrees in diagrams for diagram in degrees])
    return np.linspace(0, deaths[np.isfinite(deaths)].max(initial=0), THRESHOLDS)
