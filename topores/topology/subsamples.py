"""Homology of clouds too large to be computed whole: averages over uniform subsamples, with their standard errors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from jaxtyping import Float, Int

from topores.topology.distances import as_distance_matrix
from topores.topology.homology import persistent_homology
from topores.topology.measures.betti_curve import betti_curve
from topores.topology.measures.landscape import landscape
from topores.topology.measures.total_persistence import total_persistence
from topores.topology.points import Numbers, as_numbers, as_points

THRESHOLDS = 200
"""Lengths that curves are computed at, where the caller names none."""


@dataclass(frozen=True)
class SubsamplePlan:
    """Which rows of a cloud are computed: `draws` times `size` of `points`, uniform, without replacement.

    Draw k depends on (seed, k) alone, so that more draws leave the first ones as they are. Two draws may share rows.

    Raises:
        ValueError: A number below 1, a negative seed, or a size above the number of points.
    """

    points: int
    """Rows of the whole cloud."""
    size: int
    """Rows of one draw."""
    draws: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("points", 1), ("size", 1), ("draws", 1), ("seed", 0)):
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
        """Whether each draw is the whole cloud, so that nothing is left to chance."""
        return self.size == self.points

    def rows(self, draw: SupportsIndex) -> Int[np.ndarray, " size"]:
        """Indices of one draw's points, 0 to draws - 1, ascending.

        Raises:
            IndexError: No such draw.
        """
        number = draw.__index__()
        if not 0 <= number < self.draws:
            raise IndexError(f"draw is {number}; expected 0 to {self.draws - 1}.")
        random = np.random.default_rng([self.seed, number])
        return np.sort(random.choice(self.points, self.size, replace=False))

    def __iter__(self) -> Iterator[Int[np.ndarray, " size"]]:
        """The rows of each draw in turn."""
        return (self.rows(draw) for draw in range(self.draws))


class Average(NamedTuple):
    """Mean over the draws, and its standard error: 0 if the cloud is whole, NaN if it is not and there is one draw."""

    mean: Float[np.ndarray, "..."]
    standard_error: Float[np.ndarray, "..."]


def average(values: list[Any], *, exact: bool = False) -> Average:
    """Mean and standard error of what each draw has: numbers, or arrays of one shape."""
    drawn = np.asarray(values, dtype=np.float64)
    mean = drawn.mean(axis=0)
    if exact:
        return Average(mean, np.zeros_like(mean))
    if len(drawn) == 1:
        return Average(mean, np.full_like(mean, np.nan))
    with np.errstate(invalid="ignore"):  # where a draw is infinite, the error is NaN
        return Average(mean, drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn)))


@dataclass(frozen=True)
class SampledHomology:
    """What the draws of a plan have on average. Lists are indexed by degree."""

    plan: SubsamplePlan
    exact: bool
    """Whether every draw was the whole cloud. If not, all below is about `plan.size` points, not about the cloud."""
    thresholds: Float[np.ndarray, " thresholds"]
    landscapes: list[Average]
    """Of the finite bars, (levels, thresholds)."""
    betti_curves: list[Average]
    """Of all bars, (thresholds,)."""
    total_persistence: list[Average]
    """Summed length of the finite bars, one number."""
    bars: list[Average]
    """How many there are, essential ones included, one number."""
    diagrams: list[list[Float[np.ndarray, "_ 2"]]]
    """By draw, then by degree, as `persistent_homology` returns them."""


def sampled_homology(
    points: Numbers,
    plan: SubsamplePlan,
    *,
    metric: str = "angle",
    max_degree: SupportsIndex = 1,
    threshold: SupportsFloat | None = None,
    field: SupportsIndex = 2,
    engine: str = "auto",
    thresholds: Numbers | None = None,
    levels: SupportsIndex = 5,
    mapper: Callable[..., Any] = map,
) -> SampledHomology:
    """Averages of landscapes, Betti curves, total persistence and numbers of bars over uniform subsamples.

    This estimates the expected landscape (and curve, and number) of `plan.size` points drawn from the cloud, and not
    that of the cloud itself: with fewer points loops are born later, small ones are missed, and there are fewer bars
    in all. Compare clouds by plans of one size. The standard errors are over the draws, for this cloud as it is; they
    say how far the average is from that of endlessly many draws, not how another cloud of the same source would do.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        plan: Which rows; `plan.points` must be their number.
        metric, max_degree, threshold, field, engine: As `persistent_homology`.
        thresholds: Lengths at which curves are computed, one-dimensional. None: 200 from 0 to the longest finite
            death of any draw.
        levels: Of the landscapes.
        mapper: `map`, or what does the same in parallel. It gets a function and the rows of each draw, and must
            keep their order.

    Raises:
        ValueError: As `persistent_homology`, `landscape` and `betti_curve`, or a plan for another number of points.

    Source:
        Chazal, Fasy, Lecci, Michel, Rinaldo and Wasserman 2015, Subsampling methods for persistent homology,
        section 3 (the average landscape). https://proceedings.mlr.press/v37/chazal15.html
    """
    rows = as_distance_matrix(points) if metric == "precomputed" else as_points(points)
    if len(rows) != plan.points:
        raise ValueError(f"plan is for {plan.points} points, but there are {len(rows)}. Make one for this cloud.")
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
