"""Continuations of bars: ranks, ranges and assignments, each compared with exhaustive search."""

from itertools import product

import numpy as np
import pytest

from topores.topology.reachable import CLOSED, Links, _Options, _places, _reach, _settle, join_links


@pytest.mark.parametrize("seed", range(20))
def test_places_change_their_order_where_edges_meet_and_nowhere_else(seed):
    random = np.random.default_rng(seed)
    # A few whole numbers: edges that are equal at one time, at the other, at both.
    start, end = random.integers(0, 6, (2, 30)).astype(float)
    before, after = (np.subtract.outer(lengths, lengths) for lengths in (start, end))
    meet = (before * after <= 0) & ((before != 0) | (after != 0))
    first, last = _places(start, end), _places(end, start)
    assert sorted(first) == sorted(last) == list(range(30))
    assert (np.diff(start[first.argsort()]) >= 0).all()
    assert (np.diff(end[last.argsort()]) >= 0).all()
    assert np.array_equal(np.subtract.outer(first, first) * np.subtract.outer(last, last) < 0, meet)


def highest_way(here, there, line):
    """End of the path from `line` that switches to the steepest line at every crossing."""
    time = 0.0
    while True:
        slopes = there - here
        with np.errstate(divide="ignore", invalid="ignore"):
            meetings = np.where(slopes > slopes[line], (here - here[line]) / (slopes[line] - slopes), np.inf)
        meetings[(meetings < time - 1e-12) | (meetings > 1)] = np.inf
        if not np.isfinite(meetings).any():
            return there[line]
        time = meetings.min()
        met = np.flatnonzero(meetings <= time + 1e-12)
        line = met[slopes[met].argmax()]


@pytest.mark.parametrize("seed", range(20))
def test_reach_is_where_the_highest_and_the_lowest_way_end(seed):
    random = np.random.default_rng(seed)
    here = random.random(80)
    there = here + 0.05 * random.normal(size=80)
    reach = _reach(here, there, here, here.argsort())
    assert reach[1].tolist() == [highest_way(here, there, line) for line in range(80)]
    assert reach[0].tolist() == [-highest_way(-here, -there, line) for line in range(80)]
    assert (reach[0] < reach[1]).mean() > 0.5


def test_reach_by_hand():
    """The first line is met by the second, which is met by none at the start; the third runs apart."""
    here, there = np.array([1.0, 0.0, 5.0]), np.array([2.0, 3.0, 5.5])
    reach = _reach(here, there, here, np.array([1, 0, 2]))
    assert reach.tolist() == [[2.0, 2.0, 5.5], [3.0, 3.0, 5.5]]


def choices(options):
    """All assignments that give each bar an option of its own."""
    pairs, closing, opening = options
    each = [[*np.flatnonzero(row), *[CLOSED] * int(may)] for row, may in zip(pairs, closing, strict=True)]
    for partners in product(*each):
        used = [partner for partner in partners if partner != CLOSED]
        alone = [column for column in range(len(opening)) if column not in used]
        if len(set(used)) == len(used) and opening[alone].all():
            yield partners


@pytest.mark.parametrize("seed", range(60))
def test_what_is_settled_is_so_in_every_choice(seed):
    random = np.random.default_rng(seed)
    before, after = random.integers(1, 6, 2)
    options = _Options(random.random((before, after)) < 0.4, random.random(before) < 0.3, random.random(after) < 0.3)
    all_choices = np.array(list(choices(options)))
    _settle(options)
    # A choice that was there is still there, and what is settled is the same in all of them.
    assert len(list(choices(options))) == len(all_choices)
    for row in np.flatnonzero(options.settled_bars()) if len(all_choices) else ():
        assert len(np.unique(all_choices[:, row])) == 1
    for column in np.flatnonzero(options.reverse().settled_bars()) if len(all_choices) else ():
        assert len(np.unique((all_choices == column).argmax(axis=1) + (all_choices == column).any(axis=1))) == 1


def test_what_one_bar_must_have_is_taken_from_the_next_and_so_on():
    count = 6
    chain = np.eye(count, dtype=bool) | np.eye(count, k=-1, dtype=bool)
    options = _Options(chain, np.arange(count) > 0, np.zeros(count, dtype=bool))
    _settle(options)
    assert options.settled_bars().all()
    assert np.array_equal(options.pairs, np.eye(count, dtype=bool))


def test_two_bars_with_one_option_between_them_are_not_settled():
    options = _Options(np.ones((2, 1), dtype=bool), np.zeros(2, dtype=bool), np.zeros(1, dtype=bool))
    _settle(options)
    assert not options.settled_bars().any()
    assert not options.reverse().settled_bars().any()


def links(partners, sure_before, sure_after):
    return Links(np.array(partners), np.array(sure_before, dtype=bool), np.array(sure_after, dtype=bool))


def test_links_are_joined_and_a_doubt_anywhere_stays():
    """Bars 0 and 1 change places, 2 closes later; 1 is unsure at first, and so is the bar that opened in between."""
    first = links([1, 0, 3], [1, 0, 1], [0, 1, 0, 1])
    second = links([1, 0, 2, CLOSED], [1, 1, 1, 1], [1, 1, 1])
    found = join_links([first, second])
    assert [part.tolist() for part in found] == [[0, 1, CLOSED], [True, False, True], [True, False, False]]
    later = join_links([first, links([1, 0, CLOSED, CLOSED], [1, 1, 0, 0], [0, 1])])
    assert [part.tolist() for part in later] == [[0, 1, CLOSED], [False, False, False], [False, False]]
    assert [part.tolist() for part in join_links([first])] == [part.tolist() for part in first]
