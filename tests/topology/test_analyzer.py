"""TopologyAnalyzer agrees with the functions, and passes scikit-learn's estimator checks."""

import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.topology.shapes import polygon
from topores.errors import ResourceError
from topores.topology import analyzer as module
from topores.topology import (
    intrinsic_dimension,
    minimum_spanning_tree,
    pairwise_distances,
    persistence_entropy,
    persistent_homology,
    rank_me,
    total_persistence,
    uniformity,
    universal_p_values,
)
from topores.topology.analyzer import TopologyAnalyzer
from topores.topology.points import unit_rows
from topores.topology.subsamples import SubsamplePlan


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(120, 6))


def _cannot_apply(estimator: TopologyAnalyzer) -> dict[str, str]:
    if estimator.metric != "angle":
        return {}
    return {"check_estimators_dtypes": "as whole numbers its points have rows of zeros, which have no angle"}


@parametrize_with_checks(
    [
        TopologyAnalyzer(),
        TopologyAnalyzer(metric="euclidean"),
        TopologyAnalyzer(metric="precomputed"),
        TopologyAnalyzer(metric="euclidean", max_points=8, subsample_size=6, subsamples=3),
    ],
    expected_failed_checks=_cannot_apply,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("metric", ["angle", "euclidean", "precomputed"])
def test_up_to_max_points_all_is_exact(cloud, metric):
    given = pairwise_distances(cloud) if metric == "precomputed" else cloud
    fitted = TopologyAnalyzer(metric=metric, max_degree=2).fit(given)
    diagrams = persistent_homology(given, metric=metric, max_degree=2)
    assert fitted.exact_
    assert str(fitted.plan_) == "all 120 points"
    assert fitted.engine_ == "redzed"
    assert all(np.array_equal(a, b) for a, b in zip(fitted.diagrams_, diagrams, strict=True))
    expected = {"intrinsic_dimension": intrinsic_dimension(given, metric=metric)}
    for degree, diagram in enumerate(diagrams):
        expected[f"bars_{degree}"] = len(diagram)
        expected[f"total_persistence_{degree}"] = total_persistence(diagram)
        expected[f"persistence_entropy_{degree}"] = persistence_entropy(diagram)
    if metric != "precomputed":
        rows = unit_rows(cloud) if metric == "angle" else cloud
        expected |= {"rank_me": rank_me(rows), "uniformity": uniformity(rows)}
    assert fitted.measures_ == pytest.approx(expected)
    assert fitted.standard_errors_ == dict.fromkeys(expected, 0)


def test_past_max_points_degree_0_stays_exact_and_the_rest_is_sampled(cloud):
    fitted = TopologyAnalyzer(max_points=100, subsamples=4, subsample_size=40, random_state=3).fit(cloud)
    plan = SubsamplePlan(120, 40, 4, 3)
    assert fitted.plan_ == plan
    assert not fitted.exact_
    assert not fitted.averages_.exact
    tree = np.append(minimum_spanning_tree(cloud).lengths, np.inf)
    assert np.allclose(fitted.diagrams_[0], np.column_stack([np.zeros(120), tree]))
    loops = [persistent_homology(cloud[rows])[1] for rows in plan]
    assert np.array_equal(fitted.diagrams_[1], loops[0])
    values, errors = fitted.measures_, fitted.standard_errors_
    assert values["total_persistence_0"] == pytest.approx(tree[:-1].sum())
    assert values["bars_1"] == np.mean([len(diagram) for diagram in loops])
    totals = [total_persistence(diagram) for diagram in loops]
    assert values["total_persistence_1"] == pytest.approx(np.mean(totals))
    assert errors["total_persistence_1"] == pytest.approx(np.std(totals, ddof=1) / 2)
    assert values["rank_me"] == rank_me(unit_rows(cloud))
    spread = [uniformity(unit_rows(cloud)[rows]) for rows in plan]
    assert values["uniformity"] == pytest.approx(np.mean(spread))
    exact = {"bars_0", "total_persistence_0", "persistence_entropy_0", "rank_me"}
    assert {name for name, error in errors.items() if error == 0} == exact


def test_a_subsample_is_never_larger_than_max_points_and_one_alone_has_no_error(cloud):
    fitted = TopologyAnalyzer(max_points=50, subsamples=1).fit(cloud)
    assert fitted.plan_.size == 50
    assert np.isnan(fitted.standard_errors_["total_persistence_1"])
    assert fitted.standard_errors_["total_persistence_0"] == 0


def test_degree_0_alone_is_exact_at_any_size(cloud):
    fitted = TopologyAnalyzer(max_degree=0, max_points=50, subsample_size=30, subsamples=3).fit(cloud)
    assert fitted.exact_
    assert fitted.engine_ == "spanning tree"
    assert fitted.standard_errors_["intrinsic_dimension"] > 0
    assert np.isclose(fitted.measures_["total_persistence_0"], minimum_spanning_tree(cloud).lengths.sum())


def test_threshold_field_and_engine_are_passed_on(cloud):
    fitted = TopologyAnalyzer(threshold=0.6, field=3).fit(cloud)
    assert fitted.engine_ == "ripser"
    expected = persistent_homology(cloud, threshold=0.6, field=3)
    assert all(np.array_equal(a, b) for a, b in zip(fitted.diagrams_, expected, strict=True))
    sampled = TopologyAnalyzer(threshold=0.6, max_points=60, subsample_size=40, subsamples=2).fit(cloud)
    assert np.array_equal(sampled.diagrams_[0], persistent_homology(cloud, threshold=0.6)[0])


def test_random_state_is_a_seed_a_generator_or_nothing(cloud):
    options = {"max_points": 60, "subsample_size": 30, "subsamples": 2}
    seeds = [TopologyAnalyzer(random_state=state, **options).fit(cloud).plan_.seed for state in (7, np.int64(7))]
    assert seeds == [7, 7]
    drawn = [TopologyAnalyzer(random_state=np.random.RandomState(1), **options).fit(cloud).plan_.seed for _ in range(2)]
    assert drawn[0] == drawn[1]
    free = [TopologyAnalyzer(random_state=None, **options).fit(cloud).plan_.seed for _ in range(2)]
    assert free[0] != free[1]


def test_a_table_of_bars():
    pytest.importorskip("pandas")
    fitted = TopologyAnalyzer(metric="euclidean").fit(np.vstack([polygon(12), polygon(12) * 0.9 + 5]))
    frame = fitted.to_frame()
    assert list(frame.columns) == ["degree", "birth", "death", "persistence", "p"]
    loops = fitted.diagrams_[1]
    assert len(loops) >= 2
    assert frame["degree"].tolist() == [0] * 24 + [1] * len(loops)
    assert frame.loc[frame["degree"] == 1, ["birth", "death"]].to_numpy() == pytest.approx(loops)
    assert frame["persistence"].max() == np.inf
    assert frame["p"].isna().sum() == 24
    assert frame["p"].to_numpy()[24:] == pytest.approx(universal_p_values(loops))
    assert frame["persistence"].to_numpy()[24:] == pytest.approx(np.diff(loops)[:, 0])


def test_no_pandas_is_one_clear_line(cloud, monkeypatch):
    fitted = TopologyAnalyzer().fit(cloud)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame needs pandas, which is not installed; run pip install pandas"):
        fitted.to_frame()


def test_what_few_points_do_not_determine_is_nan():
    fitted = TopologyAnalyzer().fit([[1.0, 2.0]])
    assert fitted.diagrams_[0].tolist() == [[0, np.inf]]
    assert np.isnan([fitted.measures_["intrinsic_dimension"], fitted.measures_["uniformity"]]).all()
    assert fitted.measures_["rank_me"] == pytest.approx(1)


def test_no_memory_is_refused_before_the_work(cloud, monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: 20_000)
    with pytest.raises(ResourceError, match=r"20 uniform subsamples of \d+ of 120 points would fit"):
        TopologyAnalyzer().fit(cloud)


def test_short_edges_alone_need_no_more_than_their_distances(cloud, monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: 5_000_000)
    with pytest.raises(ResourceError, match="up to degree 3 of 120 points"):
        TopologyAnalyzer(max_degree=3).fit(cloud)
    assert len(TopologyAnalyzer(max_degree=3, threshold=0.3).fit(cloud).diagrams_) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "angel"}, "Did you mean 'angle'"),
        ({"engine": "redzet"}, "Did you mean 'redzed'"),
        ({"max_degree": -1}, "max_degree is -1"),
        ({"field": 4}, "field is 4"),
        ({"max_points": 0}, "max_points is 0; expected 1 or more"),
        ({"max_points": 60, "subsamples": 0}, "draws is 0"),
        ({"max_points": 60, "subsample_size": 0}, "size is 0"),
    ],
)
def test_parameters_that_mean_nothing(cloud, options, message):
    with pytest.raises(ValueError, match=message):
        TopologyAnalyzer(**options).fit(cloud)


def test_a_row_of_zeros_has_no_angle(cloud):
    rows = cloud.copy()
    rows[7] = 0
    with pytest.raises(ValueError, match=r"row of zeros \(row 7\).* use metric='euclidean'"):
        TopologyAnalyzer().fit(rows)
    assert TopologyAnalyzer(metric="euclidean").fit(rows).exact_


def test_a_matrix_of_distances_is_square(cloud):
    with pytest.raises(ValueError, match="expects a square matrix"):
        TopologyAnalyzer(metric="precomputed").fit(np.abs(cloud))


def test_a_clone_gives_the_same(cloud):
    first = TopologyAnalyzer(max_points=60, subsample_size=30, subsamples=3)
    assert clone(first).fit(cloud).measures_ == first.fit(cloud).measures_
