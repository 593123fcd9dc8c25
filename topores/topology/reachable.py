"""Which bars at one time of a homotopy can, and which must, continue as which bars at a later time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.optimize import linear_sum_assignment

from topores.topology.homology import ROUNDING
from topores.topology.homotopy import Bars, Homotopy

CLOSED = -1
"""Partner of a bar that has closed."""

OPENED = -1
"""Origin of a bar that did not exist before."""


class Links(NamedTuple):
    """How the bars at one time continue at a later time."""

    partners: Int[np.ndarray, " before"]
    """For each earlier bar, the later bar it becomes, or `CLOSED`."""
    sure_before: Bool[np.ndarray, " before"]
    """Whether each earlier bar's link is proven to be the only possible one."""
    sure_after: Bool[np.ndarray, " after"]
    """Whether each later bar's origin is proven to be the only possible one."""


def join_links(parts: Sequence[Links]) -> Links:
    """Compose the links of consecutive stretches; a link is sure if it is sure in every stretch.

    Args:
        parts: At least one; the later bars of each are the earlier bars of the next.
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
    """The bars at one of the two times, and the range they can reach by the other time."""

    ends: Float[np.ndarray, "bars 2"]
    if_kept: Float[np.ndarray, "bars 2"]
    """Births and deaths at the other time if the bar keeps its edges."""
    birth_places: Int[np.ndarray, " bars"]
    """Rank of each birth edge at this time, among all edges that may give birth."""
    births_reached: Int[np.ndarray, "2 bars"]
    """Lowest and highest rank that the birth can reach at the other time."""
    deaths_reached: Float[np.ndarray, "2 bars"]
    """Smallest and largest length that the death can reach at the other time."""
    may_vanish: Bool[np.ndarray, " bars"]
    """Whether birth and death can meet, so that the bar vanishes."""

    @property
    def length(self) -> Float[np.ndarray, " bars"]:
        return self.ends[:, 1] - self.ends[:, 0]


class _Options(NamedTuple):
    """The possible continuations of each bar; narrowed in place."""

    pairs: Bool[np.ndarray, "before after"]
    closing: Bool[np.ndarray, " before"]
    opening: Bool[np.ndarray, " after"]

    def reverse(self) -> "_Options":
        """The options with earlier and later bars exchanged; shares memory with this object."""
        return _Options(self.pairs.T, self.opening, self.closing)

    def settled_bars(self) -> Bool[np.ndarray, " before"]:
        """Whether each earlier bar has exactly one option left, which no other bar has."""
        one = self.pairs.sum(axis=1) + self.closing == 1
        after_one = self.pairs.sum(axis=0) + self.opening == 1
        return one & (self.closing | (self.pairs & after_one).any(axis=1))


class Possibilities:
    """The possible continuations of each bar between two times of a homotopy.

    At any time a bar's birth and death are the lengths of two edges, and both move continuously. So birth or death can
    pass from one edge to another only when the two are equally long, and the range they can reach follows from the
    order of the edges at both times. Few edges can give birth, which separates births well; deaths may move along any
    edge. Whatever is not excluded is an option. A link is sure if it is part of every assignment that gives each bar
    an option of its own.

    Args:
        homotopy: The homotopy.
        times: Two times, in order.
        bars: The bars at the two times.
        edges: All edges that may give birth between the times, see `Homotopy.may_give_birth`.

    Source:
        Cohen-Steiner, Edelsbrunner and Morozov 2006, Vines and vineyards by updating persistence in linear time; its
        transpositions are the times at which two edges have equal length.
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
        """Length of the longest bar whose link is not sure; 0 if all links are sure."""
        sides = (self._before, self._sure_before), (self._after, self._sure_after)
        return max(float(side.length[~sure].max(initial=0.0)) for side, sure in sides)

    def links(self) -> Links:
        """Sure links, and for the other bars the cheapest assignment of the remaining options.

        The cost of a link is how far the two bars would miss each other, at both times, if they kept their edges.
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
    # The latest possible birth is convex in time and the earliest possible death concave, so it is enough to check at
    # the end whether they meet. Bars dropped as rounding errors count as closed.
    latest_births = np.sort(there[edges])[births_reached[1]]
    may_vanish = latest_births >= deaths_reached[0] * (1 - ROUNDING)
    if_kept = there[np.stack([bars.births, bars.deaths], axis=1)]
    return _Side(bars.ends, if_kept, births, births_reached, deaths_reached, may_vanish)


def _places(lengths: Float[np.ndarray, " edges"], other: Float[np.ndarray, " edges"]) -> Int[np.ndarray, " edges"]:
    """Ranks of the edges by length, with ties at this time ordered so that tied edges change order by the other time.

    Edges with equal lengths at both times keep their order: they never cross.

    Args:
        lengths: Lengths at this time.
        other: Lengths at the other time.
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
    """The lowest and highest end of paths along straight lines that may switch to any line they meet.

    The highest path follows its own line until it meets the highest-ending line that started below, then follows that.

    Args:
        here: Value of each line at this time.
        there: Value of each line at the other time.
        starts: Value of each path at this time; each path starts on some line.
        order: The lines sorted by `here`.
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
    """Remove options that another bar must have because it has no other, until nothing more follows."""
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
    """Cost saved by linking two bars instead of closing one and opening the other; 0 where a link is impossible."""
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
