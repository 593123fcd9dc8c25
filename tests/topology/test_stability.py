"""Stability of a loop: whole loops, loops that depend on one point, and chance."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from topores.topology import loop_stability, persistent_homology
from topores.topology.subsamples import SubsamplePlan

from .shapes import polygon


def by_length(points):
    bars = persistent_homology(points, metric="euclidean")[1]
    return bars[np.argsort(bars[:, 0] - bars[:, 1])]


def noisy_circle(count=120, seed=0):
    random = np.random.default_rng(seed)
    turn = random.uniform(0, 2 * np.pi, count)
    return np.column_stack([np.cos(turn), np.sin(turn)]) + random.normal(size=(count, 2)) * 0.05


def test_a_clean_circle_is_always_found_again_and_its_noise_is_not():
    points = noisy_circle()
    circle, *noise = by_length(points)
    assert loop_stability(points, circle, metric="euclidean") == 1
    assert max(loop_stability(points, bar, metric="euclidean") for bar in noise) < 0.9
    assert np.mean([loop_stability(points, bar, metric="euclidean") for bar in noise]) < 0.6


def hanging(count=60):
    """An arc of a circle whose ends are joined by one point; without it the loop does not close by half its life."""
    turn = np.linspace(np.pi / 3, 2 * np.pi - np.pi / 3, count)
    arc = np.column_stack([np.cos(turn), np.sin(turn)])
    return np.vstack([arc, [[0.5, 0.0]]])


def test_a_loop_that_depends_on_one_point_is_found_when_it_is_drawn():
    points = hanging()
    plan = SubsamplePlan(points=61, size=49, draws=50, seed=3)
    drawn = np.mean([60 in rows for rows in plan])
    assert loop_stability(points, by_length(points)[0], metric="euclidean", seed=3) == drawn < 0.95


def test_of_two_circles_the_other_one_does_not_count():
    """A bar of the same length at the same scale, but round another hole."""
    points = np.vstack([hanging(), polygon(60) * 0.5 + [5, 0]])
    weak = by_length(hanging())[0]
    plan = SubsamplePlan(points=len(points), size=round(0.8 * len(points)), draws=50, seed=0)
    assert loop_stability(points, weak, metric="euclidean") == np.mean([60 in rows for rows in plan])


def test_by_hand_of_a_square():
    """No subsample that lacks a corner has a loop; there is one draw of all four."""
    points = [[0, 0], [1, 0], [1, 1], [0, 1]]
    bar = [1, np.sqrt(2)]
    assert loop_stability(points, bar, metric="euclidean", share=0.75) == 0
    assert loop_stability(points, bar, metric="euclidean", share=1.0) == 1


@pytest.mark.parametrize(("at", "found"), [(0.3, 0.0), (0.5, 1.0)])
def test_the_loop_has_to_close_in_time(at, found):
    """Of 13 corners one is missing: the loop closes at the chord over two sides, at .357 of its life."""
    points = polygon(13)
    bar = by_length(points)[0]
    chord = 2 * np.sin(2 * np.pi / 13)
    assert 0.3 < (chord - bar[0]) / (bar[1] - bar[0]) < 0.5
    assert loop_stability(points, bar, metric="euclidean", share=12 / 13, at=at) == found


@pytest.mark.parametrize("seed", range(4))
def test_a_loop_found_again_is_a_bar_of_the_subsample_that_lives_at_least_half_as_long(seed):
    points = np.random.default_rng(seed).normal(size=(50, 3))
    birth, death = by_length(points)[0]
    for draw in range(20):
        rows = SubsamplePlan(points=50, size=40, draws=20, seed=draw).rows(0)
        if loop_stability(points, (birth, death), metric="euclidean", resamples=1, seed=draw):
            bars = by_length(points[rows])
            assert ((bars[:, 0] <= (birth + death) / 2) & (bars[:, 1] >= death)).any()


def test_the_seed_draws_the_points_and_a_matrix_or_its_order_of_storage_says_the_same():
    points = noisy_circle(60, seed=1)
    bar = by_length(points)[1]
    shares = [loop_stability(points, bar, metric="euclidean", seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert shares[0] == shares[1]
    assert len(set(shares)) > 1
    distances = cdist(points, points)
    assert loop_stability(distances, bar, metric="precomputed") == shares[0]
    assert loop_stability(distances, bar.astype(np.float32), metric="precomputed") == shares[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"share": 0}, "share is 0; expected a share above 0 and up to 1"),
        ({"share": 1.5}, "share is 1.5"),
        ({"at": 1}, "at is 1; expected a share 0 or more, and less than 1"),
        ({"at": np.nan}, "at is nan"),
        ({"resamples": 0}, "resamples is 0; expected 1 or more"),
        ({"bar": [0.7, 0.9]}, "bar has birth 0.7, where no edge closes a loop"),
        ({"bar": [1, np.inf]}, "bar has no finite death"),
        ({"bar": [1, 1.9]}, "bar dies before its given death"),
    ],
)
def test_what_cannot_be_asked_is_named(options, said):
    points = [[0, 0], [1, 0], [1, 1], [0, 1]]
    with pytest.raises(ValueError, match=said):
        loop_stability(points, **{"bar": [1, np.sqrt(2)], "metric": "euclidean", **options})
