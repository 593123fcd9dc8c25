"""Which bars at one time of a homotopy can be which at a later time, and which of them must be."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from topores.topology.homology import ROUNDING
from topores.topology.homotopy import Bars, Homotopy

FEW_BARS = 10
"""How many undecided bars are looked at one by one, the longest first; for more, shorter stretches are cheaper."""

ROUNDS = 3
"""How often the reach of a death is narrowed by the edges that lie within it."""

CLOSED = -1
"""In place of a partner: the bar has closed."""


class Links(NamedTuple):
    """What becomes of the bars between two times."""

    partners: Int[np.ndarray, " before"]
    """The bar after for each bar before, or `CLOSED`."""
    sure_before: Bool[np.ndarray, " before"]
    """Bars before of which nothing else can become."""
    sure_after: Bool[np.ndarray, " after"]
    """Bars after that can have come from nothing else."""


class _Side(NamedTuple):
    """The bars at one of the two times, and how far their ends can get by the other."""

    ends: Float[np.ndarray, "bars 2"]
    if_kept: Float[np.ndarray, "bars 2"]
    """Ends at the other time if the bar keeps its edges."""
    blocks: Int[np.ndarray, " bars"]
    """Of the birth edges."""
    tops: Float[np.ndarray, "bars 2"]
    """The longest birth edge of the block, at this time and at the other."""
    here: Float[np.ndarray, " edges"]
    """Lengths of all edges at this time."""
    there: Float[np.ndarray, " edges"]
    """And at the other."""
    slack: float
    """Room for rounding."""

    @property
    def length(self) -> Float[np.ndarray, " bars"]:
        return self.ends[:, 1] - self.ends[:, 0]


class _Options(NamedTuple):
    """What can become of each bar; narrowed in place."""

    pairs: Bool[np.ndarray, "before after"]
    closing: Bool[np.ndarray, " before"]
    opening: Bool[np.ndarray, " after"]

    def turned(self) -> "_Options":
        """The same backwards; it shares its memory with this one."""
        return _Options(self.pairs.T, self.opening, self.closing)

    def settled(self) -> Bool[np.ndarray, " before"]:
        """Bars before with one option left, which no other bar can take from them."""
        one = self.pairs.sum(axis=1) + self.closing == 1
        after_one = self.pairs.sum(axis=0) + self.opening == 1
        return one & (self.closing | (self.pairs & after_one).any(axis=1))


class Possibilities:
    """What can become of each bar between two times of a homotopy.

    A bar is born by an edge at any time, and dies by one, and its ends move without a jump. So an end passes from one
    edge to another only when the two are equally long. Edges that give birth are few: those sorted by length fall
    into blocks, and no edge of one block meets an edge of another within the stretch, so no birth leaves its block.
    A death moves no faster than the fastest edges in its reach do. What is left over is an option. A link is sure if
    every choice of options that gives each bar one of its own has it.

    Args:
        homotopy: Where the bars live.
        times: Two of its times, in order.
        bars: The bars at the two times.
        edges: All that may give birth within the stretch, see `Homotopy.may_give_birth`.
        least: Bars shorter than this at a time are not looked at more closely for their own sake.

    Source:
        Cohen-Steiner, Edelsbrunner and Morozov 2006, Vines and vineyards by updating persistence in linear time;
        Cohen-Steiner, Edelsbrunner and Harer 2007, Stability of persistence diagrams.
    """

    def __init__(
        self,
        homotopy: Homotopy,
        times: tuple[float, float],
        bars: tuple[Bars, Bars],
        edges: Int[np.ndarray, " candidates"],
        least: float,
    ) -> None:
        self._before, self._after = _sides(homotopy, times, bars, edges)
        self._options = _widest(self._before, self._after)
        self._least = least
        _settle(self._options)
        for (options, side, other), some in zip(self._both_ways(), self._doubts(), strict=True):
            _narrow(options, side, other, some[np.argsort(-side.length[some], kind="stable")[:FEW_BARS]])
        _settle(self._options)

    def longest_doubt(self) -> float:
        """Length of the longest bar whose link is not sure; -1 if all are that are not shorter than `least`."""
        sides = zip((self._before, self._after), self._doubts(), strict=True)
        return max(float(side.length[some].max(initial=-1.0)) for side, some in sides)

    def links(self) -> Links:
        """The sure ones, and for the other bars those of the options that ask for the least turns.

        A link costs how far the bars, were they to keep their edges, would miss each other at both times.
        """
        sure_before, sure_after = (options.settled() for options, _, _ in self._both_ways())
        options = self._options
        partners = np.full(len(sure_before), CLOSED)
        one, other = np.nonzero(options.pairs & sure_before[:, None])
        partners[one] = other
        rows, columns = np.flatnonzero(~sure_before), np.flatnonzero(~sure_after)
        if len(rows) and len(columns):
            saved = _saved(options, self._before, self._after, rows, columns)
            for row, column in zip(*linear_sum_assignment(saved), strict=True):
                if saved[row, column] < 0:
                    partners[rows[row]] = columns[column]
        return Links(partners, sure_before, sure_after)

    def _both_ways(self) -> tuple[tuple[_Options, _Side, _Side], tuple[_Options, _Side, _Side]]:
        return (self._options, self._before, self._after), (self._options.turned(), self._after, self._before)

    def _doubts(self) -> list[Int[np.ndarray, " some"]]:
        """The bars before, and those after, that are long enough and not sure."""
        return [
            np.flatnonzero((side.length >= self._least) & ~options.settled()) for options, side, _ in self._both_ways()
        ]


def _sides(
    homotopy: Homotopy, times: tuple[float, float], bars: tuple[Bars, Bars], edges: Int[np.ndarray, " candidates"]
) -> tuple[_Side, _Side]:
    lengths = tuple(homotopy.lengths(time) for time in times)
    block = np.full(len(lengths[0]), -1)
    block[edges] = _blocks(*(some[edges] for some in lengths))
    tops = np.zeros((block.max(initial=0) + 1, 2))
    for column, some in enumerate(lengths):
        np.maximum.at(tops[:, column], block[edges], some[edges])
    # As long as the longest bars that are left out as rounding, so that such a bar counts as closed.
    slack = ROUNDING * max(some.max(initial=0.0) for some in lengths)

    def side(now: Bars, here: int) -> _Side:
        kept = lengths[1 - here][np.stack([now.births, now.deaths], axis=1)]
        blocks = block[now.births]
        step = 1 if here == 0 else -1
        return _Side(now.ends, kept, blocks, tops[blocks][:, ::step], lengths[here], lengths[1 - here], slack)

    return side(bars[0], 0), side(bars[1], 1)


def _blocks(start: Float[np.ndarray, " edges"], end: Float[np.ndarray, " edges"]) -> Int[np.ndarray, " edges"]:
    """Numbers of the finest blocks such that no two edges of different blocks are equally long at any time.

    Edges that are equally long at both times do not meet: they keep their order all along.
    """
    places = np.arange(len(start))
    # Edges that are equal at one of the two times alone have met there, so that they count as crossing.
    order = np.lexsort((places, -end, start))
    place_after = np.empty(len(start), dtype=np.int64)
    place_after[np.lexsort((places, -start, end))] = places
    last_of_block = np.maximum.accumulate(place_after[order]) == places
    blocks = np.empty(len(start), dtype=np.int64)
    blocks[order] = np.cumsum(last_of_block) - last_of_block
    return blocks


def _widest(before: _Side, after: _Side) -> _Options:
    """What blocks and the fastest of all edges leave possible."""
    options = _Options(
        before.blocks[:, None] == after.blocks,
        np.ones(len(before.ends), dtype=bool),
        np.ones(len(after.ends), dtype=bool),
    )
    for some, side, other in ((options, before, after), (options.turned(), after, before)):
        moves = side.there - side.here
        deaths = side.ends[:, 1]
        _restrict(some, side, other, slice(None), deaths + moves.min(initial=0.0), deaths + moves.max(initial=0.0))
    return options


def _narrow(options: _Options, side: _Side, other: _Side, bars: Int[np.ndarray, " some"]) -> None:
    """Leave `bars` what the edges near their own deaths leave possible."""
    if len(bars):
        low, high = np.array([_reach(side.here, side.there, death) for death in side.ends[bars, 1]]).T
        _restrict(options, side, other, bars, low, high)


def _restrict(
    options: _Options,
    side: _Side,
    other: _Side,
    bars: Int[np.ndarray, " some"] | slice,
    low: Float[np.ndarray, " some"],
    high: Float[np.ndarray, " some"],
) -> None:
    """Leave `bars` the options whose death lies from `low` to `high` at the other time."""
    deaths = other.ends[:, 1]
    options.pairs[bars] &= (deaths >= low[:, None] - side.slack) & (deaths <= high[:, None] + side.slack)
    # The top of a block is convex in time and the lowest death is straight: they meet by an end or not at all.
    tops_here, tops_there = side.tops[bars].T
    options.closing[bars] &= (tops_here >= side.ends[bars, 1] - side.slack) | (tops_there >= low - side.slack)


def _reach(here: Float[np.ndarray, " edges"], there: Float[np.ndarray, " edges"], death: float) -> tuple[float, float]:
    """The lowest and the highest length at the other time that a way along edges leads to from `death` at this time.

    The way moves as fast as some edge that it is on. Edges that are above the highest way at both times, or below the
    lowest, are above or below it all along, so the way is never on them.
    """
    moves = there - here
    slowest, fastest = moves.min(), moves.max()
    near = np.abs(here - death) <= fastest - slowest
    here, there, moves = here[near], there[near], moves[near]
    for _ in range(ROUNDS):
        above = (here > death) & (there > death + fastest)
        below = (here < death) & (there < death + slowest)
        met = moves[~(above | below)]
        slowest, fastest = met.min(), met.max()
    return death + slowest, death + fastest


def _settle(options: _Options) -> None:
    """Take from all others what a bar must have because it has no other option, until nothing more follows."""
    left = -1
    while left != (left := int(options.pairs.sum() + options.closing.sum() + options.opening.sum())):
        for some in (options, options.turned()):
            must = ~some.closing & (some.pairs.sum(axis=1) == 1)
            taken = some.pairs[must].any(axis=0)
            some.pairs[np.ix_(~must, taken)] = False
            some.opening[taken] = False


def _saved(
    options: _Options,
    before: _Side,
    after: _Side,
    rows: Int[np.ndarray, " rows"],
    columns: Int[np.ndarray, " columns"],
) -> Float[np.ndarray, "rows columns"]:
    """What linking two bars saves against closing the one and opening the other; 0 where they cannot be one."""
    missed = _apart(before.if_kept[rows], after.ends[columns]) + _apart(before.ends[rows], after.if_kept[columns])
    far = 1e3 * max(before.here.max(), before.there.max())
    closed, opened = (
        np.where(may[some], side.length[some], far)
        for may, side, some in ((options.closing, before, rows), (options.opening, after, columns))
    )
    return np.where(options.pairs[np.ix_(rows, columns)], np.minimum(missed - closed[:, None] - opened, 0), 0.0)


def _apart(a: Float[np.ndarray, "a 2"], b: Float[np.ndarray, "b 2"]) -> Float[np.ndarray, "a b"]:
    births, deaths = (np.abs(np.subtract.outer(a[:, i], b[:, i])) for i in (0, 1))
    return np.maximum(births, deaths)
