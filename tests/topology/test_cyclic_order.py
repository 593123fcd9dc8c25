"""The test of a cyclic order: by hand, its level, and lines that are no rings."""

import numpy as np
import pytest

from topores.topology import cyclic_order, pairwise_distances


def ring(points: int, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    turn = 2 * np.pi * np.arange(points) / points
    return np.column_stack([np.cos(turn), np.sin(turn)]) + noise * np.random.default_rng(seed).normal(size=(points, 2))


def test_a_square_with_a_centre_by_hand() -> None:
    """Of the 12 orders of five points, those that go around the square and visit its centre on the way are shortest."""
    rows = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [0, 0]])
    found = cyclic_order(rows, metric="euclidean")
    assert (found.orders, found.exact) == (12, True)
    assert found.step == pytest.approx((3 * 2 + 2 * 2**0.5) / 5)
    assert found.expected == pytest.approx((4 * 2 + 2 * 8**0.5 + 4 * 2**0.5) / 10)
    assert found.closing == pytest.approx(2**0.5)
    assert found.p == pytest.approx(4 / 12)


def test_seven_places_around_a_ring_reach_the_smallest_p_there_is() -> None:
    found = cyclic_order(ring(7), metric="euclidean")
    assert found.p == pytest.approx(1 / 360)
    assert found.closed
    assert cyclic_order(pairwise_distances(ring(7), metric="euclidean"), metric="precomputed") == found


def test_start_and_direction_do_not_matter() -> None:
    rows = ring(8, 0.3)
    turned = [cyclic_order(some, metric="euclidean") for some in (rows, np.roll(rows, 3, axis=0), rows[::-1])]
    assert turned[0].p == turned[1].p == turned[2].p
    assert turned[0].step == pytest.approx(turned[1].step)


def test_a_line_is_in_order_but_not_closed() -> None:
    found = cyclic_order(np.column_stack([np.arange(12.0), np.zeros(12)]), metric="euclidean")
    assert found.p < 0.01
    assert not found.closed


def test_random_orders_are_significant_as_often_as_they_may_be() -> None:
    p = [cyclic_order(np.random.default_rng(seed).normal(size=(6, 5)), metric="euclidean").p for seed in range(400)]
    # Three standard deviations above .05.
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


def test_the_given_order_counts_among_drawn_ones() -> None:
    found = cyclic_order(ring(20), metric="euclidean", permutations=99)
    assert (found.p, found.orders, found.exact) == (0.01, 100, False)


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(ValueError, match="points has 4 rows; expected at least 5"):
        cyclic_order(ring(4))
    with pytest.raises(ValueError, match="permutations is 5"):
        cyclic_order(ring(9), permutations=5)
    with pytest.raises(ValueError, match="NaN"):
        cyclic_order(np.full((6, 2), np.nan))
