"""Charts of several runs: one line each, distinguished by colour, dash and shape."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from topores.report.html.axes import Scale, cycle_scale, value_scale
from topores.report.html.charts import BOTTOM, LEFT, PATHS, RIGHT, TOP, frame, panel
from topores.report.html.numbers import Number
from topores.report.html.safe import escape_html
from topores.report.language import localise, say

LOOKS = tuple(f"run{number}" for number in range(8))
"""The style sheet gives each a colour and dash, and fills the shapes of the first four."""

SHAPES = ("circle", "triangle", "square", "diamond")

MOST_POINTS = 120
"""Longer lines are thinned out evenly."""

APART, SHIFT = 56.0, 7.0
"""Least distance of two shapes along a line, and the offset from line to line, so that none hides another."""

Place = tuple[Number, Number]


@dataclass(frozen=True)
class Curve:
    """One run: its points (x, value), in order of training."""

    name: str
    look: str
    places: Sequence[Place]


def curves_chart(
    title: str, curves: Sequence[Curve], axis: str, *, note: str = "", unit: str = "", zero: bool = False
) -> str:
    """Lines over cycles, or over the loss, which falls to the right.

    Args:
        title: HTML above the chart.
        axis: 'cycle' or 'loss'.
        note: HTML below the title, in small.
        unit: Unit of the values.
        zero: Whether 0 belongs on the y axis.
    """
    shown = [Curve(c.name, c.look, _thin_points(c.places)) for c in curves if c.places]
    along = sorted({x for curve in shown for x, _ in curve.places})
    x = cycle_scale([int(c) for c in along], LEFT + 6, RIGHT - 8) if axis == "cycle" else loss_scale(along)
    y = value_scale([value for curve in shown for _, value in curve.places], BOTTOM, TOP, zero=zero)
    drawn = "".join(_curve(curve, x, y) for curve in shown)
    name_of_axis = say("cycle") if axis == "cycle" else say("loss")
    label = say("{lines} over {axis}", lines=", ".join(curve.name for curve in shown), axis=name_of_axis)
    return panel(title, frame(x, y, name_of_axis) + drawn, label, note=note, unit=unit)


def loss_scale(losses: Sequence[Number]) -> Scale:
    """From the highest loss on the left to the lowest; logarithmic if they span more than a factor of ten."""
    low, high = min(losses), max(losses)
    if low <= 0 or high < 10 * low:
        return value_scale(losses, RIGHT - 8, LEFT + 6)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    parts = (1, 2, 5) if len(decades) <= 3 else (1,)
    every = 1 + (len(decades) - 1) // 6
    ticks = [m * 10.0**k for k in decades if k % every == 0 for m in parts if low <= m * 10.0**k <= high]
    return Scale(low, high, RIGHT - 8, LEFT + 6, tuple((t, localise(f"{t:g}")) for t in ticks), math.log10)


def keys(entries: Iterable[tuple[str, str]]) -> str:
    """A legend of (look, name as HTML)."""
    return '<ul class="legend">' + "".join(f"<li>{key(look)}{name}</li>" for look, name in entries) + "</ul>"


def key(look: str) -> str:
    """A stretch of a run's line with its shape."""
    return (
        f'<svg class="key" viewBox="0 0 34 12" width="34" height="12" aria-hidden="true">'
        f'<path class="line look-{look}" d="M1 6H33"/>{_shape(look, 17, 6)}</svg>'
    )


def _curve(curve: Curve, x: Scale, y: Scale) -> str:
    places = [(x(across), y(value)) for across, value in curve.places]
    points = " ".join(f"{across:g},{up:g}" for across, up in places)
    title = f"<title>{escape_html(curve.name)}</title>"
    line = f'<polyline class="line look-{curve.look}" points="{points}">{title}</polyline>'
    return line + "".join(_shape(curve.look, *place) for place in _marked_points(places, LOOKS.index(curve.look)))


def _marked_points(places: Sequence[Place], number: int) -> list[Place]:
    """Points of the line that are far enough apart to get a shape; at least the last one."""
    marked: list[Place] = []
    next_at = places[0][0] + SHIFT * number
    for place in places:
        if place[0] >= next_at:
            marked.append(place)
            next_at = place[0] + APART
    return marked or [places[-1]]


def _shape(look: str, across: Number, up: Number) -> str:
    shape = PATHS[SHAPES[LOOKS.index(look) % len(SHAPES)]]
    return f'<path class="mark look-{look}" d="{shape}" transform="translate({across:g} {up:g})"/>'


def _thin_points(places: Sequence[Place]) -> Sequence[Place]:
    if len(places) <= MOST_POINTS:
        return places
    return [places[round(i * (len(places) - 1) / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]
