"""Significance of bars: the universal law by hand and by draws, Holm's correction, and both nulls side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gumbel_l, kstest

from topores.topology import (
    bar_significance,
    holm,
    matched_spectrum_p_values,
    persistent_homology,
    universal_p_values,
)


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


def embedded(rows: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Rows in 384 dimensions, moved by `noise` each in the root mean square."""
    return np.pad(rows, ((0, 0), (0, 384 - rows.shape[1]))) + random.normal(size=(len(rows), 384)) * noise / 384**0.5


def on_circle(points: int, random: np.random.Generator) -> np.ndarray:
    turn = random.uniform(0, 2 * np.pi, points)
    return np.column_stack([np.cos(turn), np.sin(turn)])


def test_both_nulls_stand_side_by_side_and_the_larger_p_counts():
    random = np.random.default_rng(0)
    rows = embedded(on_circle(80, random), 0.5, random)
    loops = persistent_homology(rows, metric="euclidean")[1]
    assert len(loops) > 8  # so many that both nulls are asked
    found = bar_significance(rows, metric="euclidean", replicates=39, seed=4)
    assert found.universal == pytest.approx(holm(universal_p_values(loops)))
    assert found.spectrum == pytest.approx(matched_spectrum_p_values(rows, metric="euclidean", replicates=39, seed=4))
    assert found.p == pytest.approx([max(pair) for pair in zip(found.universal, found.spectrum, strict=True)])
    given_diagram = bar_significance(rows, loops[:5], metric="euclidean", replicates=39, seed=4)
    assert given_diagram.universal == pytest.approx(holm(universal_p_values(loops[:5])))
    assert given_diagram.spectrum == pytest.approx(found.spectrum[:5])


@pytest.mark.parametrize("noise", [0.1, 0.03 * 384**0.5])
def test_the_loops_of_a_circle_and_a_figure_eight_are_found_and_no_other(noise):
    random = np.random.default_rng(1)
    circle = on_circle(200, random)
    eight = on_circle(200, random) + np.column_stack([random.choice([-1.0, 1.0], 200), np.zeros(200)])
    for rows, loops in ((circle, 1), (eight, 2)):
        found = bar_significance(embedded(rows, noise, random), metric="euclidean", replicates=39)
        assert (found.p < 0.05).sum() == loops


def test_a_curved_surface_without_a_loop_surprises_the_spectrum_alone():
    rows = np.random.default_rng(2).normal(size=(150, 3))
    found = bar_significance(rows / np.linalg.norm(rows, axis=1, keepdims=True), metric="euclidean")
    assert found.spectrum.min() < 0.05 < found.p.min()


def test_no_loop_is_found_in_gaussian_points_nor_on_the_whole_sphere():
    for seed in range(4):
        rows = np.random.default_rng(seed).normal(size=(60, 384))
        for metric in ("angle", "euclidean"):
            assert bar_significance(rows, metric=metric, replicates=39, seed=seed).p.min() > 0.05


def test_clouds_are_drawn_only_where_the_universal_null_leaves_something_open():
    random = np.random.default_rng(0)
    nothing = bar_significance(random.normal(size=(40, 10)), only_if_below=0.05)
    assert len(nothing.p)
    assert np.isnan(nothing.spectrum).all()
    assert np.array_equal(nothing.p, nothing.universal)
    circle = embedded(on_circle(80, random), 0.3, random)
    assert bar_significance(circle, only_if_below=0.05).spectrum.min() < 0.05


def test_significance_of_no_bars_and_of_what_has_no_spectrum():
    assert [len(part) for part in bar_significance(np.eye(3))] == [0, 0, 0, 0]
    with pytest.raises(ValueError, match="a spectrum needs coordinates"):
        bar_significance(1 - np.eye(3), metric="precomputed", only_if_below=0.05)
    with pytest.raises(ValueError, match="degree is 0"):
        bar_significance(np.eye(3), degree=0)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_step_by_step(p):
    """As Holm wrote it: from the smallest on, reject while p <= alpha / (how many are left), and stop there."""
    corrected = holm(p)
    for alpha in (0.01, 0.05, 0.2, *corrected):
        rejected: set[int] = set()
        for place, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
            if p[i] * (len(p) - place) > alpha:
                break
            rejected.add(i)
        assert {i for i, one in enumerate(corrected) if one <= alpha} == (rejected if alpha < 1 else set(range(len(p))))


def even_ring(points: int) -> np.ndarray:
    turn = 2 * np.pi * np.arange(points) / points
    return np.column_stack([np.cos(turn), np.sin(turn)])


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("points", [24, 60])
def test_a_perfect_ring_is_found_though_it_is_the_only_bar(points, metric):
    found = bar_significance(even_ring(points), metric=metric, only_if_below=0.05)
    assert found.universal == pytest.approx([np.exp(-np.exp(-np.euler_gamma))])
    assert found.p == pytest.approx(found.spectrum)
    assert found.p < 0.001


def test_two_perfect_rings_are_found():
    rings = np.zeros((120, 5))
    rings[:60, :2] = rings[60:, 2:4] = even_ring(60)
    rings[60:, 4] = 3
    assert (bar_significance(rings, metric="euclidean", replicates=39).p < 0.001).tolist() == [True, True]


def test_a_ring_of_seven_cannot_be_seen():
    """A single bar among so few points: the universal null cannot be left out, and never gives a small p."""
    found = bar_significance(even_ring(7), metric="euclidean")
    assert np.isinf(found.visible).all()
    assert found.p.min() > 0.5


@pytest.mark.parametrize("noise", [0.03, 0.3, 1.0])
@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_a_longest_bar_is_significant_if_its_ratio_is_beyond_the_visible_one(noise, metric):
    for seed in range(3):
        random = np.random.default_rng(seed)
        rows = embedded(on_circle(60, random), noise, random) + (np.arange(384) == 9) * 0.5
        bars = persistent_homology(rows, metric=metric)[1]
        found = bar_significance(rows, bars, metric=metric, replicates=39, seed=seed)
        longest = (bars[:, 1] / bars[:, 0]).argmax()
        beyond = bars[longest, 1] / bars[longest, 0] > found.visible[longest]
        assert beyond == (found.p[longest] < 0.05)


def test_a_surface_has_so_many_bars_that_both_nulls_are_asked():
    rows = np.random.default_rng(2).normal(size=(40, 3))
    found = bar_significance(rows / np.linalg.norm(rows, axis=1, keepdims=True), metric="euclidean", replicates=39)
    assert np.array_equal(found.p, np.maximum(found.universal, found.spectrum))
