"""What the verdict's rules are given: the right numbers, and floors that are what noise makes of them."""

import numpy as np
import pytest

from topores.analysis.verdict.evidence import compared_at, floors_of, name_of, replicates_at
from topores.domain import Measurement, NullMeasurement


def number(measure: str, value: float, **place: object) -> Measurement:
    at = {"cycle": 10, "layer": 6, "cloud": "union", "unit": "", **place}
    return Measurement(measure=measure, value=value, **at)  # type: ignore[arg-type]


def test_only_the_union_at_the_last_layer_by_itself_is_compared() -> None:
    measured = [
        number("uniformity", -3.0),
        number("uniformity", -9.0, layer=5),
        number("uniformity", -9.0, cloud="t1"),
        number("uniformity", -9.0, cycle=5),
        number("total_persistence", 4.0, degree=1),
        number("total_persistence", 90.0, degree=0),
        number("total_persistence", 7.0, degree=2),
        number("longest_bar", 0.4, degree=0),
        number("change", 0.8, against=0),
        number("change", 0.1, against=5),
        number("betti_curve", 3.0, degree=1, threshold=0.5),
        number("hubness_skewness", 1.0),
    ]
    assert compared_at(measured, 10) == {
        "uniformity": -3.0, "loop_persistence": 4.0, "spanning_tree": 90.0, "longest_cluster": 0.4, "change": 0.8
    }  # fmt: skip
    assert compared_at(measured, 99) == {}


def test_names_tell_degrees_apart() -> None:
    assert name_of(number("total_persistence", 1.0, degree=0)) == "spanning_tree"
    assert name_of(number("total_persistence", 1.0, degree=2)) is None
    assert name_of(number("betti_curve", 1.0, degree=1, threshold=0.1)) is None


def null(kind: str, replicate: int, m: Measurement) -> NullMeasurement:
    return NullMeasurement(kind, replicate, m)


def test_draws_are_told_apart() -> None:
    nulls = [null("shuffled", r, number("rank_me", 50.0 + r, cycle=c)) for r in range(3) for c in (0, 10)]
    nulls += [null("frozen", 0, number("rank_me", 9.0))]
    assert replicates_at(nulls, "shuffled", 10) == [{"rank_me": 50.0}, {"rank_me": 51.0}, {"rank_me": 52.0}]
    assert replicates_at(nulls, "dropout", 10) == []


def test_a_floor_is_the_quantile_of_differences_between_draws_at_the_noisier_state() -> None:
    draw = np.random.default_rng(0)
    still, noisy = 30 + 0.1 * draw.normal(size=200), 40 + draw.normal(size=200)
    nulls = [
        null("dropout", i, number("rank_me", float(value), cycle=cycle))
        for cycle, values in ((0, still), (10, noisy))
        for i, value in enumerate(values)
    ]
    found = floors_of(nulls, {})["dropout"]["rank_me"]
    # Two draws of the noisier state differ by N(0, 2): 97.5 % of the sizes are below 2.24 standard deviations of that.
    assert found == pytest.approx(2.24 * np.sqrt(2), rel=0.1)


def test_the_floor_of_a_change_is_what_the_null_changes_by_itself() -> None:
    nulls = [null("dropout", i, number("change", 0.1 * i, against=10)) for i in range(5)]
    assert floors_of(nulls, {})["dropout"]["change"] == pytest.approx(np.quantile([0, 0.1, 0.2, 0.3, 0.4], 0.975))


def test_halves_have_half_of_what_adds_up() -> None:
    """Total persistence of half of the passages is half as large, and so is its noise; a mean's is not."""
    nulls = [
        null("resample", i, number(measure, value, degree=degree))
        for measure, degree, values in (("total_persistence", 1, (1.9, 2.1)), ("uniformity", None, (-3.1, -2.9)))
        for i, value in enumerate(values)
    ]
    whole = {10: {"loop_persistence": 4.0, "uniformity": -3.0}}
    found = floors_of(nulls, whole)["resample"]
    assert found["loop_persistence"] == pytest.approx(0.4)
    assert found["uniformity"] == pytest.approx(0.2)


def test_one_draw_has_no_spread_and_other_clouds_and_nulls_are_no_floor() -> None:
    nulls = [null("dropout", 0, number("rank_me", 50.0)), null("shuffled", 0, number("rank_me", 50.0))]
    nulls += [null("resample", i, number("rank_me", 50.0 + i, cloud="t1")) for i in range(4)]
    assert floors_of(nulls, {}) == {}
