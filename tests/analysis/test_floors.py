"""Floors that are what rounding, dropout and the choice of passages make of a change."""

import numpy as np
import pytest

from topores.analysis.floors import change_by_rounding, floors_of, noise_of
from topores.domain import Measurement, NullMeasurement


def number(measure: str, value: float, **place: object) -> Measurement:
    at = {"cycle": 10, "layer": 6, "cloud": "union", "unit": "", **place}
    return Measurement(measure=measure, value=value, **at)  # type: ignore[arg-type]


def null(kind: str, replicate: int, m: Measurement) -> NullMeasurement:
    return NullMeasurement(kind, replicate, m)


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


def halves(measure: str, then: np.ndarray, now: np.ndarray, degree: int | None = None) -> list[NullMeasurement]:
    """The same halves at cycle 0 and at cycle 10."""
    return [
        null("resample", i, number(measure, float(value), cycle=cycle, degree=degree))
        for cycle, values in ((0, then), (10, now))
        for i, value in enumerate(values)
    ]


def test_the_same_halves_before_and_after_show_a_change_that_is_smaller_than_what_tells_halves_apart() -> None:
    """TwoNN of a half differs from that of another by 1; that of each half fell by .3 with a deviation of .1."""
    draw = np.random.default_rng(0)
    then = 12 + draw.normal(size=20)
    fell = draw.normal(size=20)
    now = then - 0.3 + 0.1 * (fell - fell.mean()) / fell.std(ddof=1)
    found = floors_of(halves("intrinsic_dimension", then, now), {})["resample"]["intrinsic_dimension"]
    assert found == pytest.approx(0.1 * 2.093, rel=1e-3)  # t of 19 degrees of freedom


def test_level_of_paired_halves() -> None:
    """A mean over passages that does not change but for noise of each passage: 95 % of the changes stay within."""
    draw, beyond = np.random.default_rng(0), 0
    for _ in range(300):
        own = draw.normal(size=60)
        later = own + draw.normal(size=60)
        kept = [draw.permutation(60)[:30] for _ in range(20)]
        then, now = (np.array([values[rows].mean() for rows in kept]) for values in (own, later))
        floor = floors_of(halves("uniformity", then, now), {})["resample"]["uniformity"]
        beyond += abs(later.mean() - own.mean()) > floor
    assert 4 <= beyond <= 28  # 300 at .05: 99.9 % of binomials


def test_halves_have_half_of_what_adds_up() -> None:
    """Total persistence of half of the passages is half as large, and so is its noise; a mean's is not."""
    then, now = np.array([1.9, 2.1]), np.array([2.1, 1.9])
    nulls = halves("total_persistence", then, now, degree=1) + halves("uniformity", then - 5, now - 5)
    whole = {cycle: {"loop_persistence": 4.0, "uniformity": -3.0} for cycle in (0, 10)}
    found = floors_of(nulls, whole)["resample"]
    t = 12.706  # one degree of freedom
    assert found["uniformity"] == pytest.approx(t * np.std([0.2, -0.2], ddof=1), rel=1e-4)
    assert found["loop_persistence"] == pytest.approx(2 * found["uniformity"])


def test_noise_is_named_by_what_was_drawn() -> None:
    assert noise_of({"resample": {"change": 0.1}}) == "resampling"
    assert noise_of({"dropout": {"change": 0.1}}) == "dropout alone"
    assert noise_of({"resample": {"change": 0.1}, "dropout": {"change": 0.1}}) == "dropout and resampling"


def test_the_change_by_rounding_is_a_share_of_the_spread_before() -> None:
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert change_by_rounding(rows, (1e-3, 2e-3)) == pytest.approx(3e-3)
    assert change_by_rounding(np.ones((4, 2)), (1e-3, 2e-3)) is None


def test_one_draw_has_no_spread_and_other_clouds_and_nulls_are_no_floor() -> None:
    nulls = [null("dropout", 0, number("rank_me", 50.0)), null("shuffled", 0, number("rank_me", 50.0))]
    nulls += [null("resample", i, number("rank_me", 50.0 + i, cloud="t1")) for i in range(4)]
    assert floors_of(nulls, {}) == {}
