"""What persistent homology will cost, before it starts, and the subsamples that fit where the whole does not."""

from dataclasses import dataclass
from typing import NamedTuple, SupportsFloat, SupportsIndex

from topores.errors import ResourceError
from topores.topology.engines import TREE, choose_engine
from topores.topology.subsamples import SubsamplePlan


class Law(NamedTuple):
    """value * (points / at) ** power."""

    at: int
    value: float
    power: float

    def __call__(self, points: int) -> float:
        return self.value * (points / self.at) ** self.power


class Cost(NamedTuple):
    """Of `persistent_homology` up to one degree."""

    seconds: Law
    bytes: Law


# Printed by benchmarks/homology_cost.py: least squares through the logarithms of what one cloud took, for unit rows in
# 384 columns with the spectrum of sentence embeddings. One thread of a busy server core with AVX2, redzed-tda 0.1.1,
# ripser 0.6.15. On 963 embedded sentences the laws are within a factor of 2; clouds that fill all columns evenly take
# up to twice as much from degree 2 on.
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

NEAT = (1, 2, 5)
"""First digits of the sizes of subsamples."""


@dataclass(frozen=True)
class Estimate:
    """Rough: within a factor of two or three for embedded texts on a machine like the one that was measured."""

    seconds: int | float
    """Of one core, for all clouds together."""
    bytes: int
    """At the highest, over what the process holds already."""

    def __str__(self) -> str:
        return f"about {_time(float(self.seconds))} of one core and {_size(float(self.bytes))}"


def estimate(
    points: SupportsIndex,
    *,
    max_degree: SupportsIndex = 1,
    clouds: SupportsIndex = 1,
    engine: str = "redzed",
    at_once: SupportsIndex = 1,
) -> Estimate:
    """What `persistent_homology` without a threshold will take.

    Past degree 3, which was not measured, each further degree is taken to cost as much more as the third does than
    the second.

    Args:
        points: Of one cloud.
        max_degree: 0 or more.
        clouds: How many there are of this size.
        engine: "redzed", "ripser" or "auto", which is the spanning tree in degree 0 and redzed beyond.
        at_once: How many of them are computed at the same time; they all need their memory then.

    Raises:
        ValueError: A number below 1, a degree below 0, or an unknown engine.
    """
    size, degree, total = points.__index__(), max_degree.__index__(), clouds.__index__()
    for name, value, least in (
        ("points", size, 1), ("max_degree", degree, 0), ("clouds", total, 1), ("at_once", at_once.__index__(), 1),
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
    return Estimate(seconds * total, round(memory * min(total, at_once.__index__())))


def plan_that_fits(
    points: SupportsIndex,
    *,
    max_degree: SupportsIndex = 1,
    memory: SupportsFloat,
    seconds: SupportsFloat = float("inf"),
    draws: SupportsIndex = 20,
    seed: SupportsIndex = 0,
    engine: str = "redzed",
    at_once: SupportsIndex = 1,
) -> SubsamplePlan:
    """The whole cloud if it fits (`plan.exact`), or else the largest of 1, 2, 5, 10, 20, 50, ... points that does.

    Args:
        points: Of the cloud.
        max_degree: 0 or more.
        memory: Bytes, such as `topores.compute.resources.available_memory()`.
        seconds: Of one core, for all draws together.
        draws: Of the subsamples.
        seed: Of the subsamples.
        engine: "redzed", "ripser" or "auto".
        at_once: How many draws are computed at the same time.

    Raises:
        ResourceError: Not even two points fit.
        ValueError: As `estimate` and `SubsamplePlan`.
    """
    count, room, time = points.__index__(), float(memory), float(seconds)

    def fits(size: int, clouds: int) -> bool:
        cost = estimate(size, max_degree=max_degree, clouds=clouds, engine=engine, at_once=at_once)
        return cost.bytes <= room and cost.seconds <= time

    if fits(count, 1):
        return SubsamplePlan(count, count, 1, seed.__index__())
    number = draws.__index__()
    sizes = [digit * 10**zeros for zeros in range(len(str(count))) for digit in NEAT]
    fitting = [size for size in sizes if 2 <= size < count and fits(size, number)]
    if not fitting:
        raise ResourceError(
            f"No subsample of {count:,} points fits degree {max_degree.__index__()} into {_size(room)} and "
            f"{_time(time)}; give more, or a lower degree."
        )
    return SubsamplePlan(count, max(fitting), number, seed.__index__())


def check_memory(
    points: SupportsIndex,
    *,
    max_degree: SupportsIndex = 1,
    memory: SupportsFloat,
    engine: str = "redzed",
    at_once: SupportsIndex = 1,
) -> Estimate:
    """The estimate of one cloud, or of `at_once` clouds, if its memory is there.

    Raises:
        ResourceError: It is not; the message names the plan that fits.
        ValueError: As `estimate`.
    """
    count, degree = points.__index__(), max_degree.__index__()
    cost = estimate(count, max_degree=degree, clouds=at_once, engine=engine, at_once=at_once)
    if cost.bytes <= float(memory):
        return cost
    plan = plan_that_fits(count, max_degree=degree, memory=memory, engine=engine, at_once=at_once)
    raise ResourceError(
        f"Homology up to degree {degree} of {count:,} points needs about {_size(float(cost.bytes))} of memory, and "
        f"{_size(float(memory))} are free; {plan} would fit, or a lower degree."
    )


def _size(amount: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if amount >= factor:
            return f"{amount / factor:,.1f} {unit}"
    return f"{amount / 1e3:,.1f} kB"


def _time(seconds: float) -> str:
    for unit, factor in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:,.0f} {unit}"
    return f"{seconds:,.1f} seconds"
