"""Which bars at one time of a homotopy can be which at a later time, and which of them must be."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.optimize import linear_sum_assignment

from topores.topology.homology import ROUNDING
from topores.topology.homotopy import Bars, Homotopy

CLOSED = -1
"""In place of a partner: the bar has closed."""

OPENED = -1
"""In place of an origin: the bar was not there before."""


class Links(NamedTuple):
    """What becomes of the bars between two times."""

    partners: Int[np.ndarray, " before"]
    """The bar after for each bar before, or `CLOSED`."""
    sure_before: Bool[np.ndarray, " before"]
    """Bars before of which nothing else can become."""
    sure_after: Bool[np.ndarray, " after"]
    """Bars after that can have come from nothing else."""


def join_links(parts: Sequence[Links]) -> Links:
    """What becomes of the bars through several stretches, in order: a link is sure if it is so all along.

    Args:
        parts: One at least; the bars after each are those before the next.
    """
    count = len(parts[0].partners)
    origins, sure, sure_before = np.arange(count), np.ones(count, dtype=bool), np.ones(count, dtype=bool)
    for part in parts:
        leaving, surely = origins, sure & part.sure_before
        sure_before[leaving[leaving != OPENED]] = surely[leaving != OPENED]
        going_on = np.flatnonzero(part.partners != CLOSED)
        arrived = part.partners[going_on]
        origins, sure = np.full(len(part.sure_after), OPENED), part.sure_after.copy()
        origins[arrived] = leaving[going_on]
        sure[arrived] &= surely[going_on]
    there = np.flatnonzero(origins != OPENED)
    partners = np.full(count, CLOSED)
    partners[origins[there]] = there
    sure_before[origins[there]] = sure[there]
    return Links(partners, sure_before, sure)


class _Side(NamedTuple):
    """The bars at one of the two times, and how far they can get by the other."""

    ends: Float[np.ndarray, "bars 2"]
    if_kept: Float[np.ndarray, "bars 2"]
    """Ends at the other time if the bar keeps its edges."""
    birth_places: Int[np.ndarray, " bars"]
    """Of the birth edges, among all that may give birth, in order of length at this time."""
    births_reached: Int[np.ndarray, "2 bars"]
    """The first and the last place, at the other time, that the birth can get to."""
    deaths_reached: Float[np.ndarray, "2 bars"]
    """The shortest and the longest length, at the other time, that the death can get to."""
    may_vanish: Bool[np.ndarray, " bars"]
    """Whether birth and death can meet."""

    @property
    def length(self) -> Float[np.ndarray, " bars"]:
        return self.ends[:, 1] - self.ends[:, 0]


class _Options(NamedTuple):
    """What can become of each bar; narrowed in place."""

    pairs: Bool[np.ndarray, "before after"]
    closing: Bool[np.ndarray, " before"]
    opening: Bool[np.ndarray, " after"]

    def reverse(self) -> "_Options":
        """The same backwards; it shares its memory with this one."""
        return _Options(self.pairs.T, self.opening, self.closing)

    def settled_bars(self) -> Bool[np.ndarray, " before"]:
        """Bars before with one option left, which no other bar can take from them."""
        one = self.pairs.sum(axis=1) + self.closing == 1
        after_one = self.pairs.sum(axis=0) + self.opening == 1
        return one & (self.closing | (self.pairs & after_one).any(axis=1))


class Possibilities:
    """What can become of each bar between two times of a homotopy.

    A bar is born by an edge at any time, and dies by one, and its ends move without a jump. So an end passes from one
    edge to another only when the two are equally long, and how far it can get is read off the order of the edges at
    both times. Edges that give birth are few, so births are told apart well; deaths may move along any edge. What is
    left over is an option. A link is sure if every choice that gives each bar an option of its own has it.

    Args:
        homotopy: Where the bars live.
        times: Two of its times, in order.
        bars: The bars at the two times.
        edges: All that may give birth within the stretch, see `Homotopy.may_give_birth`.

    Source:
        Cohen-Steiner, Edelsbrunner and Morozov 2006, Vines and vineyards by updating persistence in linear time, whose
        transpositions are the meetings of two edges.
    """

    def __init__(
        self,
        homotopy: Homotopy,
        times: tuple[float, float],
        bars: tuple[Bars, Bars],
        edges: Int[np.ndarray, " candidates"],
    ) -> None:
        start, end = (homotopy.lengths(time) for time in times)
        self._before, self._after = _side(bars[0], edges, start, end), _side(bars[1], edges, end, start)
        births = _is_reached(self._after.birth_places, self._before.births_reached)
        deaths = _is_reached(self._after.ends[:, 1], self._before.deaths_reached)
        self._options = _Options(births & deaths, self._before.may_vanish, self._after.may_vanish)
        _settle(self._options)
        self._sure_before, self._sure_after = self._options.settled_bars(), self._options.reverse().settled_bars()

    def longest_doubt(self) -> float:
        """Length of the longest bar whose link is not sure; 0 if all are."""
        sides = (self._before, self._sure_before), (self._after, self._sure_after)
        return max(float(side.length[~sure].max(initial=0.0)) for side, sure in sides)

    def links(self) -> Links:
        """The sure ones, and for the other bars those of the options that ask for the least turns.

        A link costs how far the bars, were they to keep their edges, would miss each other at both times.
        """
        partners = np.full(len(self._sure_before), CLOSED)
        one, other = np.nonzero(self._options.pairs & self._sure_before[:, None])
        partners[one] = other
        rows, columns = np.flatnonzero(~self._sure_before), np.flatnonzero(~self._sure_after)
        if len(rows) and len(columns):
            saved = _link_savings(self._options, self._before, self._after, rows, columns)
            for row, column in zip(*linear_sum_assignment(saved), strict=True):
                if saved[row, column] < 0:
                    partners[rows[row]] = columns[column]
        return Links(partners, self._sure_before, self._sure_after)


def _side(
    bars: Bars,
    edges: Int[np.ndarray, " candidates"],
    here: Float[np.ndarray, " edges"],
    there: Float[np.ndarray, " edges"],
) -> _Side:
    places_here, places_there = _places(here[edges], there[edges]), _places(there[edges], here[edges])
    births = places_here[np.searchsorted(edges, bars.births)]
    births_reached = _reach(places_here, places_there, births, np.argsort(places_here))
    deaths_reached = _reach(here, there, bars.ends[:, 1], bars.order)
    # The latest way of a birth is convex in time and the earliest way of a death concave: that they meet is seen at
    # the end. Bars that are left out as rounding count as closed.
    latest_births = np.sort(there[edges])[births_reached[1]]
    may_vanish = latest_births >= deaths_reached[0] * (1 - ROUNDING)
    if_kept = there[np.stack([bars.births, bars.deaths], axis=1)]
    return _Side(bars.ends, if_kept, births, births_reached, deaths_reached, may_vanish)


def _places(lengths: Float[np.ndarray, " edges"], other: Float[np.ndarray, " edges"]) -> Int[np.ndarray, " edges"]:
    """Places in order of length, such that edges that are equally long at some time change their order.

    Those that are equal at both times keep it: they never meet.

    Args:
        lengths: At this time.
        other: At the other time.
    """
    places = np.empty(len(lengths), dtype=np.int64)
    places[np.lexsort((np.arange(len(lengths)), -other, lengths))] = np.arange(len(lengths))
    return places


def _reach(
    here: Num[np.ndarray, " edges"],
    there: Num[np.ndarray, " edges"],
    starts: Num[np.ndarray, " bars"],
    order: Int[np.ndarray, " edges"],
) -> Num[np.ndarray, "2 bars"]:
    """The least and the most that ways along straight lines come to, which may change to any line that they meet.

    The highest way goes along its own line up to that of all lines from below which ends highest, and on along it.

    Args:
        here: Where the lines are at this time.
        there: Where they are at the other time.
        starts: Where the ways are at this time, each on some line.
        order: The lines in order of `here`.
    """
    arriving, ordered = there[order], here[order]
    lowest = np.minimum.accumulate(arriving[::-1])[::-1]
    highest = np.maximum.accumulate(arriving)
    return np.stack(
        [lowest[np.searchsorted(ordered, starts)], highest[np.searchsorted(ordered, starts, side="right") - 1]]
    )


def _is_reached(
    ends: Num[np.ndarray, " after"], reached: Num[np.ndarray, "2 before"]
) -> Bool[np.ndarray, "before after"]:
    least, most = reached[:, :, None]
    return (least <= ends) & (ends <= most)


def _settle(options: _Options) -> None:
    """Take from all others what a bar must have because it has no other option, until nothing more follows."""
    left = -1
    while left != (left := int(options.pairs.sum() + options.closing.sum() + options.opening.sum())):
        for some in (options, options.reverse()):
            must = ~some.closing & (some.pairs.sum(axis=1) == 1)
            taken = some.pairs[must].any(axis=0)
            some.pairs[np.ix_(~must, taken)] = False
            some.opening[taken] = False


def _link_savings(
    options: _Options,
    before: _Side,
    after: _Side,
    rows: Int[np.ndarray, " rows"],
    columns: Int[np.ndarray, " columns"],
) -> Float[np.ndarray, "rows columns"]:
    """What linking two bars saves against closing the one and opening the other; 0 where they cannot be one."""
    missed = _pair_distances(before.if_kept[rows], after.ends[columns]) + _pair_distances(
        before.ends[rows], after.if_kept[columns]
    )
    far = 1e3 * max(side.ends.max(initial=0.0) for side in (before, after))
    closed, opened = (
        np.where(may[some], side.length[some], far)
        for may, side, some in ((options.closing, before, rows), (options.opening, after, columns))
    )
    return np.where(options.pairs[np.ix_(rows, columns)], np.minimum(missed - closed[:, None] - opened, 0), 0.0)


def _pair_distances(a: Float[np.ndarray, "a 2"], b: Float[np.ndarray, "b 2"]) -> Float[np.ndarray, "a b"]:
    births, deaths = (np.abs(np.subtract.outer(a[:, i], b[:, i])) for i in (0, 1))
    return np.maximum(births, deaths)
