"""An analysis answers what is asked of it as a scan of its lists would."""

import dataclasses
import pickle

import pytest

from tests.report.made import make_bare, make_full
from topores.domain import Analysis, Measurement, NullMeasurement, without_rounding


@pytest.fixture(scope="module")
def full() -> Analysis:
    return make_full()


def scanned(analysis: Analysis, **wanted: object) -> list[float]:
    """Values of all measurements with these fields, but for points of curves."""
    return [
        m.value
        for m in analysis.measurements
        if m.threshold is None and all(getattr(m, name) == value for name, value in wanted.items())
    ]


@pytest.mark.slow
def test_one_number_is_found_by_all_that_tells_it_apart(full: Analysis) -> None:
    asked = 0
    for m in full.measurements:
        if m.threshold is None:
            found = full.value(m.measure, m.cycle, m.layer, m.cloud, degree=m.degree, against=m.against)
            assert [found] == scanned(full, **{**vars(m), "value": m.value})
            asked += 1
    assert asked > 1000
    assert full.value("uniformity", 7, 0, "union") is None


def test_a_series_follows_the_states(full: Analysis) -> None:
    cycles = [state.cycle for state in full.states]
    alone = [scanned(full, measure="uniformity", cycle=c, layer=6, cloud="t1")[0] for c in cycles]
    assert full.series("uniformity", 6, "t1") == alone
    first = full.series("change", 6, "union", against="first")
    assert first[0] is None
    assert first[1:] == [
        scanned(full, measure="change", cycle=c, layer=6, cloud="union", against=0)[0] for c in cycles[1:]
    ]
    before = full.series("change", 6, "union", against="previous")
    assert (
        before[-1] == scanned(full, measure="change", cycle=cycles[-1], layer=6, cloud="union", against=cycles[-2])[0]
    )
    assert full.by_layer("uniformity", cycles[-1], "t1")[6] == alone[-1]


def test_what_rounding_left_is_0_and_what_is_no_number_is_none(full: Analysis) -> None:
    at = (full.last.cycle, full.output, "union")
    made = [
        Measurement(*at, "a", 3e-15, ""), Measurement(*at, "b", float("nan"), ""), Measurement(*at, "c", 1e-12, "p"),
    ]  # fmt: skip
    analysis = dataclasses.replace(full, measurements=tuple(made))
    assert [analysis.series(name, full.output, "union")[-1] for name in "abc"] == [0.0, None, 1e-12]
    assert analysis.value("a", *at) == 3e-15


def test_lists_are_found_by_place(full: Analysis) -> None:
    for loop in full.loops:
        place = (loop.cycle, loop.layer, loop.cloud)
        assert full.loops_at(*place) == [one for one in full.loops if (one.cycle, one.layer, one.cloud) == place]
    assert full.loops_at(7, 0, "t1") == []
    assert full.metrics_at(100) == next(line for line in full.metrics if line["cycle"] == 100)
    assert full.metrics_at(7) == {}
    assert full.degrees == [0, 1]
    assert full.diagram((7, 0, "t1"), 1).shape == (0, 2)


def test_nulls_are_found_by_name_cycle_and_draw(full: Analysis) -> None:
    last = full.last.cycle
    wanted = [n for n in full.nulls if n.null == "shuffled" and n.measurement.measure == "total_persistence"]
    assert full.null_draws("shuffled") == len({n.replicate for n in wanted})
    assert full.null_values("shuffled", last)["total_persistence", 1] == [
        n.measurement.value for n in wanted if n.measurement.cycle == last
    ]
    lines = full.null_series("shuffled", "total_persistence", 1)
    assert [line[-1] for line in lines] == full.null_values("shuffled", last)["total_persistence", 1]
    assert full.null_draws("nosuch") == 0
    assert full.null_series("nosuch", "rank_me", None) == []
    other = NullMeasurement("dropout", 9, Measurement(last, 6, "t1", "change", 9.0, "", against=last))
    more = dataclasses.replace(full, nulls=(*full.nulls, other))
    assert 9.0 not in more.null_changes("dropout")["change", None]


def test_curves_rise_and_lose_what_is_no_number(full: Analysis) -> None:
    curves = full.curves("betti_curve")
    assert curves
    assert all(curve == sorted(curve) for curve in curves.values())
    assert full.curves("nosuch") == {}


def test_an_analysis_that_was_asked_can_be_sent() -> None:
    bare = make_bare()
    assert bare.value("uniformity", 0, 0, "union") == -2.25
    assert bare.unit("total_persistence") == ""
    twin = pickle.loads(pickle.dumps(bare))
    assert (twin.first, twin.measured) == (bare.first, bare.measured)
    assert without_rounding(1e-10) == 0.0
