"""Vines: bars of degree 1 tracked through a sequence of states of the same points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy.spatial.distance import squareform

from topores.topology.distances import as_distance_matrix
from topores.topology.homotopy import Bars, Homotopy
from topores.topology.points import Numbers, RealNumber, WholeNumber, as_real, as_whole
from topores.topology.ranking import EXACT_INTEGERS
from topores.topology.reachable import CLOSED, Links, Possibilities, join_links
from topores.topology.rounding import merge_twins, twin_distance

HALVINGS = 12
"""Maximum number of halvings of a step; bars not separated within 1/4096 of a step stay unsure."""


@dataclass(frozen=True)
class Vine:
    """One bar of degree 1, tracked through the states."""

    births: Float[np.ndarray, " states"]
    """Birth in each state, in units of the distances; NaN where the bar does not exist."""
    deaths: Float[np.ndarray, " states"]
    sure: Bool[np.ndarray, " steps"]
    """For each step, whether the bar's continuation, closing or opening is proven. If not, the cheapest possible one is
    used. True where the bar exists in neither state."""

    @property
    def persistence(self) -> Float[np.ndarray, " states"]:
        """Death minus birth; NaN where the bar does not exist."""
        return self.deaths - self.births

    @property
    def peak(self) -> int:
        """The state at which the bar is longest."""
        return int(np.nanargmax(self.persistence))


def follow_bars(matrices: Iterable[Numbers], *, least: RealNumber = 0.0, most: WholeNumber = 500) -> list[Vine]:
    """The vines of degree 1 through a sequence of distance matrices of the same points.

    Between two states distances are interpolated linearly, and bars move continuously with them. Each step is halved
    until the continuation of every long enough bar is proven, because no other bar could have reached its place. Two
    bars that meet cannot be distinguished afterwards, and the step is marked as not sure for both; this happens where
    one triangle edge kills both and their birth edges become equally long. "Sure" refers to the linear path, which is a
    choice: between the states training took another, unknown path, on which bars may have changed differently.

    Args:
        matrices: One square matrix of distances per state, (points, points); row i is the same point in all of them.
        least: Steps are not halved for bars shorter than this, in units of the distances, which saves time. Since bars
            open and close at length 0, the opening or closing of a bar is then seldom sure.
        most: Maximum number of diagrams computed within a step, 1 or more, which bounds the time. The longest bars are
            resolved first; bars still unresolved at the end are not sure.

    Returns:
        All bars that exist in some state, sorted by largest persistence. In each state their births and deaths are
        exactly the rows of `persistent_homology(matrix, metric="precomputed")[1]`.

    Raises:
        ValueError: No matrix, unusable matrices or different sizes, more than 5,793 points, or an invalid bound.

    Source:
        Cohen-Steiner, Edelsbrunner and Morozov 2006, Vines and vineyards by updating persistence in linear time
        (vines). For possible continuations see topores.topology.reachable.
    """
    squares, shortest, budget = _as_matrices(matrices), _as_least(least), _as_budget(most)
    if len(squares) == 1:
        return _Growing(Homotopy(squares[0], squares[0]).bars(1.0).ends).vines(1)
    return join_steps([follow_step(*states, least=shortest, most=budget) for states in pairwise(squares)])


class FollowedStep(NamedTuple):
    """How the bars of degree 1 continue from one state to the next."""

    before: Float[np.ndarray, "bars 2"]
    """Births and deaths in the first state, as `persistent_homology` orders them."""
    after: Float[np.ndarray, "bars_after 2"]
    links: Links


def follow_step(before: Numbers, after: Numbers, *, least: RealNumber = 0.0, most: WholeNumber = 500) -> FollowedStep:
    """One step of `follow_bars`. Steps are independent, so they can run in parallel and be joined by `join_steps`.

    Args:
        before, after: Distance matrices of two states.
        least, most: As in `follow_bars`.

    Raises:
        ValueError: As `follow_bars`.
    """
    shortest, budget = _as_least(least), _as_budget(most)
    homotopy = Homotopy(*_as_matrices([before, after]))
    bars = homotopy.bars(0.0), homotopy.bars(1.0)
    return FollowedStep(bars[0].ends, bars[1].ends, join_links(_links_of_step(homotopy, bars, shortest, budget)))


def join_steps(steps: Sequence[FollowedStep]) -> list[Vine]:
    """The vines of `follow_bars` from at least one step, in order, each starting where the previous one ends."""
    growing = _Growing(steps[0].before)
    for place, step in enumerate(steps):
        growing.follow(step.links, place)
        growing.arrive(step.after, place + 1)
    return growing.vines(len(steps) + 1)


def sure_shares(vines: Sequence[Vine], *, least: RealNumber = 0.0) -> Float[np.ndarray, " steps"]:
    """For each step, the share of bars whose link is sure; NaN where there are no bars.

    Args:
        vines: As `follow_bars` returns them.
        least: Bars shorter than this in both states are not counted.

    Raises:
        ValueError: No vines.
    """
    if not len(vines):
        raise ValueError("vines is empty; expected at least one. Pass a result of follow_bars that is not empty.")
    long = np.array([np.nan_to_num(vine.persistence, nan=-1.0) >= as_real(least, "least") for vine in vines])
    counted = long[:, :-1] | long[:, 1:]
    sure = counted & np.array([vine.sure for vine in vines])
    counts = counted.sum(axis=0)
    return np.divide(sure.sum(axis=0), counts, out=np.full(len(counts), np.nan), where=counts > 0)


class _Stretch:
    """Part of a step, with the bars at its two ends and their possible continuations.

    Args:
        edges: All edges that may give birth in a longer stretch.
        lunes: `Homotopy.lunes` of these edges at the two times.
    """

    def __init__(
        self,
        homotopy: Homotopy,
        times: tuple[float, float],
        bars: tuple[Bars, Bars],
        edges: Int[np.ndarray, " candidates"],
        lunes: tuple[UInt8[np.ndarray, "candidates bytes"], UInt8[np.ndarray, "candidates bytes"]],
        least: float,
    ) -> None:
        self.times, self._bars, self._least, self._homotopy = times, bars, least, homotopy
        # A point that is in an edge's lune at both times is so all along: see Homotopy.may_give_birth.
        kept = ~(lunes[0] & lunes[1]).any(axis=1)
        self._edges, self._lunes = edges[kept], (lunes[0][kept], lunes[1][kept])
        self.possible = Possibilities(homotopy, times, bars, self._edges)
        self.doubt = self.possible.longest_doubt()

    @classmethod
    def whole(cls, homotopy: Homotopy, bars: tuple[Bars, Bars], least: float) -> "_Stretch":
        """The step from time 0 to time 1."""
        edges = homotopy.may_give_birth(homotopy.edges, 0.0, 1.0)
        lunes = homotopy.lunes(edges, 0.0), homotopy.lunes(edges, 1.0)
        return cls(homotopy, (0.0, 1.0), bars, edges, lunes, least)

    def __lt__(self, other: "_Stretch") -> bool:
        """Whether it is more urgent to halve this one."""
        return (-self.doubt, self.times) < (-other.doubt, other.times)

    def may_be_halved(self) -> bool:
        return self.doubt > 0 and self.doubt >= self._least and self.times[1] - self.times[0] > 0.5**HALVINGS

    def halves(self) -> tuple["_Stretch", "_Stretch"]:
        (since, until), (before, after) = self.times, self._bars
        middle = (since + until) / 2
        between, lunes = self._homotopy.bars(middle), self._homotopy.lunes(self._edges, middle)
        first, last = self._lunes
        return (
            _Stretch(self._homotopy, (since, middle), (before, between), self._edges, (first, lunes), self._least),
            _Stretch(self._homotopy, (middle, until), (between, after), self._edges, (lunes, last), self._least),
        )


def _links_of_step(homotopy: Homotopy, bars: tuple[Bars, Bars], least: float, budget: int) -> list[Links]:
    """Links of a whole step, in order, through stretches that are halved as far as needed."""
    # The stretch with the longest unsure bar comes first, so that a small budget is spent where it matters most.
    waiting = [_Stretch.whole(homotopy, bars, least)]
    done = []
    while waiting:
        stretch = heappop(waiting)
        if budget and stretch.may_be_halved():
            budget -= 1
            for half in stretch.halves():
                heappush(waiting, half)
        else:
            done.append(stretch)
    return [stretch.possible.links() for stretch in sorted(done, key=lambda stretch: stretch.times)]


class _Growing:
    """Vines under construction, state by state; each current bar has the number of its vine."""

    def __init__(self, bars: Float[np.ndarray, "bars 2"]) -> None:
        self._numbers: list[int] = []
        self._ends: list[dict[int, Float[np.ndarray, " 2"]]] = []
        self._doubts: list[set[int]] = []
        self._numbers = [self._new_vine() for _ in bars]
        self.arrive(bars, 0)

    def follow(self, links: Links, step: int) -> None:
        """Pass vine numbers on along the links; a bar without an origin starts a new vine."""
        after: list[int | None] = [None] * len(links.sure_after)
        for number, partner, sure in zip(self._numbers, links.partners.tolist(), links.sure_before, strict=True):
            if partner != CLOSED:
                after[partner] = number
            if not sure:
                self._doubts[number].add(step)
        self._numbers = [self._new_vine() if number is None else number for number in after]
        for number in np.array(self._numbers, dtype=np.int64)[~links.sure_after].tolist():
            self._doubts[number].add(step)

    def arrive(self, bars: Float[np.ndarray, "bars 2"], state: int) -> None:
        for number, ends in zip(self._numbers, bars, strict=True):
            self._ends[number][state] = ends

    def vines(self, states: int) -> list[Vine]:
        """The vines that exist in some state, sorted by largest persistence."""
        found = []
        for ends, doubts in zip(self._ends, self._doubts, strict=True):
            table = np.full((2, states), np.nan)
            for state, bar in ends.items():
                table[:, state] = bar
            sure = np.array([step not in doubts for step in range(states - 1)], dtype=bool)
            if ends:
                found.append(Vine(table[0], table[1], sure))
        return sorted(found, key=lambda vine: -np.nanmax(vine.persistence))

    def _new_vine(self) -> int:
        self._ends.append({})
        self._doubts.append(set())
        return len(self._ends) - 1


def _as_matrices(matrices: Iterable[Numbers]) -> list[Float[np.ndarray, "points points"]]:
    squares = [_as_matrix(matrix, f"matrices[{place}]") for place, matrix in enumerate(matrices)]
    if not squares:
        raise ValueError("matrices is empty; expected one matrix of distances per state. Pass at least one.")
    count = len(squares[0])
    for place, square in enumerate(squares):
        if len(square) != count:
            raise ValueError(
                f"matrices[{place}] has {len(square)} points and matrices[0] has {count}; expected the same points in "
                "all states. Pass the rows that all states share, in one order."
            )
    if count * (count - 1) // 2 >= EXACT_INTEGERS:
        raise ValueError(f"matrices have {count} points; expected at most 5,793. Follow the bars of a subsample.")
    return squares


def _as_matrix(matrix: Numbers, name: str) -> Float[np.ndarray, "points points"]:
    """Distances as homology sees them: points that are equal but for rounding coincide."""
    square = as_distance_matrix(matrix, name)
    condensed = squareform(square, checks=False)
    merged = merge_twins(condensed, twin_distance(square, "precomputed"))
    return square if merged is condensed else squareform(merged)


def _as_budget(most: WholeNumber) -> int:
    budget = as_whole(most, "most")
    if budget < 1:
        raise ValueError(f"most is {budget}; expected 1 or more diagrams within a step. Use 500 to be thorough.")
    return budget


def _as_least(least: RealNumber) -> float:
    length = as_real(least, "least")
    if not length >= 0:
        raise ValueError(f"least is {length:g}; expected a length of 0 or more. Use 0 to follow every bar.")
    return length
