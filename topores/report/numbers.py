"""How numbers are written: three significant digits, the same here and in report.js."""

import math

Number = int | float

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def digits(value: Number | None) -> str:
    """Three significant digits; whole numbers and thousands in full.

    >>> [digits(v) for v in (0.51234, -12, 1234.5, 0.00001234, None)]
    ['0.512', '−12', '1,234', '1.23×10⁻⁵', 'not measured']
    """
    if value is None:
        return "not measured"
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _finite(value).replace("-", "−")


def _finite(value: Number) -> str:
    size = abs(value)
    if isinstance(value, int) or size == 0 or size >= 999.5:
        return f"{value:,.0f}"
    if size < 0.001:
        mantissa, power = f"{value:.2e}".split("e-")
        return f"{mantissa}×10⁻{power.lstrip('0').translate(_RAISED)}"
    return f"{value:#.3g}".rstrip(".")


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
    for size, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.12g}{letter}"
    return f"{value:g}"


def power(exponent: int) -> str:
    """
    >>> power(12)
    '10¹²'
    """
    return f"10{str(exponent).translate(_RAISED)}"


def plural(count: int, noun: str) -> str:
    """
    >>> plural(1, "loop"), plural(1200, "loop")
    ('1 loop', '1,200 loops')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """
    >>> percent(0.8217)
    '82.2 %'
    """
    return f"{share * 100:.3g} %"
