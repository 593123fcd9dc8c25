"""Whether points lie in the given order around a ring: a plain test for clouds too small for loops."""

import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores.topology.distances import pairwise_distances
from topores.topology.points import Numbers, WholeNumber, as_whole

EXACT_UP_TO = 8
"""Points up to which all orders are looked at: 2,520 of 8 points."""

FEWEST = 5
"""Points below which there are too few orders for p < .05: 3 of 4 points, 12 of 5."""


class CyclicOrder(NamedTuple):
    """How near the neighbours of a cyclic order are."""

    step: float
    """Mean distance of neighbours around the ring, the last point and the first included."""
    expected: float
    """The same for a random order: the mean distance of all pairs."""
    closing: float
    """Distance of the last point and the first."""
    p: float
    """Share of orders with steps as short or shorter, the given order included."""
    orders: int
    """Orders that were compared, the given one included."""
    exact: bool
    """Whether these were all orders that differ by more than their start and their direction."""

    @property
    def closed(self) -> bool:
        """Whether the last point and the first are nearer than two points usually are.

        Points in order along a line have a small p, too, but their ends are far apart.
        """
        return self.closing < self.expected


def cyclic_order(
    points: Numbers, *, metric: str = "angle", permutations: WholeNumber = 9999, seed: WholeNumber = 0
) -> CyclicOrder:
    """Whether the rows, in their given order, lie around a ring: the first after the last.

    It asks about this order only. Without an order in advance, or for a ring through some of the points, use
    `bar_significance`, which needs tens of points. It needs no null of shapes, only that the order was not chosen by
    looking at the points: under the null every order is as likely as any other.

    Args:
        points: One row per point in the order in question, at least 5; or the square matrix of their distances.
        metric: "angle" (radians), "euclidean" or "precomputed".
        permutations: Orders drawn if there are more than 8 points; else all are looked at.
        seed: 0 or more. Equal seeds draw equal orders.

    Raises:
        ValueError: Unusable points, fewer than 5, or a number out of range.

    Source:
        A permutation test of the length of the closed path through all points: Good 2005, Permutation, Parametric and
        Bootstrap Tests of Hypotheses, 3rd edition, chapter 3.
    """
    distances = pairwise_distances(points, metric=metric)
    count, drawn, first = len(distances), as_whole(permutations, "permutations"), as_whole(seed, "seed")
    if count < FEWEST:
        raise ValueError(f"points has {count} rows; expected at least {FEWEST}. Fewer have too few orders to compare.")
    if drawn < 19 or first < 0:
        raise ValueError(
            f"permutations is {drawn} and seed is {first}; expected at least 19 and at least 0. 9999 is usual."
        )
    exact = count <= EXACT_UP_TO
    orders = _all_orders(count) if exact else _random_orders(count, drawn, first)
    own = _mean_step(distances, np.arange(count)[None])[0]
    # Equal up to rounding counts as reached. All orders include the given one; drawn ones do not.
    reached = int((_mean_step(distances, orders) <= own * (1 + 1e-12)).sum()) + (not exact)
    total = len(orders) + (not exact)
    expected = distances.sum() / (count * (count - 1))
    return CyclicOrder(float(own), float(expected), float(distances[-1, 0]), reached / total, total, exact)


def _mean_step(
    distances: Float[np.ndarray, "points points"], orders: Int[np.ndarray, "orders points"]
) -> Float[np.ndarray, " orders"]:
    return distances[orders, np.roll(orders, -1, axis=-1)].mean(axis=-1)


def _all_orders(count: int) -> Int[np.ndarray, "orders points"]:
    """Every order up to its start and its direction: (count - 1)! / 2."""
    rest = [order for order in itertools.permutations(range(1, count)) if order[0] < order[-1]]
    assert len(rest) == math.factorial(count - 1) // 2
    return np.array([(0, *order) for order in rest])


def _random_orders(count: int, drawn: int, seed: int) -> Int[np.ndarray, "orders points"]:
    random = np.random.default_rng(seed)
    return random.permuted(np.tile(np.arange(count), (drawn, 1)), axis=1)
