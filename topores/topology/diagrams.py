"""Exact distances between two diagrams of one degree."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from topores.topology.matching import cheapest_in_order, rows_can_be_matched
from topores.topology.points import Numbers, RealNumber, as_numbers, as_real

DROWNING = 1e-6
"""Sum of costs, as a share of the largest possible one, below which rounding of the largest may decide the matching."""


def bottleneck_distance(a: Numbers, b: Numbers) -> float:
    """The bottleneck distance of two diagrams under the maximum norm, in units of the filtration; exact.

    A bar may be matched with the diagonal at half its length. Essential bars are matched with each other in order of
    birth; the distance is inf if their numbers differ.

    Args:
        a: Births and deaths of one degree, (bars, 2).
        b: The same for another space.

    Raises:
        ValueError: Not a diagram.

    Source:
        Cohen-Steiner, Edelsbrunner and Harer 2007, Stability of persistence diagrams, section 3.
    """
    first, second = _split(as_diagram(a, "a")), _split(as_diagram(b, "b"))
    if len(first.births) != len(second.births):
        return np.inf
    essential = np.abs(first.births - second.births).max(initial=0.0)
    away_a, away_b = _to_diagonal(first.bars, np.inf), _to_diagonal(second.bars, np.inf)
    costs = _distances(first.bars, second.bars, np.inf), away_a, away_b
    ordered = _one_birth(first.bars, second.bars)
    finite = cheapest_in_order(*costs, np.maximum) if ordered else _least_largest(*costs)
    return float(max(essential, finite))


def wasserstein_distance(a: Numbers, b: Numbers, *, order: RealNumber = 1, internal_p: RealNumber = 2) -> float:
    """The Wasserstein distance: (sum of distance ** order) ** (1 / order) over the optimal matching; exact.

    A bar may be matched with the nearest point of the diagonal. Essential bars are matched with each other in order
    of birth; the distance is inf if their numbers differ.

    Args:
        a: Births and deaths of one degree, (bars, 2).
        b: The same for another space.
        order: 1 or more, finite; `bottleneck_distance` is the limit of large orders under internal_p = inf.
        internal_p: p of the norm in the birth-death plane, 1 to inf.

    Raises:
        ValueError: Not a diagram, or a power below 1.

    Source:
        Cohen-Steiner, Edelsbrunner, Harer and Mileyko 2010, Lipschitz functions have L_p-stable persistence.
    """
    power, norm = as_real(order, "order"), as_real(internal_p, "internal_p")
    if not 1 <= power < np.inf:
        raise ValueError(f"order is {power:g}; expected 1 or more, and finite. Use bottleneck_distance for infinity.")
    if not norm >= 1:
        raise ValueError(f"internal_p is {norm:g}; expected 1 or more. Use 2 for Euclidean, inf for the maximum.")
    first, second = _split(as_diagram(a, "a")), _split(as_diagram(b, "b"))
    if len(first.births) != len(second.births):
        return np.inf
    essential = np.abs(first.births - second.births)
    away_a, away_b = _to_diagonal(first.bars, norm), _to_diagonal(second.bars, norm)
    scale = np.concatenate([essential, away_a, away_b]).max(initial=0.0)
    if scale == 0:
        return 0.0
    # Two bars further apart than from the diagonal are never matched; capping there avoids overflow.
    across = np.minimum(_distances(first.bars, second.bars, norm), away_a[:, None] + away_b)
    ordered = _one_birth(first.bars, second.bars)
    total, unit = _cheapest_matching((across, away_a, away_b), power, scale, ordered=ordered)
    scale = max(unit, essential.max(initial=0.0))
    shares = ((essential / scale) ** power).sum() + total * (unit / scale) ** power
    return float(scale * shares ** (1 / power))


def _cheapest_matching(
    moves: tuple[np.ndarray, np.ndarray, np.ndarray], power: float, scale: float, *, ordered: bool
) -> tuple[float, float]:
    """Sum of (move / unit) ** power over the optimal matching, and the unit, which is `scale` or smaller.

    No move of the optimal matching is longer than the distance itself. Where one that is not made is so much longer
    that the sum drowns in its rounding, longer moves are cut to a bound of the distance, and the sum is taken again.
    """
    total = _cheapest(moves, power, scale, ordered=ordered)
    shortest = min(float(each[each > 0].min(initial=np.inf)) for each in moves)
    # A sum of 0 is one, unless the powers of short moves underflow.
    while total < DROWNING and not (total == 0 and (shortest / scale) ** power > 0):
        bound = scale * (total + DROWNING**2) ** (1 / power)
        unit = bound * (1 + 1 / power)
        if unit > scale / 2:
            break
        scale = unit
        cut = [np.minimum(each, unit) for each in moves]
        total = _cheapest((cut[0], cut[1], cut[2]), power, unit, ordered=ordered)
    return total, scale


def _cheapest(moves: tuple[np.ndarray, np.ndarray, np.ndarray], power: float, unit: float, *, ordered: bool) -> float:
    across, away_a, away_b = ((each / unit) ** power for each in moves)
    return cheapest_in_order(across, away_a, away_b, np.add) if ordered else _cheapest_sum(across, away_a, away_b)


def as_diagram(diagram: Numbers, name: str = "diagram") -> Float[np.ndarray, "bars 2"]:
    """`diagram` as float64 rows of birth and death; an empty list is the empty diagram.

    Raises:
        ValueError: The shape is wrong, or there is a NaN, an infinite birth or a death before its birth.
    """
    bars = as_numbers(diagram, name)
    if not bars.size:
        return np.empty((0, 2))
    if bars.ndim != 2 or bars.shape[1] != 2:
        raise ValueError(f"{name} has shape {bars.shape}; expected (bars, 2). Pass births and deaths of one degree.")
    wrong = ~(np.isfinite(bars[:, 0]) & (bars[:, 1] >= bars[:, 0]))
    if wrong.any():
        birth, death = bars[wrong][0]
        raise ValueError(
            f"{name} has the bar ({birth:g}, {death:g}) in row {np.flatnonzero(wrong)[0]}; expected a finite birth "
            "and a death no smaller. Pass a diagram of persistent_homology."
        )
    return bars


def finite_bars(diagram: Numbers, name: str = "diagram") -> Float[np.ndarray, "bars 2"]:
    """The bars of `diagram` with a finite death, in its order.

    Raises:
        ValueError: As `as_diagram`.
    """
    bars = as_diagram(diagram, name)
    return bars[np.isfinite(bars[:, 1])]


class _Parts(NamedTuple):
    bars: Float[np.ndarray, "bars 2"]
    """Finite bars of positive length, sorted by birth, then death."""
    births: Float[np.ndarray, " essential"]
    """Births of the essential bars, ascending."""


def _split(diagram: Float[np.ndarray, "bars 2"]) -> _Parts:
    births, deaths = diagram.T
    order = np.lexsort((deaths, births))
    kept = order[(np.isfinite(deaths) & (births < deaths))[order]]
    return _Parts(diagram[kept], np.sort(births[np.isinf(deaths)]))


def _to_diagonal(bars: Float[np.ndarray, "bars 2"], norm: float) -> Float[np.ndarray, " bars"]:
    return (bars[:, 1] - bars[:, 0]) / 2 * 2 ** (1 / norm)


def _distances(
    a: Float[np.ndarray, "bars_a 2"], b: Float[np.ndarray, "bars_b 2"], norm: float
) -> Float[np.ndarray, "bars_a bars_b"]:
    if np.isinf(norm):
        return cdist(a, b, "chebyshev")
    births, deaths = (np.abs(np.subtract.outer(a[:, i], b[:, i])) for i in (0, 1))
    longer, shorter = np.maximum(births, deaths), np.minimum(births, deaths)
    # Dividing by the largest first keeps powers from overflowing or underflowing.
    share = np.divide(shorter, longer, out=np.zeros_like(longer), where=longer > 0)
    return longer * (1 + share**norm) ** (1 / norm)


def _one_birth(a: Float[np.ndarray, "bars_a 2"], b: Float[np.ndarray, "bars_b 2"]) -> bool:
    """Whether all bars have the same birth, as in degree 0; deaths can then be matched in order, which is faster."""
    return len(np.unique(np.concatenate([a[:, 0], b[:, 0]]))) <= 1


def _cheapest_sum(
    across: Float[np.ndarray, "bars_a bars_b"],
    away_a: Float[np.ndarray, " bars_a"],
    away_b: Float[np.ndarray, " bars_b"],
) -> float:
    # Cost relative to matching both with the diagonal: the problem then needs no copies of the diagonal.
    saved = np.minimum(across - away_a[:, None] - away_b, 0)
    # Rows sorted by birth can make the solver four times slower than rows in random order.
    shuffled = np.random.default_rng(0).permutation(len(saved))
    places, columns = linear_sum_assignment(saved[shuffled])
    rows = shuffled[places]
    paired = saved[rows, columns] < 0
    rows, columns = rows[paired], columns[paired]
    return across[rows, columns].sum() + np.delete(away_a, rows).sum() + np.delete(away_b, columns).sum()


def _least_largest(
    across: Float[np.ndarray, "bars_a bars_b"],
    away_a: Float[np.ndarray, " bars_a"],
    away_b: Float[np.ndarray, " bars_b"],
) -> float:
    if not across.size:
        return float(np.concatenate([away_a, away_b]).max(initial=0.0))
    # Bounds: each bar moves at least to its nearest partner or the diagonal, and at most to the diagonal.
    low = max(np.minimum(away_a, across.min(axis=1)).max(), np.minimum(away_b, across.min(axis=0)).max())
    high = max(away_a.max(), away_b.max())
    moves = np.concatenate([[low], away_a, away_b, across[(across > low) & (across <= high)]])
    moves = np.unique(moves[(moves >= low) & (moves <= high)])
    first, last = 0, len(moves) - 1
    while first < last:
        middle = (first + last) // 2
        near = across <= moves[middle]
        # Two one-sided matchings are enough: if each side can be covered, both can be at once (Mendelsohn and Dulmage
        # 1958).
        long_a, long_b = away_a > moves[middle], away_b > moves[middle]
        enough = rows_can_be_matched(near[long_a]) and rows_can_be_matched(near.T[long_b])
        first, last = (first, middle) if enough else (middle + 1, last)
    return float(moves[first])
