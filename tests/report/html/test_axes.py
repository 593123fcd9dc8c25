import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.report.html.axes import cycle_scale, value_scale

finite = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-6)


@given(st.lists(finite, min_size=1, max_size=6))
def test_every_value_lies_within_the_chart(values: list[float]) -> None:
    scale = value_scale(values, 200.0, 10.0)
    assert all(10.0 <= scale(v) <= 200.0 for v in values)
    assert 2 <= len(scale.ticks) <= 9
    assert len({label for _, label in scale.ticks}) == len(scale.ticks)


def test_ticks_are_round() -> None:
    assert [label for _, label in value_scale([0.03, 0.97], 0, 1).ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert [label for _, label in value_scale([-3.9, -2.6], 0, 1).ticks][:2] == ["−4.0", "−3.5"]
    assert [label for _, label in value_scale([0.0, 9000.0], 0, 1).ticks] == ["0", "2k", "4k", "6k", "8k", "10k"]


def test_zero_and_whole_ticks_on_demand() -> None:
    assert value_scale([5.0, 6.0], 0, 1, zero=True).low == 0
    assert [v for v, _ in value_scale([0.0, 2.0], 0, 1, whole=True).ticks] == [0, 1, 2]


def test_a_flat_line_stands_inside_its_axis() -> None:
    scale = value_scale([3.0, 3.0], 100.0, 0.0)
    assert 0 < scale(3.0) < 100
    assert value_scale([0.0], 100.0, 0.0)(0.0) == 100.0


def test_what_six_digits_do_not_tell_apart_is_a_flat_line() -> None:
    """The page draws lines anew from numbers of six digits: they have to lie on the axis of the exact ones."""
    scale = value_scale([107.332806, 107.332810], 100.0, 0.0)
    assert 0 < scale(107.333) < 100
    assert value_scale([107.30, 107.36], 100.0, 0.0).high < 107.5


def test_infinite_values_do_not_stretch_the_axis() -> None:
    assert value_scale([1.0, 2.0, np.inf, np.nan], 0, 1).high == 2.0


def test_few_cycles_are_spaced_evenly() -> None:
    scale = cycle_scale([0, 1, 2, 5, 20], 0, 100)
    assert [scale(c) for c in (0, 5, 20)] == [0, 25, 100]


@pytest.mark.parametrize("last", [100, 2000, 10**9])
def test_many_cycles_are_spaced_by_decades_and_keep_zero(last: int) -> None:
    scale = cycle_scale([0, 1, 10, last], 0, 100)
    assert scale(0) == 0
    assert scale(last) == 100
    # The place of a cycle is log(1 + cycle) over log(1 + last).
    assert scale(10) == pytest.approx(100 * np.log(11) / np.log(1 + last), abs=0.01)
    assert [label for _, label in scale.ticks][:2] == ["0", "1"]


def test_one_state_has_its_tick_in_the_middle() -> None:
    scale = cycle_scale([7], 0, 100)
    assert scale(7) == 50
    assert [label for _, label in scale.ticks] == ["7"]


@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=6, unique=True))
def test_every_axis_of_cycles_has_two_ticks_or_more_within_it(cycles: list[int]) -> None:
    scale = cycle_scale(cycles, 0, 300)
    places = [scale(cycle) for cycle, _ in scale.ticks]
    assert 2 <= len(places) <= 9
    assert all(0 <= place <= 300 for place in places)
    assert len({label for _, label in scale.ticks}) == len(places)
    assert min(np.diff(places)) > 12


@pytest.mark.parametrize(
    ("cycles", "labels"),
    [
        ([200, 500, 900], ["200", "400", "600", "800"]),
        ([120, 200], ["120", "140", "160", "180", "200"]),
        ([1000, 5000], ["1k", "2k", "5k"]),
        ([10, 100, 5000], ["10", "100", "1k"]),
    ],
)
def test_where_few_powers_of_ten_lie_on_it_finer_steps_do(cycles: list[int], labels: list[str]) -> None:
    assert [label for _, label in cycle_scale(cycles, 0, 100).ticks] == labels
