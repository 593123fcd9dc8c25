import math

import pytest

from topores.config import Language
from topores.report.html.axes import value_scale
from topores.report.html.numbers import data, digits, percent, short
from topores.report.language import say, speaking


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.500"), (0.98765, "0.988"), (12.0, "12.0"), (999.4, "999"), (999.6, "1,000"), (1234567.8, "1,234,568"),
        (-2.25, "−2.25"), (0.00099949, "9.99×10⁻⁴"), (1.5e-12, "1.50×10⁻¹²"), (0.001, "0.00100"), (0.0, "0"), (7, "7"),
        (120000, "120,000"), (None, "not measured"), (math.nan, "undefined"), (math.inf, "∞"), (-math.inf, "−∞"),
    ],
)  # fmt: skip
def test_three_significant_digits(value: float | None, shown: str) -> None:
    assert digits(value) == shown


def test_the_exact_number_stands_beside_the_short_one() -> None:
    assert data(0.1 + 0.2) == '<data value="0.30000000000000004">0.300</data>'
    assert data(None) == "not measured"


def test_counts_and_shares() -> None:
    assert [short(v) for v in (0, 1500, 1_000_000, 2e9)] == ["0", "1.5k", "1M", "2bn"]
    assert [percent(v) for v in (1.0, 0.0095, 1e-7, 3e-15)] == ["100 %", "0.95 %", "1×10⁻⁵ %", "0 %"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_small_numbers_and_signs_are_written_one_way(language: Language) -> None:
    point = "." if language == "en" else ","
    with speaking(language):
        told = [say("{v:.2g}", v=1.2e-5), digits(1.2e-5), value_scale([0, 1.5e-5], 0, 1).ticks[1][1], percent(1.2e-7)]
        assert told == [f"1{point}2×10⁻⁵", f"1{point}20×10⁻⁵", "5×10⁻⁶", f"1{point}2×10⁻⁵ %"]
        assert say("{v:.2f}", v=-2.06) == f"−2{point}06"
        assert [digits(-0.0), say("{v:.1g}", v=1e9)] == ["0", "1×10⁹"]
