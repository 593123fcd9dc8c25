"""Time and memory estimates for persistent homology, and subsamples that fit where the whole cloud does not."""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from topores.errors import ResourceError
from topores.topology.distances import as_distance_matrix
from topores.topology.engines import TREE, choose_engine
from topores.topology.homology import persistent_homology
from topores.topology.points import Numbers, RealNumber, WholeNumber, as_points, as_real, as_whole
from topores.topology.subsamples import SubsamplePlan


class Law(NamedTuple):
    """value * (points / at) ** power."""

    at: int
    value: float
    power: float

    def __call__(self, points: int) -> float:
        return self.value * (points / self.at) ** self.power


class Cost(NamedTuple):
    """Cost of `persistent_homology` up to one degree."""

    seconds: Law
    bytes: Law


# Printed by benchmarks/homology_cost.py: log-log least squares fits of the cost of one cloud, for unit rows in 384
# columns with the spectrum of sentence embeddings. One thread of a busy server core with AVX2, redzed-tda 0.1.1, ripser
# 0.6.15. On 963 embedded sentences the fits are within a factor of 2; isotropic clouds take up to twice as much from
# degree 2 on.
COSTS: dict[str, tuple[Cost, ...]] = {
    TREE: (Cost(Law(50000, 29.8, 1.61), Law(50000, 3.42e8, 0.77)),),
    "redzed": (
        Cost(Law(5000, 3.42, 2.4), Law(5000, 5.44e8, 1.86)),
        Cost(Law(8000, 19.5, 2.32), Law(8000, 1.45e9, 1.88)),
        Cost(Law(400, 1.94, 2.99), Law(400, 2.33e7, 1.99)),
        Cost(Law(150, 5.18, 4.41), Law(150, 1.18e8, 3.24)),
    ),
    "ripser": (
        Cost(Law(2000, 1.52, 2.22), Law(2000, 2.97e8, 1.95)),
        Cost(Law(1000, 1.34, 2.35), Law(1000, 1.03e8, 1.95)),
        Cost(Law(200, 1.72, 3.39), Law(200, 8.74e7, 2.99)),
        Cost(Law(70, 0.63, 5.12), Law(70, 2.92e7, 4.36)),
    ),
}
"""By engine, then by degree."""

FIRST = (1000, 200, 50, 30)
"""Points of the first part that is tried, by degree."""

GROWTH, LONG_ENOUGH = 2**0.5, 0.3
"""Factor from one part to the next, and seconds from which a part is large enough to judge the whole."""

SHORT = 0.1
"""Seconds below which the shortest of three runs counts, because others disturb it."""

SLOW = 3.0
"""Times the law's seconds from which a cloud is slow, and grows as its parts did: two times of others say little."""

STEEPEST = 2.6
"""Largest power with which the time of a cloud grows, in powers of the law; benchmarks/homology_cost.py prints measured
times beside estimates."""

NEAT = (1, 2, 5)
"""First digits of subsample sizes: 1, 2, 5, 10, 20, 50, ..."""


class Trial(NamedTuple):
    """How long homology took for a part of a cloud."""

    points: int
    seconds: float
    law: Law
    """What it takes for points as those of embedded texts."""
    power: float
    """With which the time grew up to this part."""

    def slowness(self, points: int) -> float:
        """How many times as long as by the law this cloud takes, or a part of `points` of its points."""
        found = self.seconds / self.law(self.points)
        if found < SLOW or points <= self.points:
            return found
        power = min(max(self.power, self.law.power), STEEPEST * self.law.power)
        return found * float(points / self.points) ** (power - self.law.power)


@dataclass(frozen=True)
class Estimate:
    """Estimated cost, within a factor of two or three for embedded texts on a machine like the measured one."""

    seconds: int | float
    """CPU seconds for all clouds together."""
    bytes: int
    """Peak memory, on top of what the process already uses."""

    def __str__(self) -> str:
        return f"about {_time(float(self.seconds))} of one core and {size_in_words(float(self.bytes))}"


def estimate(
    points: WholeNumber,
    *,
    max_degree: WholeNumber = 1,
    clouds: WholeNumber = 1,
    engine: str = "redzed",
    at_once: WholeNumber = 1,
    tried: Trial | None = None,
) -> Estimate:
    """Estimated cost of `persistent_homology` without a threshold.

    Degrees above 3 were not measured; each is extrapolated by the ratio of degree 3 to degree 2.

    Args:
        points: Points of one cloud.
        max_degree: 0 or more.
        clouds: Number of clouds of this size.
        engine: "redzed", "ripser" or "auto" (the spanning tree for degree 0, redzed above).
        at_once: Number of clouds computed at the same time, each of which needs its own memory.
        tried: `trial` of a cloud like these, by whose distances the time is judged; None: of embedded texts.

    Raises:
        ValueError: A number below 1, a degree below 0, or an unknown engine.
    """
    together = as_whole(at_once, "at_once")
    size, degree, total = as_whole(points, "points"), as_whole(max_degree, "max_degree"), as_whole(clouds, "clouds")
    for name, value, least in (
        ("points", size, 1), ("max_degree", degree, 0), ("clouds", total, 1), ("at_once", together, 1),
    ):  # fmt: skip
        if value < least:
            raise ValueError(f"{name} is {value}; expected {least} or more.")
    costs = COSTS[choose_engine(engine, max_degree=degree)]
    known = costs[min(degree, len(costs) - 1)]
    seconds, memory = known.seconds(size), known.bytes(size)
    beyond = max(0, degree - len(costs) + 1)
    if beyond:
        before = costs[-2]
        seconds *= max(1.0, seconds / before.seconds(size)) ** beyond
        memory *= max(1.0, memory / before.bytes(size)) ** beyond
    seconds *= tried.slowness(size) if tried else 1.0
    return Estimate(seconds * total, round(memory * min(total, together)))


def trial(points: Numbers, *, metric: str = "angle", max_degree: WholeNumber = 1, engine: str = "auto") -> Trial:
    """Homology of growing parts of a cloud, until one takes `LONG_ENOUGH` or the cloud is whole.

    The number of points alone does not tell the time: where all distances are nearly equal, as between independent
    directions in many dimensions, loops live long, and the time grows with twice the usual power or more. Such a cloud
    grows on as it did from the last part but one to the last, at least as embedded texts do.

    Args:
        points, metric, max_degree, engine: As `persistent_homology`.

    Raises:
        ValueError: As `persistent_homology`.
    """
    rows = as_distance_matrix(points, edges_may_lack=True) if metric == "precomputed" else as_points(points)
    degree = as_whole(max_degree, "max_degree")
    costs = COSTS[choose_engine(engine, max_degree=degree)]
    law = costs[min(degree, len(costs) - 1)].seconds
    order = np.random.default_rng(0).permutation(len(rows))
    size = min(len(rows), FIRST[min(degree, len(FIRST) - 1)])
    before, seconds, power = size, 0.0, law.power
    while True:
        some = np.sort(order[:size])
        part = rows[np.ix_(some, some)] if metric == "precomputed" else rows[some]
        now = min(_seconds_of(part, metric, degree, engine) for _ in range(3 if seconds < SHORT else 1))
        power = float(np.log(now / seconds) / np.log(size / before)) if seconds and now else power
        if now >= LONG_ENOUGH or size == len(rows):
            return Trial(size, now, law, power)
        before, size, seconds = size, min(len(rows), round(size * GROWTH)), now


def _seconds_of(part: Numbers, metric: str, degree: int, engine: str) -> float:
    started = time.process_time()
    persistent_homology(part, metric=metric, max_degree=degree, engine=engine)
    return time.process_time() - started


def plan_that_fits(
    points: WholeNumber,
    *,
    max_degree: WholeNumber = 1,
    memory: RealNumber,
    seconds: RealNumber = float("inf"),
    draws: WholeNumber = 20,
    seed: WholeNumber = 0,
    engine: str = "redzed",
    at_once: WholeNumber = 1,
    tried: Trial | None = None,
) -> SubsamplePlan:
    """A plan for the whole cloud if it fits, or else for the largest subsample size of 1, 2, 5, 10, ... that fits.

    Args:
        points: Points of the cloud.
        max_degree: 0 or more.
        memory: Bytes available, for example `topores.compute.resources.available_memory()`.
        seconds: CPU seconds allowed for all draws together.
        draws: Number of subsamples.
        seed: Seed of the subsamples.
        engine: "redzed", "ripser" or "auto".
        at_once: Number of draws computed at the same time.
        tried: As in `estimate`.

    Raises:
        ResourceError: Not even two points fit.
        ValueError: As `estimate` and `SubsamplePlan`.
    """
    count, degree = as_whole(points, "points"), as_whole(max_degree, "max_degree")
    room, limit = as_real(memory, "memory"), as_real(seconds, "seconds")

    def fits(size: int, clouds: int) -> bool:
        cost = estimate(size, max_degree=max_degree, clouds=clouds, engine=engine, at_once=at_once, tried=tried)
        return cost.bytes <= room and cost.seconds <= limit

    if fits(count, 1):
        return SubsamplePlan(count, count, 1, as_whole(seed, "seed"))
    number = as_whole(draws, "draws")
    sizes = [digit * 10**zeros for zeros in range(len(str(count))) for digit in NEAT]
    fitting = [size for size in sizes if 2 <= size < count and fits(size, number)]
    if not fitting:
        raise ResourceError(
            f"No subsample of {count:,} points fits degree {degree} into {size_in_words(room)} and "
            f"{_time(limit)}; allow more, or choose a lower degree."
        )
    return SubsamplePlan(count, max(fitting), number, as_whole(seed, "seed"))


def check_memory(
    points: WholeNumber,
    *,
    max_degree: WholeNumber = 1,
    memory: RealNumber,
    engine: str = "redzed",
    at_once: WholeNumber = 1,
) -> Estimate:
    """The estimate for one cloud, or for `at_once` clouds, after checking that enough memory is available.

    Raises:
        ResourceError: There is not enough memory; the message names a plan that fits.
        ValueError: As `estimate`.
    """
    count, degree, room = as_whole(points, "points"), as_whole(max_degree, "max_degree"), as_real(memory, "memory")
    cost = estimate(count, max_degree=degree, clouds=at_once, engine=engine, at_once=at_once)
    if cost.bytes <= room:
        return cost
    plan = plan_that_fits(count, max_degree=degree, memory=memory, engine=engine, at_once=at_once)
    raise ResourceError(
        f"Homology up to degree {degree} of {count:,} points needs about {size_in_words(float(cost.bytes))} of memory, "
        f"but only {size_in_words(as_real(memory, 'memory'))} are free; {plan} would fit, or choose a lower degree."
    )


def size_in_words(amount: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if amount >= factor:
            return f"{amount / factor:,.1f} {unit}"
    return f"{amount / 1e3:,.1f} kB"


def _time(seconds: float) -> str:
    for unit, factor in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:,.0f} {unit}"
    return f"{seconds:,.1f} seconds"
