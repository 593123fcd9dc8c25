from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.topology.shapes import polygon
from topores.topology import betti_curve, pairwise_distances, persistent_homology, total_persistence
from topores.topology.measures.landscape import landscape
from topores.topology.subsamples import SubsamplePlan, sampled_homology


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(150, 4))


def noisy_circle(points: int) -> np.ndarray:
    random = np.random.default_rng(0)
    turn = random.uniform(0, 2 * np.pi, points)
    return np.column_stack([np.cos(turn), np.sin(turn)]) + random.normal(scale=0.005, size=(points, 2))


def test_a_plan_says_what_it_is():
    assert str(SubsamplePlan(12000, 500)) == "20 uniform subsamples of 500 of 12,000 points"
    assert str(SubsamplePlan(12000, 500, draws=1)) == "1 uniform subsample of 500 of 12,000 points"
    assert str(SubsamplePlan(300, 300, draws=1)) == "all 300 points"


def test_rows_are_different_points_fixed_by_seed_and_draw():
    plan = SubsamplePlan(1000, 200, draws=4, seed=7)
    drawn = list(plan)
    assert all(len(np.unique(rows)) == 200 and rows.min() >= 0 and rows.max() < 1000 for rows in drawn)
    assert not any(np.array_equal(drawn[0], other) for other in drawn[1:])
    more = SubsamplePlan(1000, 200, draws=9, seed=7)
    assert all(np.array_equal(plan.rows(k), more.rows(k)) for k in range(4))
    assert not np.array_equal(plan.rows(0), SubsamplePlan(1000, 200, draws=4, seed=8).rows(0))


def test_every_point_is_as_likely():
    counts = np.bincount(np.concatenate(list(SubsamplePlan(50, 10, draws=4000))), minlength=50)
    # Each count is binomial(4000, 0.2): mean 800, standard deviation 25.
    assert np.abs(counts - 800).max() < 5 * 25.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1), "points is 0"),
        ((5, 0), "size is 0"),
        ((5, 6), "size is 6, but the cloud has 5"),
        ((5, 5, 0), "draws is 0"),
        ((5, 5, 1, -1), "seed is -1"),
    ],
)
def test_plans_that_mean_nothing(arguments, message):
    with pytest.raises(ValueError, match=message):
        SubsamplePlan(*arguments)


def test_no_such_draw():
    with pytest.raises(IndexError, match="draw is 2; expected 0 to 1"):
        SubsamplePlan(5, 3, draws=2).rows(2)


def test_the_whole_cloud_gives_the_exact_values(cloud):
    at = np.linspace(0, 3, 50)
    result = sampled_homology(cloud, SubsamplePlan(150, 150, draws=1), thresholds=at, levels=3)
    assert result.exact
    for degree, diagram in enumerate(persistent_homology(cloud)):
        assert np.array_equal(result.diagrams[0][degree], diagram)
        assert np.array_equal(result.landscapes[degree].mean, landscape(diagram, at, levels=3))
        assert np.array_equal(result.betti_curves[degree].mean, betti_curve(diagram, at))
        assert result.total_persistence[degree] == (total_persistence(diagram), 0)
        assert result.bars[degree] == (len(diagram), 0)


def test_averages_over_the_draws_with_their_standard_errors(cloud):
    plan = SubsamplePlan(150, 60, draws=6, seed=1)
    result = sampled_homology(cloud, plan, metric="euclidean", thresholds=[1.0, 2.0])
    assert not result.exact
    assert result.plan == plan
    loops = [persistent_homology(cloud[rows], metric="euclidean")[1] for rows in plan]
    totals = [total_persistence(diagram) for diagram in loops]
    assert np.isclose(result.total_persistence[1].mean, np.mean(totals))
    assert np.isclose(result.total_persistence[1].standard_error, np.std(totals, ddof=1) / np.sqrt(6))
    curves = np.array([betti_curve(diagram, [1.0, 2.0]) for diagram in loops])
    assert np.allclose(result.betti_curves[1].mean, curves.mean(axis=0))
    assert result.landscapes[1].standard_error.shape == (5, 2)


def test_one_draw_of_a_part_has_no_standard_error(cloud):
    result = sampled_homology(cloud, SubsamplePlan(150, 60, draws=1))
    assert np.isnan(result.total_persistence[1].standard_error)
    assert np.isnan(result.landscapes[1].standard_error).all()


def test_standard_errors_shrink_with_the_root_of_the_draws(cloud):
    few, many = (
        sampled_homology(cloud, SubsamplePlan(150, 25, draws=draws)).total_persistence[1].standard_error
        for draws in (16, 256)
    )
    # Ratio 4; with 16 draws the standard deviation itself is known to about 18 %.
    assert 2.5 < few / many < 6


def test_the_average_is_that_of_all_subsamples_of_this_size_within_its_errors(cloud):
    small = cloud[:9]
    plan = SubsamplePlan(9, 8, draws=200)
    result = sampled_homology(small, plan, metric="euclidean").total_persistence[0]
    each = [
        total_persistence(persistent_homology(np.delete(small, i, axis=0), metric="euclidean")[0]) for i in range(9)
    ]
    assert abs(result.mean - np.mean(each)) < 4 * result.standard_error


def test_the_same_plan_gives_the_same_result_whoever_computes_it(cloud):
    plan = SubsamplePlan(150, 50, draws=5)
    alone = sampled_homology(cloud, plan)
    with ThreadPoolExecutor(2) as pool:
        shared = sampled_homology(cloud, plan, mapper=pool.map)
    for degree in range(2):
        assert np.array_equal(alone.landscapes[degree].mean, shared.landscapes[degree].mean)
        assert np.array_equal(alone.landscapes[degree].standard_error, shared.landscapes[degree].standard_error)


def test_distances_given_are_as_good_as_points(cloud):
    plan = SubsamplePlan(150, 50, draws=3)
    of_points = sampled_homology(cloud, plan)
    of_distances = sampled_homology(pairwise_distances(cloud), plan, metric="precomputed")
    assert np.allclose(of_points.landscapes[1].mean, of_distances.landscapes[1].mean, atol=1e-12)


def test_arguments_of_homology_are_passed_on(cloud):
    result = sampled_homology(cloud, SubsamplePlan(150, 30, draws=2), max_degree=2, threshold=0.5, field=3)
    whole = persistent_homology(cloud[result.plan.rows(1)], max_degree=2, threshold=0.5, field=3)
    assert all(np.array_equal(a, b) for a, b in zip(result.diagrams[1], whole, strict=True))
    assert len(result.landscapes) == 3


def test_a_circle_of_6000_points_has_one_peak_where_its_loop_is_halfway():
    circle = noisy_circle(6000)
    result = sampled_homology(circle, SubsamplePlan(6000, 300, draws=8), metric="euclidean")
    first, second = result.landscapes[1].mean[:2]
    # The loop dies at the side of the inscribed triangle, sqrt 3 (Adamaszek and Adams 2017), and is born near the
    # largest gap between neighbours: the tent peaks halfway, at its half length.
    births = np.mean([draw[1][np.diff(draw[1])[:, 0].argmax(), 0] for draw in result.diagrams])
    peak = first.argmax()
    assert result.thresholds[peak] == pytest.approx((births + np.sqrt(3)) / 2, abs=0.02)
    assert first[peak] == pytest.approx((np.sqrt(3) - births) / 2, abs=0.02)
    assert second.max() < first[peak] / 10
    after = first > 1e-9
    assert result.thresholds[after].max() == pytest.approx(np.sqrt(3), abs=0.02)


def test_a_regular_polygon_drawn_whole():
    result = sampled_homology(polygon(12), SubsamplePlan(12, 12, 1), metric="euclidean", thresholds=[1.0, 1.7, 1.8])
    assert result.betti_curves[1].mean.tolist() == [1, 1, 0]


def test_a_plan_for_another_cloud(cloud):
    with pytest.raises(ValueError, match="plan is for 151 points, but there are 150"):
        sampled_homology(cloud, SubsamplePlan(151, 10))
