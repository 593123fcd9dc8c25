"""Numbers as sections read them: what rounding left is 0, and every unit can stand after its number."""

import dataclasses
import re

import pytest

from topores.domain import Analysis, Measurement
from topores.quantities import DISTANCE, DISTANCE_UNITS, QUANTITIES
from topores.report.language import speaking
from topores.report.names import NO_UNIT, UNITS, unit_after, unit_of
from topores.report.run.heat_data import packed_heat


def measured(full: Analysis, *found: tuple[str, float, str]) -> Analysis:
    """The same states, with these numbers of the last one against the first as all that was measured."""
    at = (full.states[-1].cycle, full.layers[-1], "union")
    against = {"procrustes.angle": full.states[0].cycle, "rtd_spanning_tree": full.states[0].cycle}
    made = [Measurement(*at, name, value, unit, None, against.get(name)) for name, value, unit in found]
    return dataclasses.replace(full, measurements=tuple(made))


def test_what_rounding_leaves_of_zero_is_zero_and_a_small_p_stays(full: Analysis) -> None:
    analysis = measured(full, ("procrustes.angle", 3e-15, "rad"), ("uniformity", -1e-6, ""), ("loop_p", 1e-12, "p"))
    at = (full.output, "union")
    last = [
        analysis.series(name, *at, degree=None, against=against)[-1]
        for name, against in (("procrustes.angle", "first"), ("uniformity", None), ("loop_p", None))
    ]
    assert last == [0.0, -1e-6, 1e-12]


@pytest.mark.parametrize(
    ("unit", "after", "russian"),
    [
        ("rad", "rad", "рад"),
        ("chord", "chord", "(длина хорды)"),
        ("0 to 1", "(0 to 1)", "(от 0 до 1)"),
        ("skewness", "(skewness)", "(асимметрия)"),
        ("p", "", ""),
        ("", "", ""),
        ("furlongs", "(furlongs)", "(furlongs)"),
    ],
)
def test_a_unit_that_is_a_phrase_stands_in_brackets_after_its_number(
    full: Analysis, unit: str, after: str, russian: str
) -> None:
    analysis = measured(full, ("uniformity", -2.0, unit))
    assert unit_after(analysis.unit("uniformity")) == after
    assert packed_heat(analysis)[0]["unit"] == after
    with speaking("ru"):
        assert packed_heat(analysis)[0]["unit"] == russian


def test_every_unit_of_the_analysis_is_said_in_russian() -> None:
    named = {one.unit for one in QUANTITIES.values() if one.unit != DISTANCE} | set(DISTANCE_UNITS.values())
    assert named - {*UNITS, *NO_UNIT, ""} == set()


def test_no_unit_of_a_heat_map_is_english_on_a_russian_page(full: Analysis) -> None:
    with speaking("ru"):
        assert [one["unit"] for one in packed_heat(full) if re.search("[a-z]{2}", one["unit"])] == []
        assert unit_of(measured(full, ("hubness_skewness", 1.0, "skewness")), "hubness_skewness") == "асимметрия"
