"""The matched-spectrum null: properties of its clouds, its level, and loops that it detects."""

import numpy as np
import pytest
from scipy.stats import binom, gumbel_r

from topores.topology import gaussian_like, matched_spectrum_p_values, persistent_homology
from topores.topology.matched_spectrum import p_among_largest


def noisy_circle(points: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    turn = random.uniform(0, 2 * np.pi, points)
    rows = random.normal(size=(points, 384)) * 0.3 / 384**0.5
    rows[:, :2] += np.column_stack([np.cos(turn), np.sin(turn)])
    return rows


def largest_ratio(rows: np.ndarray) -> float:
    births, deaths = persistent_homology(rows, metric="euclidean")[1].T
    return (deaths / births).max(initial=1.0)


def test_p_by_hand():
    """Of three draws, three, two and none reach it; the observed cloud counts too."""
    assert p_among_largest(np.array([0.1, 0.2, 0.5]), np.array([0.3, 0.1, 0.4])) == pytest.approx([1, 3 / 4, 1 / 4])


def test_beyond_all_draws_the_tail_is_that_of_the_gumbel_law():
    draws = gumbel_r.ppf((np.arange(99) + 0.5) / 99, loc=0.1, scale=0.02)
    chance = np.array([1e-3, 1e-5, 1e-8])
    p = p_among_largest(gumbel_r.isf(chance, loc=0.1, scale=0.02), draws)
    assert np.log(p) == pytest.approx(np.log(chance), rel=0.05)
    assert p_among_largest(np.array([100.0]), draws)[0] > 0
    # Just beyond the last draw, the law would say more than 1 in 100.
    few = np.append(draws[:-1], draws[-2] + 1e-9)
    assert p_among_largest(few[[-1]] + 1e-9, few)[0] == 1 / 100


@pytest.mark.parametrize(
    "draws", [np.linspace(0.1, 0.2, 38), np.full(99, 0.1), np.append(np.linspace(0.1, 0.2, 98), 0)]
)
def test_no_law_is_fitted_to_few_draws_equal_ones_or_some_without_a_bar(draws):
    assert p_among_largest(np.array([9.0]), draws)[0] == 1 / (len(draws) + 1)


def test_longer_ratios_have_smaller_p_and_all_lie_above_0():
    rows = noisy_circle(60)
    births, deaths = persistent_homology(rows, metric="euclidean")[1].T
    p = matched_spectrum_p_values(rows, metric="euclidean")
    assert (np.diff(p[np.argsort(deaths / births)]) <= 0).all()
    assert 0 < p.min() < p.max() <= 1


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_a_circle_in_384_dimensions_is_the_one_loop_found(metric):
    rows = noisy_circle(100)
    births, deaths = persistent_homology(rows, metric=metric)[1].T
    p = matched_spectrum_p_values(rows, metric=metric)
    assert p.argmin() == (deaths / births).argmax()
    assert p.min() < 1e-4
    assert np.sort(p)[1] > 0.05


def test_level_is_held_on_gaussian_points_of_unequal_spread():
    """The smallest p of a cloud is uniform on 1/20, 2/20, ...: neither more nor fewer of them are small."""
    smallest = []
    for cloud in range(50):
        rows = np.random.default_rng(cloud).normal(size=(16, 12)) / np.arange(1, 13) ** 0.5
        smallest.append(matched_spectrum_p_values(rows, metric="euclidean", replicates=19, seed=cloud).min(initial=1))
    for level in (0.05, 0.25, 0.5):
        low, high = binom.interval(0.998, 50, level)
        assert low <= np.sum(np.array(smallest) <= level + 1e-9) <= high, level


@pytest.mark.parametrize(("points", "dim"), [(20, 3), (24, 60)])
def test_p_is_the_share_of_gaussian_clouds_that_reach_the_ratio(points, dim):
    """Compared with clouds of `gaussian_like`, measured like any other cloud."""
    rows = np.random.default_rng(3).uniform(size=(points, dim))
    births, deaths = persistent_homology(rows, metric="euclidean")[1].T
    drawn = np.array([largest_ratio(gaussian_like(rows, seed=seed)) for seed in range(150)])
    share = (drawn >= (deaths / births)[:, None]).mean(axis=1)
    assert matched_spectrum_p_values(rows, metric="euclidean", replicates=149) == pytest.approx(share, abs=0.16)


def test_neither_the_order_nor_the_place_nor_the_unit_matters():
    rows = noisy_circle(40)
    p = matched_spectrum_p_values(rows, metric="euclidean")
    random = np.random.default_rng(0)
    turned = rows @ np.linalg.qr(random.normal(size=(384, 384)))[0]
    for other in (random.permutation(rows), turned * 1e6, rows + 10):
        assert matched_spectrum_p_values(other, metric="euclidean") == pytest.approx(p, rel=1e-6)


def test_by_angle_the_lengths_of_rows_do_not_matter():
    rows = noisy_circle(40)
    lengths = np.random.default_rng(0).uniform(0.1, 9, size=(40, 1))
    assert matched_spectrum_p_values(rows * lengths) == pytest.approx(matched_spectrum_p_values(rows), rel=1e-6)


def test_a_known_diagram_is_not_computed_again():
    rows = noisy_circle(40)
    loops = persistent_homology(rows)[1]
    p = matched_spectrum_p_values(rows)
    assert np.array_equal(matched_spectrum_p_values(rows, loops), p)
    assert np.array_equal(matched_spectrum_p_values(rows, [*loops[:1].tolist(), [0.1, np.inf]]), p[:1])


def test_higher_degrees():
    """A sphere has a void, and Gaussian points in three dimensions have none like it."""
    rows = np.random.default_rng(0).normal(size=(90, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert matched_spectrum_p_values(rows, metric="euclidean", degree=2, replicates=19).min() == 1 / 20
    # A ratio that is common among loops of so few points, and rare among voids.
    loop, void = (matched_spectrum_p_values(rows[:30], [[1.0, 1.2]], degree=d, replicates=38)[0] for d in (1, 2))
    assert void < 0.3 < 0.7 < loop


def test_without_bars_p_is_empty():
    assert matched_spectrum_p_values([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).shape == (0,)
    assert matched_spectrum_p_values([[2.0, 1.0]] * 5, metric="euclidean").shape == (0,)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"metric": "precomputed"}, "metric is 'precomputed', but a spectrum needs coordinates"),
        ({"metric": "angel"}, "metric is 'angel'. Did you mean 'angle'"),
        ({"degree": 0}, "degree is 0; expected 1 or higher"),
        ({"degree": -1}, "max_degree is -1"),
        ({"replicates": 0}, "replicates is 0; expected 1 or more"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
        ({"diagram": [[0.0, 1.0]]}, "births above 0"),
    ],
)
def test_errors_name_what_was_seen(named, message):
    with pytest.raises(ValueError, match=message):
        matched_spectrum_p_values(np.eye(4), **named)
