"""Scales from values to pixels, with readable ticks."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from topores.report.html.numbers import Number, short
from topores.report.language import localise

FLAT = 1e-4
"""Values that differ by less than this share are drawn as a flat line: a page keeps six digits of a number."""


@dataclass(frozen=True)
class Scale:
    """Maps low..high to the pixels start..end."""

    low: Number
    high: Number
    start: Number
    end: Number
    ticks: tuple[tuple[Number, str], ...]
    """Values with a grid line, and their labels."""
    bend: Callable[[Number], float] = float
    """Transform before the linear map: log1p for cycles that span decades."""

    def __call__(self, value: Number) -> float:
        low, high = self.bend(self.low), self.bend(self.high)
        share = (self.bend(value) - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 2)

    def line(self) -> str:
        """low, high, start, end: what report.js needs of a linear scale."""
        return f"{self.low:.9g} {self.high:.9g} {self.start:g} {self.end:g}"


def value_scale(
    values: Iterable[Number], start: Number, end: Number, *, zero: bool = False, whole: bool = False
) -> Scale:
    """A linear scale around `values`, widened to round numbers.

    Args:
        zero: Whether the axis includes 0.
        whole: Whether only integers get a tick.
    """
    known = [float(v) for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = (min(0.0, *known), max(0.0, *known)) if zero else (min(known), max(known))
    if high - low <= FLAT * max(abs(low), abs(high)):
        # A flat line is drawn in the middle of its chart.
        room = abs(low) * 0.1
        low, high = (low - room, high + room) if room else (0.0, 1.0)
    step = _round_step((high - low) / 6)
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple((i * step, _tick_label(i * step, step)) for i in range(first, last + 1))
    return Scale(first * step, last * step, start, end, ticks)


def _round_step(step: Number) -> float:
    """The next of 1, 2, 5 times a power of ten.

    >>> [_round_step(s) for s in (0.3, 0.7, 12.0)]
    [0.5, 1.0, 20.0]
    """
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def _tick_label(value: Number, step: Number) -> str:
    """With as many digits as distinguish neighbouring ticks.

    >>> [_tick_label(v, s) for v, s in ((-0.5, 0.5), (2e3, 1e3), (9.5e-6, 5e-7))]
    ['−0.5', '2k', '9.5×10⁻⁶']
    """
    size = abs(value)
    decimals = -math.floor(math.log10(step) + 1e-9)
    if size < step / 2:
        return "0"
    if step >= 1000:
        text = short(size)
    elif decimals <= 4:
        text = localise(f"{size:.{max(0, decimals)}f}")
    else:
        digits = math.ceil(math.log10(size / step)) + 1
        text = localise(f"{size:.{digits}g}")
    return text if value > 0 else f"−{text}"


def cycle_scale(cycles: Sequence[int], start: Number, end: Number) -> Scale:
    """A scale of cycles: linear, or log(1 + cycle) if they span more than 50."""
    low, high = min(cycles), max(cycles)
    if low == high:
        return Scale(low - 1.0, high + 1.0, start, end, ((low, short(low)),))
    if high - low <= 50:
        return Scale(low, high, start, end, _with_labels(_even_steps(low, high)))
    return Scale(low, high, start, end, _with_labels(_growing_steps(low, high)), math.log1p)


def _with_labels(cycles: Iterable[int]) -> tuple[tuple[int, str], ...]:
    return tuple((cycle, short(cycle)) for cycle in cycles)


def _even_steps(low: int, high: int) -> list[int]:
    """Round cycles at equal steps."""
    step = max(1, int(_round_step((high - low) / 5)))
    return list(range(-(-low // step) * step, high + 1, step))


def _growing_steps(low: int, high: int) -> list[int]:
    """Powers of ten; if fewer than two are in range, also 2 and 5 times them, or cycles at equal steps.

    >>> [_growing_steps(*ends) for ends in ((0, 2000), (11, 999), (120, 200))]
    [[0, 1, 10, 100, 1000], [20, 50, 100, 200, 500], [120, 140, 160, 180, 200]]
    """
    powers = [10**k for k in range(math.floor(math.log10(high)) + 1)]
    every = 1 + (len(powers) + 1) // 8
    decades = [0] * (low == 0) + [power for power in powers[::every] if power >= low]
    finer = [m * power for power in powers for m in (1, 2, 5) if low <= m * power <= high]
    return decades if len(decades) > 1 else finer if len(finer) > 2 else _even_steps(low, high)
