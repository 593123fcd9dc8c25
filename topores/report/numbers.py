"""How numbers are written in the language in force: three significant digits, the same here and in report.js."""

import math

from topores.report.language import RAISED, later, localised, say

Number = int | float


def digits(value: Number | None) -> str:
    """Three significant digits; whole numbers and thousands in full.

    >>> [digits(v) for v in (0.51234, -12, 1234.5, 0.00001234, None)]
    ['0.512', '−12', '1,234', '1.23×10⁻⁵', 'not measured']
    """
    if value is None:
        return say("not measured")
    if math.isnan(value):
        return say("undefined")
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _finite(value).replace("-", "−")


def _finite(value: Number) -> str:
    size = abs(value)
    if isinstance(value, int) or size == 0 or size >= 999.5:
        return localised(f"{value:,.0f}")
    if size < 0.001:
        mantissa, power = f"{value:.2e}".split("e-")
        return localised(f"{mantissa}×10⁻{power.lstrip('0').translate(RAISED)}")
    return localised(f"{value:#.3g}".rstrip("."))


def data(value: Number | None) -> str:
    """The number for people, with the exact one for programs.

    >>> data(0.51234)
    '<data value="0.51234">0.512</data>'
    """
    if value is None:
        return digits(None)
    return f'<data value="{float(value)!r}">{digits(value)}</data>'


def short(value: Number) -> str:
    """A count as it fits beneath a tick.

    >>> [short(v) for v in (0, 500, 2000, 1e6, 1e9)]
    ['0', '500', '2k', '1M', '1bn']
    """
    for size, letter in ((1e9, later("bn")), (1e6, later("M")), (1e3, later("k"))):
        if value >= size:
            return localised(f"{value / size:.12g}") + say(letter)
    return localised(f"{value:g}")


def power(exponent: int) -> str:
    """
    >>> power(12)
    '10¹²'
    """
    return f"10{str(exponent).translate(RAISED)}"


def percent(share: float) -> str:
    """
    >>> percent(0.8217)
    '82.2 %'
    """
    return f"{localised(f'{share * 100:.3g}')} %"
