"""Vines: compared with every edge crossing one by one, planted loops, bars that meet, and unsure links."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from ripser import ripser
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from topores.topology import Vine, bottleneck_distance, follow_bars, persistent_homology, sure_shares
from topores.topology.homotopy import Homotopy

from .shapes import polygon


def bars_of(matrix):
    return persistent_homology(matrix, metric="precomputed")[1]


def cloud(seed, count=14, columns=2):
    points = np.random.default_rng(seed).normal(size=(count, columns))
    return cdist(points, points)


def moving_cloud(states, count=26, columns=3):
    """Gaussian points that each move by a third of the cloud's width from state to state."""
    random = np.random.default_rng(0)
    walk = random.normal(size=(count, columns)) + 0.3 * random.normal(size=(states, count, columns)).cumsum(axis=0)
    return [cdist(points, points) for points in walk]


def random_matrices(seed, count, states=2):
    """Matrices that are not metrics, and so have more bars than a cloud."""
    found = np.triu(np.random.default_rng(seed).uniform(1, 3, (states, count, count)), k=1)
    return list(found + found.transpose(0, 2, 1))


def square(side, diagonal):
    """Four points on a cycle: one bar, from the side to the diagonal."""
    step = np.abs(np.subtract.outer(np.arange(4), np.arange(4))) % 4
    return np.array([0.0, side, diagonal, side])[step]


def far_apart(*blocks, gap=20.0):
    matrix = np.full((sum(map(len, blocks)),) * 2, gap)
    start = 0
    for block in blocks:
        matrix[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return matrix


def two_squares(*bars):
    return far_apart(*(square(*bar) for bar in bars))


def as_tuples(vines):
    """Vines as sorted tuples, with NaN as -1, so that equal vines compare equal."""
    return sorted((*np.nan_to_num([*v.births, *v.deaths], nan=-1.0).tolist(), *v.sure.tolist()) for v in vines)


def bars_at(vines, state):
    found = np.array([[v.births[state], v.deaths[state]] for v in vines if not np.isnan(v.births[state])])
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def slow_vines(start, end):
    """Which bar of `end` (None: none) each bar of `start` becomes, by visiting every crossing of two edges in turn.

    Between two crossings the order of the edges is constant, and each bar keeps its edges. At a crossing the bars of
    both sides lie at the same places, by which they are linked. Left out is what meets another bar there.
    """
    pairs = np.triu_indices(len(start), k=1)
    one, other = start[pairs], end[pairs]
    times = [0.0, 1.0]
    for i, j in combinations(range(len(one)), 2):
        before, after = one[i] - one[j], other[i] - other[j]
        if before * after < 0:
            times.append(before / (before - after))
    times = np.sort(times)

    def edges_at(time):
        order = np.argsort(one + time * (other - one))
        ranks = np.zeros_like(start)
        ranks[pairs] = np.argsort(order) + 1
        found = ripser(ranks + ranks.T, maxdim=1, distance_matrix=True)["dgms"][1].astype(int) - 1
        return [tuple(order[bar]) for bar in found]

    def ends(bar, time):
        return np.array([one[k] + time * (other[k] - one[k]) for k in bar])

    chambers = [edges_at((since + until) / 2) for since, until in pairwise(times)]
    now: dict = {bar: bar for bar in chambers[0]}
    lost = set()
    for time, before, after in zip(times[1:-1], chambers[:-1], chambers[1:], strict=True):

        def at_the_place_of(bar, bars, time=time):
            return [other for other in bars if np.abs(ends(other, time) - ends(bar, time)).max() < 1e-9]

        for first, bar in now.items():
            if bar is not None:
                near = at_the_place_of(bar, after)
                if len(near) > 1 or len(at_the_place_of(bar, before)) > 1:
                    lost.add(first)
                now[first] = near[0] if near else None
    return {
        tuple(ends(first, 0)): None if bar is None else tuple(ends(bar, 1))
        for first, bar in now.items()
        if first not in lost
    }


def test_every_sure_vine_is_the_one_that_every_crossing_leads_to():
    known, sure = 0, {4: 0, 8: 0, 500: 0}
    for seed in range(15):
        start, end = random_matrices(seed, 9)
        # Forwards for those that are there at the start, backwards for those that are there at the end.
        expected = slow_vines(start, end), slow_vines(end, start)
        known += sum(map(len, expected))
        for most in sure:
            for vine in follow_bars([start, end], most=most):
                ends = [None if np.isnan(b) else (b, d) for b, d in zip(vine.births, vine.deaths, strict=True)]
                for one, other, wanted in zip(ends, ends[::-1], expected, strict=True):
                    if one in wanted:
                        assert not vine.sure[0] or other == wanted[one]
                        sure[most] += bool(vine.sure[0])
    assert known > 60
    assert 0 < sure[4] < sure[8] < 0.9 * known < sure[500]


def greedy(first, last):
    """Greedy matching of nearest pairs."""
    apart = cdist(first, last, "chebyshev")
    found = {}
    for place in np.argsort(apart, axis=None):
        i, j = divmod(int(place), len(last))
        if i not in found and j not in found.values():
            found[i] = j
    return found


def test_bars_that_cross_are_followed_where_the_nearest_bars_are_the_wrong_ones():
    states = [two_squares((1.0, 2.0), (2.02, 3.3)), two_squares((2.0, 3.0), (1.02, 2.3))]
    first, last = (bars_of(state) for state in states)
    # Row 0 becomes row 1, for the two have changed places; the nearest bars say row 0, and so does the best matching.
    assert greedy(first, last) == {0: 0, 1: 1}
    assert linear_sum_assignment(cdist(first, last))[1].tolist() == [0, 1]
    followed = [(v.births.tolist(), v.deaths.tolist(), v.sure.tolist()) for v in follow_bars(states)]
    assert sorted(followed) == [([1.0, 2.0], [2.0, 3.0], [True]), ([2.02, 1.02], [3.3, 2.3], [True])]


@pytest.mark.parametrize("off", [0.0, 1e-9])
def test_two_bars_that_meet_are_not_sure(off):
    """At time 1/2 both squares have the bar (1.5, 2.5)."""
    states = [two_squares((1.0, 2.0), (2.0, 3.0 + off)), two_squares((2.0, 3.0), (1.0, 2.0 + off))]
    vines = follow_bars([states[0], states[0], states[1]])
    assert [v.sure.tolist() for v in vines] == [[True, False]] * 2
    assert sure_shares(vines).tolist() == [1.0, 0.0]


def test_where_bars_meet_each_is_taken_to_go_straight_on():
    """They meet at time 0.6, which no halving reaches."""
    states = [two_squares((1.0, 2.0), (2.2, 3.2)), two_squares((2.0, 3.0), (1.2, 2.2))]
    followed = sorted((v.births.tolist(), v.deaths.tolist(), v.sure.tolist()) for v in follow_bars(states))
    assert followed == [([1.0, 2.0], [2.0, 3.0], [False]), ([2.2, 1.2], [3.2, 2.2], [False])]


def test_bars_that_meet_at_a_state_are_not_sure_on_either_side():
    states = [two_squares(*bars) for bars in (((1.0, 2.0), (2.0, 3.0)), ((2.0, 3.0), (2.0, 3.0)))]
    assert [v.sure.tolist() for v in follow_bars([*states, states[0]])] == [[False, False]] * 2


def test_equal_bars_that_move_alike_are_sure():
    states = [two_squares(bar, bar) for bar in ((1.0, 2.0), (2.0, 3.5), (1.5, 1.75))]
    vines = follow_bars(states)
    assert [(v.births.tolist(), v.deaths.tolist(), v.sure.all()) for v in vines] == [
        ([1.0, 2.0, 1.5], [2.0, 3.5, 1.75], True)
    ] * 2


def planted(height, centre, turn, random):
    """A ring pressed flat at height 0, where it has no loop, beside two that stay; points and distances."""
    ring = polygon(30) * [1.0, height]
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    others = [0.9 * polygon(24) + [8, 0], 1.2 * polygon(24) + [0, 9]]
    points = np.vstack([ring @ spin + centre, *others])
    points += random.normal(size=points.shape) * 0.01
    return cdist(points, points)


def test_a_planted_loop_opens_moves_and_closes():
    random = np.random.default_rng(0)
    heights = [0, 0, 0.8, 1.0, 0.7, 0, 0]
    states = [planted(h, [0.5 * k, -0.4 * k], 0.3 * k, random) for k, h in enumerate(heights)]
    vines = follow_bars(states, least=0.05)
    long = [v for v in vines if np.nanmax(v.persistence) > 0.3]
    assert len(long) == 3
    assert sorted(v.peak for v in long if np.isnan(v.births).any()) == [3]
    assert sum(np.isfinite(v.births).all() for v in long) == 2
    ring = next(v for v in long if np.isnan(v.births).any())
    assert np.flatnonzero(np.isfinite(ring.births)).tolist() == [2, 3, 4]
    # Its bar at each of these states is that of the ring alone.
    for state in (2, 3, 4):
        alone = bars_of(states[state][:30, :30])
        longest = alone[np.argmax(alone[:, 1] - alone[:, 0])]
        assert (ring.births[state], ring.deaths[state]) == tuple(longest)
    assert all(v.sure.all() for v in long)


def test_states_that_do_not_change_give_straight_vines():
    for state in (cloud(0), far_apart(cdist(polygon(12), polygon(12)), cdist(polygon(9), polygon(9)), square(1, 2))):
        bars = bars_of(state)
        vines = follow_bars([state] * 4)
        assert len(vines) == len(bars) > 1
        assert all(v.sure.all() and np.ptp(v.births) == np.ptp(v.deaths) == 0 for v in vines)
        assert bars_at(vines, 2).tolist() == bars.tolist()


def test_scaled_states_give_scaled_vines():
    state = cloud(1)
    vines = follow_bars([state, 2 * state, 0.5 * state])
    assert len(vines) == len(bars_of(state))
    for vine in vines:
        assert vine.sure.all()
        assert vine.births.tolist() == (vine.births[0] * np.array([1, 2, 0.5])).tolist()


@pytest.mark.parametrize("most", [1, 500])
def test_the_bars_of_each_state_are_those_of_its_diagram(most):
    states = moving_cloud(4)
    vines = follow_bars(states, most=most)
    for place, state in enumerate(states):
        assert np.array_equal(bars_at(vines, place), bars_of(state))
    peaks = [vine.persistence[vine.peak] for vine in vines]
    assert peaks == sorted(peaks, reverse=True)


def test_renaming_the_points_changes_no_vine_and_going_back_turns_each_round():
    states = moving_cloud(3, count=20)
    order = np.random.default_rng(6).permutation(len(states[0]))
    vines = follow_bars(states)
    assert len(vines) > 5
    renamed = follow_bars([state[np.ix_(order, order)] for state in states])
    assert as_tuples(renamed) == as_tuples(vines)
    back = [Vine(v.births[::-1], v.deaths[::-1], v.sure[::-1]) for v in follow_bars(states[::-1])]
    assert as_tuples(back) == as_tuples(vines)


def test_a_small_change_moves_each_bar_a_little():
    """Cohen-Steiner, Edelsbrunner and Harer 2007: no end moves further than the distances."""
    random = np.random.default_rng(8)
    points = random.normal(size=(40, 3))
    states = [cdist(p, p) for p in (points, points + 0.01 * random.normal(size=points.shape))]
    moved = np.abs(states[0] - states[1]).max()
    assert bottleneck_distance(*map(bars_of, states)) <= moved
    for vine in follow_bars(states):
        there = ~np.isnan(vine.births)
        if there.all():
            assert max(abs(np.diff(vine.births)[0]), abs(np.diff(vine.deaths)[0])) <= moved
        else:
            assert np.nanmax(vine.persistence) <= 2 * moved


def test_what_few_diagrams_leave_open_is_said_and_what_is_sure_stays_so():
    states = moving_cloud(2)
    thorough, hasty = follow_bars(states), follow_bars(states, most=3)
    assert sure_shares(hasty)[0] < 0.7 < 0.9 < sure_shares(thorough)[0]
    surely = {vine[:-1] for vine in as_tuples(thorough) if vine[-1]}
    assert {vine[:-1] for vine in as_tuples(hasty) if vine[-1]} <= surely


def test_few_diagrams_are_spent_on_the_longest_bars():
    noise = moving_cloud(2)
    bars = ((1.0, 2.0), (2.02, 3.3)), ((2.0, 3.0), (1.02, 2.3))
    states = [far_apart(0.1 * some, two_squares(*pair)) for some, pair in zip(noise, bars, strict=True)]
    vines = follow_bars(states, most=20)
    assert [vine.sure[0] for vine in vines[:2]] == [True, True]
    assert sure_shares(vines[2:])[0] < 0.9


def test_shorter_bars_are_not_followed_for_their_own_sake(monkeypatch):
    noise = moving_cloud(2)
    states = [far_apart(0.1 * noise[0], square(1.0, 2.0)), far_apart(0.1 * noise[1], square(1.2, 2.5))]
    computed = []
    bars = Homotopy.bars
    monkeypatch.setattr(Homotopy, "bars", lambda self, time: computed.append(time) or bars(self, time))
    follow_bars(states)
    for_all = len(computed)
    vines = follow_bars(states, least=0.5)
    assert len(computed) - for_all == 2 < for_all
    assert sure_shares(vines, least=0.5).tolist() == [1.0]
    assert (vines[0].births.tolist(), vines[0].deaths.tolist()) == ([1.0, 1.2], [2.0, 2.5])


def test_share_of_sure_bars_by_hand():
    long = Vine(np.array([1.0, 1.0, np.nan]), np.array([2.0, 2.0, np.nan]), np.array([True, False]))
    short = Vine(np.array([1.0, np.nan, np.nan]), np.array([1.5, np.nan, np.nan]), np.array([False, True]))
    assert sure_shares([long, short]).tolist() == [0.5, 0.0]
    assert sure_shares([long, short], least=1.0).tolist() == [1.0, 0.0]
    assert np.isnan(sure_shares([short])[1])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_points_and_one_state_have_no_steps_to_follow(count):
    assert follow_bars([np.ones((count, count)) - np.eye(count)] * 2) == []
    vines = follow_bars([square(1, 2)])
    assert [(v.births.tolist(), v.deaths.tolist(), v.sure.tolist(), v.peak) for v in vines] == [([1], [2], [], 0)]


@pytest.mark.parametrize(
    ("matrices", "options", "said"),
    [
        ([], {}, "matrices is empty"),
        ([square(1, 2), np.zeros((3, 3))], {}, r"matrices\[1\] has 3 points and matrices\[0\] has 4"),
        ([square(1, 2), np.ones((4, 3))], {}, r"matrices\[1\] has shape \(4, 3\)"),
        ([np.ones((4, 4))], {}, r"matrices\[0\] has 1 on its diagonal"),
        ([square(1, 2)], {"least": -1}, "least is -1; expected a length of 0 or more"),
        ([square(1, 2)], {"least": np.nan}, "least is nan"),
        ([square(1, 2)], {"most": 0}, "most is 0; expected 1 or more"),
    ],
)
def test_what_cannot_be_followed_is_named(matrices, options, said):
    with pytest.raises(ValueError, match=said):
        follow_bars(matrices, **options)


def test_no_vines_have_no_share():
    with pytest.raises(ValueError, match="vines is empty"):
        sure_shares([])
