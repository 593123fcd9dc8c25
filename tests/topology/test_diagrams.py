"""Distances between diagrams: documented numbers, slow references, the axioms of a metric."""

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from topores.topology import bottleneck_distance, persistent_homology, wasserstein_distance

FIRST = [[2.7, 3.7], [9.6, 14.0], [34.2, 34.974]]
SECOND = [[2.8, 4.45], [9.5, 14.1]]


def test_bottleneck_of_the_gudhi_manual():
    """https://gudhi.inria.fr/python/latest/bottleneck_distance_user.html: 0.75 and 6.5."""
    essential = [*FIRST, [3.0, np.inf]], [*SECOND, [3.2, np.inf]]
    assert bottleneck_distance(*essential) == pytest.approx(0.75, abs=1e-15)
    assert bottleneck_distance([[0, 0]], [[0, 13]]) == 6.5


def test_wasserstein_of_the_gudhi_manual():
    """https://gudhi.inria.fr/python/latest/wasserstein_distance_user.html: 1.45, by hand three moves."""
    moves = np.hypot(0.1, 0.75), np.hypot(0.1, 0.1), 0.774 / np.sqrt(2)
    assert wasserstein_distance(FIRST, SECOND) == pytest.approx(1.4453593, abs=1e-7)
    assert wasserstein_distance(FIRST, SECOND) == pytest.approx(sum(moves), rel=1e-12)
    assert wasserstein_distance(FIRST, SECOND, order=2) == pytest.approx(np.linalg.norm(moves), rel=1e-12)


def table(a, b, norm):
    """Costs of an ordinary assignment: each bar has its own copy of the diagonal."""
    a, b = np.reshape(a, (-1, 2)), np.reshape(b, (-1, 2))
    away_a, away_b = ((d[:, 1] - d[:, 0]) / 2 * 2 ** (1 / norm) for d in (a, b))
    costs = np.zeros((len(a) + len(b),) * 2)
    costs[: len(a), : len(b)] = np.linalg.norm(a[:, None] - b, ord=norm, axis=2)
    costs[: len(a), len(b) :] = away_a[:, None]
    costs[len(a) :, : len(b)] = away_b
    return costs


def slow_bottleneck(a, b):
    costs = table(a, b, np.inf)
    for move in np.unique(costs):
        too_far = (costs > move).astype(float)
        if too_far[linear_sum_assignment(too_far)].sum() == 0:
            return move
    return 0.0


def random_diagram(random, bars, one_birth):
    births = np.zeros(bars) if one_birth else random.uniform(0, 1, bars)
    return np.column_stack([births, births + random.exponential(0.3, bars)])


def test_two_bars_want_the_one_partner():
    two, one = [[0.0, 10.0], [0.1, 10.0]], [[0.0, 10.0]]
    assert bottleneck_distance(two, one) == bottleneck_distance(one, two) == pytest.approx(4.95, rel=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_bottleneck_of_crowded_diagrams(seed):
    random = np.random.default_rng(seed)
    a, b = (np.column_stack([random.uniform(0, 0.2, n), random.uniform(1, 1.2, n)]) for n in random.integers(10, 25, 2))
    a = np.vstack([a, [[0.5, 0.7]]])
    assert bottleneck_distance(a, b) == pytest.approx(slow_bottleneck(a, b), rel=1e-14)


@pytest.mark.parametrize("one_birth", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_against_an_assignment_with_all_copies_of_the_diagonal(seed, one_birth):
    random = np.random.default_rng(seed)
    a, b = (random_diagram(random, random.integers(0, 12), one_birth) for _ in range(2))
    assert bottleneck_distance(a, b) == pytest.approx(slow_bottleneck(a, b), rel=1e-14)
    for order, norm in ((1, 2), (2, 2), (1, np.inf), (2, np.inf), (3, 1), (1.5, 3)):
        costs = table(a, b, norm) ** order
        expected = costs[linear_sum_assignment(costs)].sum() ** (1 / order)
        assert wasserstein_distance(a, b, order=order, internal_p=norm) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("one_birth", [False, True])
def test_against_optimal_transport_at_300_bars(one_birth):
    random = np.random.default_rng(0)
    a, b = random_diagram(random, 300, one_birth), random_diagram(random, 250, one_birth)
    costs = table(a, b, 2)
    expected = ot.emd2(np.ones(550), np.ones(550), costs)
    assert wasserstein_distance(a, b) == pytest.approx(expected, rel=1e-10)
    assert bottleneck_distance(a, b) == pytest.approx(
        wasserstein_distance(a, b, order=400, internal_p=np.inf), rel=0.02
    )


def test_essential_bars_are_matched_in_order_of_birth():
    a, b = [[0, np.inf], [5, np.inf]], [[6, np.inf], [0.5, np.inf]]
    assert bottleneck_distance(a, b) == 1
    assert wasserstein_distance(a, b) == 1.5
    assert wasserstein_distance(a, b, order=2) == pytest.approx(np.hypot(0.5, 1))
    assert bottleneck_distance(a, b[:1]) == wasserstein_distance(a, b[:1]) == np.inf


def test_diagrams_without_bars():
    assert bottleneck_distance([], []) == wasserstein_distance([], np.empty((0, 2))) == 0
    assert bottleneck_distance([], [[1, 4], [1, 2]]) == 1.5
    assert wasserstein_distance([[1, 4], [1, 2]], []) == pytest.approx(4 / np.sqrt(2))
    assert bottleneck_distance([[1, 1]], [[2, 2]]) == 0


def test_equal_diagrams_are_0_apart_exactly_and_order_of_rows_is_nothing():
    for diagram in persistent_homology(np.random.default_rng(1).normal(size=(60, 3))):
        shuffled = np.random.default_rng(2).permutation(diagram)
        assert bottleneck_distance(diagram, shuffled) == wasserstein_distance(diagram, shuffled) == 0


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e12, 1e150])
def test_any_scale(scale):
    assert bottleneck_distance(np.multiply(FIRST, scale), np.multiply(SECOND, scale)) / scale == pytest.approx(0.75)
    for order in (1, 2, 10):
        scaled = wasserstein_distance(np.multiply(FIRST, scale), np.multiply(SECOND, scale), order=order)
        assert scaled / scale == pytest.approx(wasserstein_distance(FIRST, SECOND, order=order), rel=1e-12)


bars = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=8)


@settings(max_examples=60, deadline=None)
@given(bars, bars, bars)
def test_axioms_of_a_metric(a, b, c):
    for distance in (bottleneck_distance, wasserstein_distance):
        assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-12)
        assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9
        assert distance(a, a) == 0


@pytest.mark.parametrize("distance", [bottleneck_distance, wasserstein_distance])
@pytest.mark.parametrize(
    ("diagram", "said"),
    [
        ([[2.0, 1.0]], r"a has the bar \(2, 1\) in row 0"),
        ([[0.0, 1.0], [0.0, np.nan]], r"a has the bar \(0, nan\) in row 1"),
        ([[-np.inf, 1.0]], r"a has the bar \(-inf, 1\)"),
        ([[1.0, 2.0, 3.0]], r"a has shape \(1, 3\); expected \(bars, 2\)"),
        ([1.0, 2.0], r"a has shape \(2,\)"),
    ],
)
def test_invalid_diagrams_are_refused(distance, diagram, said):
    with pytest.raises(ValueError, match=said):
        distance(diagram, [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": 0.5}, "order is 0.5; expected 1 or more"),
        ({"order": np.inf}, "order is inf; .* Use bottleneck_distance"),
        ({"internal_p": 0}, "internal_p is 0; expected 1 or more"),
        ({"internal_p": np.nan}, "internal_p is nan"),
    ],
)
def test_unusable_powers_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        wasserstein_distance([], [], **options)
