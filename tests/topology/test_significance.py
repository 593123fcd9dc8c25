"""Universal p-values: the formula by hand, the law itself, a real loop, and what has no ratio."""

import numpy as np
import pytest
from scipy.stats import gumbel_l, kstest

from topores.topology import persistent_homology, universal_p_values


def test_by_hand():
    """Ratios e, e^e and e^(e^2) have ln ln = 0, 1 and 2."""
    log_log = np.array([0.0, 1.0, 2.0])
    diagram = np.column_stack([[1.0, 2.0, 3.0], np.array([1.0, 2.0, 3.0]) * np.exp(np.exp(log_log))])
    expected = np.exp(-np.exp(log_log - 1 - 0.5772156649015329))
    assert universal_p_values(diagram) == pytest.approx(expected, rel=1e-12)


def test_p_is_uniform_where_the_law_holds():
    """Ratios drawn from the left-skewed Gumbel law itself; its mean is minus Euler's constant."""
    drawn = gumbel_l.rvs(size=4000, random_state=0)
    diagram = np.column_stack([np.ones(4000), np.exp(np.exp(drawn - 3))])
    assert kstest(universal_p_values(diagram), "uniform").pvalue > 0.01


def test_the_longest_ratio_has_the_smallest_p_and_a_circle_is_found():
    random = np.random.default_rng(0)
    turn = random.uniform(0, 2 * np.pi, 300)
    circle = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(300)]) + random.normal(size=(300, 3)) * 0.1
    loops = persistent_homology(circle, metric="euclidean")[1]
    p = universal_p_values(loops)
    assert p.argmin() == (loops[:, 1] / loops[:, 0]).argmax()
    assert p.min() * len(p) < 0.05
    assert np.sort(p)[1] * len(p) > 0.05


def test_random_points_give_no_loop_after_bonferroni():
    for seed in range(5):
        loops = persistent_homology(np.random.default_rng(seed).normal(size=(200, 3)), metric="euclidean")[1]
        p = universal_p_values(loops)
        assert p.min() * len(p) > 0.05


def test_essential_bars_are_left_out_and_the_order_is_kept():
    with_essential = [[1.0, 5.0], [1.0, np.inf], [1.0, 2.0]]
    assert np.array_equal(universal_p_values(with_essential), universal_p_values([[1.0, 5.0], [1.0, 2.0]]))


def test_units_do_not_matter():
    diagram = np.array([[1.0, 2.0], [1.5, 1.6], [2.0, 7.0]])
    assert universal_p_values(diagram * 1e-9) == pytest.approx(universal_p_values(diagram), rel=1e-9)


def test_few_bars():
    assert universal_p_values([]).shape == (0,)
    assert universal_p_values([[1.0, np.inf]]).shape == (0,)
    assert universal_p_values([[1.0, 9.0]]) == pytest.approx([np.exp(-np.exp(-np.euler_gamma))])


def test_what_has_no_ratio_is_named():
    with pytest.raises(ValueError, match=r"births above 0\. Pass a diagram of degree 1"):
        universal_p_values([[0.0, 1.0]])
    with pytest.raises(ValueError, match="1 bars of no length"):
        universal_p_values([[1.0, 1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="death no smaller"):
        universal_p_values([[2.0, 1.0]])
