"""Small line charts as SVG; colours and dashes come from the style sheet by class."""

from collections.abc import Sequence
from dataclasses import dataclass

from topores.report.html.axes import Scale, cycle_scale, value_scale
from topores.report.html.safe import escape_html
from topores.report.language import say

WIDTH, HEIGHT = 360, 232
LEFT, RIGHT, TOP, BOTTOM = 44, 350, 10, 194

SHAPES = {
    "all": "circle", "t1": "circle", "t2": "triangle", "union": "diamond",
    "1to1": "circle", "2to2": "triangle", "1to2": "circle", "2to1": "triangle",
    "held12": "circle", "held21": "triangle", "train12": "circle", "train21": "triangle",
    "first": "circle", "previous": "square", "degree0": "circle", "degree1": "triangle", "degree2": "square",
    "null": "square", "track0": "circle", "track1": "triangle", "track2": "square", "track3": "diamond",
    "track4": "circle", "track5": "triangle",
}  # fmt: skip
"""Shape of the points by look of the line. The style sheet gives colour, dash and fill."""

PATHS = {
    "circle": "M0-3.2A3.2 3.2 0 1 1 0 3.2A3.2 3.2 0 1 1 0-3.2Z",
    "triangle": "M0-3.9L3.7 2.7H-3.7Z",
    "square": "M-2.8-2.8H2.8V2.8H-2.8Z",
    "diamond": "M0-4L4 0L0 4L-4 0Z",
}

# With more points than this, their shapes would hide the line.
MOST_SHAPES = 40


LONGEST_LABEL = 6
"""Characters that fit left of the y axis."""


@dataclass(frozen=True)
class Line:
    """One line of a chart: a value or None for each x."""

    name: str
    look: str
    values: Sequence[float | None]
    number: int | None = None
    """Index in the packed data, if report.js redraws it."""


@dataclass(frozen=True)
class Level:
    """A reference value, drawn across the whole chart."""

    name: str
    look: str
    value: float


def marks() -> str:
    """Shapes of all looks, once per page; lines refer to them by name."""
    shapes = "".join(
        f'<marker id="mark-{look}" viewBox="-5 -5 10 10" markerWidth="10" markerHeight="10" '
        f'markerUnits="userSpaceOnUse"><path class="mark look-{look}" d="{PATHS[shape]}"/></marker>'
        for look, shape in SHAPES.items()
    )
    return f'<svg class="marks" width="0" height="0" aria-hidden="true"><defs>{shapes}</defs></svg>'


def key(look: str, name: str) -> str:
    """A legend entry: a piece of the line with its shape, and the name as HTML."""
    path = PATHS[SHAPES[look]]
    return (
        f'<li><svg class="key" viewBox="0 0 28 12" width="28" height="12" aria-hidden="true">'
        f'<path class="line look-{look}" d="M1 6H27"/>'
        f'<path class="mark look-{look}" d="{path}" transform="translate(14 6)"/></svg>{name}</li>'
    )


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """A legend of (look, name as HTML) for a group of charts."""
    return '<ul class="legend">' + "".join(key(look, name) for look, name in entries) + "</ul>"


def line_chart(
    title: str, cycles: Sequence[int], lines: Sequence[Line], *, axis: str = "", note: str = "", unit: str = "",
    levels: Sequence[Level] = (), reach: Sequence[float] = (), zero: bool = False,
) -> str:  # fmt: skip
    """Lines over cycles.

    Args:
        title: HTML above the chart.
        cycles: Values of the x axis, rising.
        lines: Lines with one value per cycle.
        axis: Title of the x axis; 'cycle' by default.
        note: Small HTML below the title: how to read the chart.
        unit: Unit of the values.
        levels: Reference lines, such as the value before training.
        reach: Further values that the y axis has to include.
        zero: Whether the y axis includes 0.
    """
    x = cycle_scale(cycles, LEFT + 6, RIGHT - 8)
    values = [v for line in lines for v in line.values if v is not None]
    y = value_scale([*values, *reach, *(level.value for level in levels)], BOTTOM, TOP, zero=zero)
    drawn = "".join(_level(level, y) for level in levels) + "".join(_line(line, cycles, x, y) for line in lines)
    places = " ".join(f"{x(cycle):g}" for cycle in cycles)
    redrawn = f' data-x="{places}" data-y="{y.line()}"' if any(line.number is not None for line in lines) else ""
    axis, names = axis or say("cycle"), ", ".join(line.name for line in lines)
    label = say("{lines} by {axis}", lines=names, axis=axis)
    return panel(title, frame(x, y, axis) + drawn, label, note=note, unit=unit, extra=redrawn)


def panel(title: str, drawing: str, label: str, *, note: str = "", unit: str = "", extra: str = "") -> str:
    """A figure around one drawing: title and unit above, and a label for screen readers."""
    measured = f' <span class="unit">{escape_html(unit)}</span>' if unit else ""
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<figure class="panel"><figcaption><strong>{title}</strong>{measured}{small}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape_html(label)}"{extra}>{drawing}</svg>'
        "</figure>"
    )


def frame(x: Scale, y: Scale, axis: str) -> str:
    """Grid, ticks and the title of the x axis."""
    across = "".join(
        f'<path class="grid" d="M{LEFT} {y(v):g}H{RIGHT}"/><text class="tick" x="{LEFT - 6}" y="{y(v) + 3.5:g}" '
        f'text-anchor="end"{_squeeze(label)}>{label}</text>'
        for v, label in y.ticks
    )
    along = "".join(
        f'<path class="axis" d="M{x(v):g} {BOTTOM}v4"/><text class="tick" x="{x(v):g}" y="{BOTTOM + 19}" '
        f'text-anchor="middle">{label}</text>'
        for v, label in x.ticks
    )
    title = f'<text class="title" x="{RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape_html(axis)}</text>'
    base = f'<path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>'
    return f'<g class="frame">{across}{base}{along}</g>{title}'


def _squeeze(label: str) -> str:
    """Long labels of the y axis are squeezed, so that they stay within the figure."""
    return f' textLength="{LEFT - 8}" lengthAdjust="spacingAndGlyphs"' if len(label) > LONGEST_LABEL else ""


def _line(line: Line, cycles: Sequence[int], x: Scale, y: Scale) -> str:
    places = [(x(c), y(v)) for c, v in zip(cycles, line.values, strict=True) if v is not None]
    dense = " dense" if len(places) > MOST_SHAPES else ""
    points = " ".join(f"{across:g},{up:g}" for across, up in places)
    number = "" if line.number is None else f' data-series="{line.number}"'
    return (
        f'<polyline class="line look-{line.look}{dense}" points="{points}"{number}>'
        f"<title>{escape_html(line.name)}</title></polyline>"
    )


def _level(level: Level, y: Scale) -> str:
    return (
        f'<path class="level look-{level.look}" d="M{LEFT} {y(level.value):g}H{RIGHT}">'
        f"<title>{escape_html(level.name)}</title></path>"
    )
