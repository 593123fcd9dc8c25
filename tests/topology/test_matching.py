"""Matchings, compared with scipy and with exhaustive search."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from topores.topology.matching import cheapest_in_order, rows_can_be_matched


@pytest.mark.parametrize("seed", range(60))
def test_rows_can_be_matched_when_the_reference_matches_all(seed):
    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 40, 2)
    table = random.random((rows, columns)) < random.uniform(0.02, 0.4)
    matched = maximum_bipartite_matching(csr_array(table), perm_type="column")
    assert rows_can_be_matched(table) == bool((matched >= 0).all())


def test_a_chain_that_must_be_moved_as_a_whole():
    count = 200
    table = np.eye(count, dtype=bool) | np.eye(count, k=-1, dtype=bool)
    assert rows_can_be_matched(np.vstack([table[1:], table[:1]]))
    # Two rows that want the one column 0.
    assert not rows_can_be_matched(np.vstack([table, table[:1]]))


def test_no_rows_are_matched_and_no_columns_match_none():
    assert rows_can_be_matched(np.zeros((0, 5), dtype=bool))
    assert not rows_can_be_matched(np.zeros((1, 0), dtype=bool))


def by_recursion(pairs, rows, columns, combine):
    if not len(rows):
        return combine.reduce(columns, initial=0.0)
    if not len(columns):
        return combine.reduce(rows, initial=0.0)
    return min(
        combine(rows[0], by_recursion(pairs[1:], rows[1:], columns, combine)),
        combine(columns[0], by_recursion(pairs[:, 1:], rows, columns[1:], combine)),
        combine(pairs[0, 0], by_recursion(pairs[1:, 1:], rows[1:], columns[1:], combine)),
    )


@pytest.mark.parametrize("combine", [np.add, np.maximum])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5), (5, 2), (5, 5), (1, 6)])
def test_cheapest_in_order_against_all_possibilities(shape, combine):
    random = np.random.default_rng(sum(shape))
    for _ in range(5):
        pairs, rows, columns = random.random(shape), random.random(shape[0]), np.sort(random.random(shape[1]))
        expected = by_recursion(pairs, rows, columns, combine)
        assert cheapest_in_order(pairs, rows, columns, combine) == pytest.approx(expected, rel=1e-14)


def test_lists_that_are_equal_cost_nothing_at_all():
    lengths = np.sort(np.random.default_rng(0).random(50)) ** 20  # some are next to nothing
    pairs = np.abs(np.subtract.outer(lengths, lengths))
    assert [cheapest_in_order(pairs, lengths, lengths, combine) for combine in (np.add, np.maximum)] == [0, 0]
