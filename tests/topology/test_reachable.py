"""What bars can become: blocks, reach and choices, each against all possibilities."""

from itertools import product

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from topores.topology.reachable import CLOSED, _blocks, _Options, _reach, _settle


@pytest.mark.parametrize("seed", range(40))
def test_blocks_are_what_edges_that_meet_join(seed):
    random = np.random.default_rng(seed)
    # A few whole numbers: edges that are equal at one time, at the other, at both.
    start, end = random.integers(0, random.integers(2, 40), (2, 25)).astype(float)
    start.sort()
    end = start + random.integers(-1, 2, 25) if seed % 2 else end
    before, after = (np.subtract.outer(lengths, lengths) for lengths in (start, end))
    meet = (before * after <= 0) & ((before != 0) | (after != 0))
    joined = connected_components(meet)[1]
    blocks = _blocks(start, end)
    assert np.array_equal(np.equal.outer(blocks, blocks), np.equal.outer(joined, joined))


def furthest(here, there, edge):
    """The highest length that a way from `edge` leads to, by changing to each faster edge that it meets."""
    time = 0.0
    while True:
        moves = there - here
        gaps = here - here[edge]
        with np.errstate(divide="ignore", invalid="ignore"):
            meetings = np.where(moves > moves[edge], gaps / (moves[edge] - moves), np.inf)
        meetings[(meetings < time - 1e-12) | (meetings > 1)] = np.inf
        if not np.isfinite(meetings).any():
            return there[edge]
        time = meetings.min()
        at_once = np.flatnonzero(meetings <= time + 1e-12)
        edge = at_once[moves[at_once].argmax()]


@pytest.mark.parametrize("seed", range(20))
def test_no_way_along_edges_leads_out_of_reach_and_reach_is_shorter_than_the_fastest_edge(seed):
    random = np.random.default_rng(seed)
    here = random.random(300)
    there = here + 0.05 * random.normal(size=300)
    narrower = 0
    for edge in range(0, 300, 10):
        low, high = _reach(here, there, float(here[edge]))
        assert low - 1e-12 <= -furthest(-here, -there, edge) <= there[edge] + 1e-12
        assert there[edge] - 1e-12 <= furthest(here, there, edge) <= high + 1e-12
        narrower += high - low < np.ptp(there - here)
    assert narrower > 15


def choices(options):
    """All ways to give each bar an option of its own."""
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
    for row in np.flatnonzero(options.settled()) if len(all_choices) else ():
        assert len(np.unique(all_choices[:, row])) == 1
    for column in np.flatnonzero(options.turned().settled()) if len(all_choices) else ():
        assert len(np.unique((all_choices == column).argmax(axis=1) + (all_choices == column).any(axis=1))) == 1


def test_what_one_bar_must_have_is_taken_from_the_next_and_so_on():
    count = 6
    chain = np.eye(count, dtype=bool) | np.eye(count, k=-1, dtype=bool)
    options = _Options(chain, np.arange(count) > 0, np.zeros(count, dtype=bool))
    _settle(options)
    assert options.settled().all()
    assert np.array_equal(options.pairs, np.eye(count, dtype=bool))
