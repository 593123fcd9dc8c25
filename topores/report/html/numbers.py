"""Formats numbers in the language in force: three significant digits, the same here and in report.js."""

import math

from topores.domain import settled
from topores.report.language import RAISED, later, localise, say

Number = int | float


def digits(value: Number | None) -> str:
    """Three significant digits; integers and thousands in full.

    >>> [digits(v) for v in (0.51234, -12, 1234.5, 0.00001234, None)]
    ['0.512', '−12', '1,234', '1.23×10⁻⁵', 'not measured']
    """
    if value is None:
        return say("not measured")
    if math.isnan(value):
        return say("undefined")
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _finite(value)


def _finite(value: Number) -> str:
    size = abs(value)
    if isinstance(value, int) or size == 0 or size >= 999.5:
        return localise(f"{value + 0:,.0f}")
    if size < 0.001:
        return localise(f"{value:.2e}")
    return localise(f"{value:#.3g}".rstrip("."))


def data(value: Number | None) -> str:
    """The formatted number, with the exact one for programs.

    >>> data(0.51234)
    '<data value="0.51234">0.512</data>'
    """
    if value is None:
        return digits(None)
    return f'<data value="{float(value)!r}">{digits(value)}</data>'


def short(value: Number) -> str:
    """A count, short enough for a tick label.

    >>> [short(v) for v in (0, 500, 2000, 1e6, 1e9)]
    ['0', '500', '2k', '1M', '1bn']
    """
    for size, letter in ((1e9, later("bn")), (1e6, later("M")), (1e3, later("k"))):
        if value >= size:
            return localise(f"{value / size:.12g}") + say(letter)
    return localise(f"{value:g}")


def power(exponent: int) -> str:
    """
    >>> power(12)
    '10¹²'
    """
    return f"10{str(exponent).translate(RAISED)}"


def percent(share: float) -> str:
    """
    >>> percent(0.8217), percent(1e-7), percent(1e-17)
    ('82.2 %', '1×10⁻⁵ %', '0 %')
    """
    return f"{localise(f'{settled(share) * 100:.3g}')} %"
