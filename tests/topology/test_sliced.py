"""Sliced Wasserstein distances: a slow definition, the axioms of a metric, the paper's bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topores.topology import wasserstein_distance
from topores.topology.sliced import sliced_wasserstein_matrix


def slow(a, b, directions):
    """Definition 3.1 of Carriere, Cuturi and Oudot, for evenly spaced lines, with every diagonal point written out."""
    a, b = (np.reshape(x, (-1, 2)) for x in (a, b))
    total = 0.0
    for k in range(directions):
        turn = np.pi * (k + 0.5) / directions
        line = np.array([np.cos(turn), np.sin(turn)])
        one = sorted([p @ line for p in a] + [np.full(2, p.mean()) @ line for p in b])
        other = sorted([p @ line for p in b] + [np.full(2, p.mean()) @ line for p in a])
        total += sum(abs(x - y) for x, y in zip(one, other, strict=True))
    return total / directions


def random_diagram(seed, bars):
    return np.sort(np.random.default_rng(seed).uniform(size=(bars, 2)), axis=1)


@pytest.mark.parametrize("directions", [1, 7, 50])
def test_against_the_definition_written_out(directions):
    diagrams = [random_diagram(seed, bars) for seed, bars in enumerate([0, 1, 4, 4, 13])]
    expected = [[slow(a, b, directions) for b in diagrams] for a in diagrams]
    assert sliced_wasserstein_matrix(diagrams, directions=directions) == pytest.approx(np.array(expected), abs=1e-13)


def test_one_bar_against_none_by_hand():
    """A move of length m is seen as m times the mean of |cos|, 2 / pi."""
    value = sliced_wasserstein_matrix([[[0, 2]], []], directions=2000)[0, 1]
    assert value == pytest.approx(np.sqrt(2) * 2 / np.pi, rel=1e-6)


def test_fifty_directions_are_near_the_limit():
    diagrams = [random_diagram(seed, bars) for seed, bars in enumerate([5, 20, 20, 60, 300])]
    limit = sliced_wasserstein_matrix(diagrams, directions=4000)
    assert sliced_wasserstein_matrix(diagrams) == pytest.approx(limit, rel=0.007)
    assert sliced_wasserstein_matrix(diagrams, directions=200) == pytest.approx(limit, rel=0.0007)


bars = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=8)


@settings(max_examples=80, deadline=None)
@given(bars, bars, bars, st.sampled_from([3, 50]))
def test_axioms_of_a_metric(a, b, c, directions):
    matrix = sliced_wasserstein_matrix([a, b, c, list(reversed(a))], directions=directions)
    assert np.array_equal(matrix, matrix.T)
    assert matrix[0, 3] == pytest.approx(0, abs=1e-12)
    assert matrix[0, 2] <= matrix[0, 1] + matrix[1, 2] + 1e-9


@settings(max_examples=80, deadline=None)
@given(bars, bars)
def test_bounds_of_the_paper(a, b):
    """Theorem 3.4: W / (2 M) <= SW <= 2 sqrt(2) W."""
    sliced = sliced_wasserstein_matrix([a, b])[0, 1]
    exact = wasserstein_distance(a, b, internal_p=np.inf)
    most = max(len(a), len(b), 1)
    assert exact / (2 * (1 + 2 * most * (2 * most - 1))) <= sliced + 1e-12
    assert sliced <= 2 * np.sqrt(2) * exact + 1e-9


def test_essential_bars_add_their_moves_and_must_be_as_many():
    a, b, c = [[0, np.inf], [5, np.inf], [1, 2]], [[6, np.inf], [0.5, np.inf], [1, 2]], [[0, np.inf]]
    matrix = sliced_wasserstein_matrix([a, b, c])
    assert matrix[0, 1] == pytest.approx(1.5, rel=1e-14)
    assert matrix[0, 2] == matrix[2, 1] == np.inf
    assert (np.diag(matrix) == 0).all()


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e12, 1e150])
def test_any_scale(scale):
    a, b = random_diagram(0, 9), random_diagram(1, 7)
    value = sliced_wasserstein_matrix([a, b])[0, 1]
    assert sliced_wasserstein_matrix([a * scale, b * scale])[0, 1] / scale == pytest.approx(value, rel=1e-12)


def test_none_and_one():
    assert sliced_wasserstein_matrix([]).shape == (0, 0)
    assert np.array_equal(sliced_wasserstein_matrix([[]]), [[0]])


def test_what_cannot_be_sliced_is_named():
    with pytest.raises(ValueError, match=r"diagrams\[1\] has the bar \(2, 1\) in row 0"):
        sliced_wasserstein_matrix([[], [[2, 1]]])
    with pytest.raises(ValueError, match="directions is 0; expected 1 or more"):
        sliced_wasserstein_matrix([[]], directions=0)
