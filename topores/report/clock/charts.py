"""The two charts of the logarithmic clock: cycles over 1 / temperature, and margin over cycles."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from topores.report.html.axes import Scale, cycle_scale, value_scale
from topores.report.html.charts import BOTTOM, LEFT, PATHS, RIGHT, TOP, frame, panel
from topores.report.html.numbers import Number, digits, power, short
from topores.report.html.safe import escape_html

Facts = Mapping[str, Any]
"""An object of the clock's summary, or a run."""

Place = tuple[Number, Number]

STROKES = 60
"""Line segments of a curve."""

LABELS = 0.2
"""Space above the target margin for labels, as a share of the space below it."""

NAME = 34
"""Width of a temperature's label."""

MOST_RUNS = 24
"""With more runs than this, only the first starts of each temperature are drawn."""


def law_chart(found: Facts, runs: Sequence[Facts]) -> str:
    """Counted and extrapolated cycles over 1 / temperature, with the fitted line and the predicted one.

    Empty if no temperature has either.
    """
    shown = [row for row in found["temperatures"] if _height(row) is not None]
    if not shown:
        return ""
    x = value_scale([1 / row["temperature"] for row in shown], LEFT + 6, RIGHT - 30)
    y = _decades([count for row in shown for count in (_height(row) or 1, *row["counts"])])
    lines = _law_lines(found["law"], runs, x, y) if found["law"] else ""
    drawing = (
        frame(x, y, "1 / temperature")
        + lines
        + "".join(_point(row, x, y) for row in shown)
        + _temperature_labels(shown, x, y)
    )
    note = "Each point is a temperature, with its value next to it. Cycles are on a logarithmic scale."
    label = f"Cycles to the margin over 1 / temperature, {len(shown)} temperatures"
    return panel("Cycles to the margin", drawing, label, note=note)


def law_legend(found: Facts) -> str:
    """Legend of both charts, with only the entries that are drawn."""
    rows, law = found["temperatures"], found["law"]
    entries = [
        ("mark look-counted", "counted: a literal run", any(row["counts"] for row in rows)),
        ("mark look-foretold", "extrapolated by the fitted line", any(row["extrapolated"] for row in rows)),
        ("line look-fitted", "fitted line", law),
        ("line look-law", "line with the predicted slope", law),
    ]
    return '<ul class="legend">' + "".join(_key(look, name) for look, name, there in entries if there) + "</ul>"


def drawn_runs(runs: Sequence[Facts]) -> list[Facts]:
    """All runs, or the first starts of each temperature if there are many."""
    temperatures = list(dict.fromkeys(run["temperature"] for run in runs))
    each = max(1, MOST_RUNS // max(1, len(temperatures)))
    return [run for t in temperatures for run in [r for r in runs if r["temperature"] == t][:each]]


def margin_chart(found: Facts, runs: Sequence[Facts]) -> str:
    """The margin of each run over its cycles, and the target margin."""
    margins = [look["margin"] for run in runs for look in run["looks"]]
    x = cycle_scale(sorted({look["cycle"] for run in runs for look in run["looks"]}), LEFT + 6, RIGHT - 14)
    room = LABELS * (found["margin"] - min(margins))
    y = value_scale([*margins, found["margin"] + room], BOTTOM, TOP)
    level = f'<path class="level look-law" d="M{LEFT} {y(found["margin"]):g}H{RIGHT}"/>'
    lines = "".join(_run_line(run, x, y) for run in runs)
    reached = "".join(
        _mark("counted", x(run["reached"]), y(found["margin"])) for run in runs if run["reached"] is not None
    )
    drawing = frame(x, y, "cycle") + level + lines + reached + _run_names(found, runs, x, y)
    note = (
        "Each line is a run, labelled with its temperature; a dot marks where it reached the target margin of "
        f"{digits(found['margin'])}, the horizontal line."
    )
    label = f"Margin of the worst row over cycles, {len(runs)} runs"
    return panel("Margin of the worst row", drawing, label, note=note, unit="cosine")


def _height(row: Facts) -> Number | None:
    return row["cycles"] or row["extrapolated"]


def _decades(cycles: Iterable[Number]) -> Scale:
    """Powers of ten around `cycles`, on a log10 scale; at most nine of them are labelled."""
    heights = [math.log10(max(1, count)) for count in cycles]
    low, high = math.floor(min(heights)), math.ceil(max(heights))
    high = max(high, low + 1)
    every = 1 + (high - low) // 9
    ticks = tuple((10.0**k, _tick(k)) for k in range(low, high + 1, every))
    return Scale(10.0**low, 10.0**high, BOTTOM, TOP, ticks, math.log10)


def _tick(exponent: int) -> str:
    return short(10**exponent) if exponent <= 9 else power(exponent)


def _law_lines(law: Facts, runs: Sequence[Facts], x: Scale, y: Scale) -> str:
    """The fitted line, and a line with the predicted slope through the middle of the counts."""
    middle = fmean(1 / run["temperature"] for run in runs if run["reached"] is not None)
    predicted = law["intercept"] + (law["slope"] - law["expected"]) * middle
    return _curve(law["slope"], law["intercept"], "fitted", x, y) + _curve(law["expected"], predicted, "law", x, y)


def _curve(slope: Number, intercept: Number, look: str, x: Scale, y: Scale) -> str:
    """temperature × e^(intercept + slope / temperature), within the chart."""
    sharpness = [x.low + (x.high - x.low) * k / STROKES for k in range(STROKES + 1)]
    places = [(s, (intercept + slope * s - math.log(s)) / math.log(10)) for s in sharpness if s > 0]
    within = [(x(s), y(10**height)) for s, height in places if math.log10(y.low) <= height <= math.log10(y.high)]
    return _polyline(within, look)


def _polyline(places: Sequence[Place], look: str, name: str = "") -> str:
    points = " ".join(f"{across:g},{up:g}" for across, up in places)
    title = f"<title>{escape_html(name)}</title>" if name else ""
    return f'<polyline class="line look-{look}" points="{points}">{title}</polyline>'


def _point(row: Facts, x: Scale, y: Scale) -> str:
    """The point of a temperature, and a stroke from its fastest to its slowest start."""
    across, height = x(1 / row["temperature"]), y(_height(row) or 1)
    ends = sorted({y(count) for count in row["counts"]})
    stroke = f'<path class="line look-counted" d="M{across:g} {ends[0]:g}V{ends[-1]:g}"/>' if len(ends) > 1 else ""
    return stroke + _mark("foretold" if row["cycles"] is None else "counted", across, height)


def _mark(look: str, across: Number, up: Number) -> str:
    return f'<path class="mark look-{look}" d="{PATHS["circle"]}" transform="translate({across:g} {up:g})"/>'


def _temperature_labels(rows: Iterable[Facts], x: Scale, y: Scale) -> str:
    """Temperatures at the lower right of their points, where they do not overlap."""
    places = {row["temperature"]: (x(1 / row["temperature"]), y(_height(row) or 1)) for row in rows}
    named = _not_overlapping(places, lambda one, other: abs(one[0] - other[0]) < NAME and abs(one[1] - other[1]) < 10)
    return "".join(
        f'<text class="tick" x="{across + 6:g}" y="{min(up + 11, BOTTOM - 3):g}">{temperature:g}</text>'
        for temperature, (across, up) in named.items()
    )


def _run_line(run: Facts, x: Scale, y: Scale) -> str:
    places = [(x(look["cycle"]), y(look["margin"])) for look in run["looks"]]
    return _polyline(places, "run", f"temperature {run['temperature']:g}, seed {run['seed']}")


def _run_names(found: Facts, runs: Sequence[Facts], x: Scale, y: Scale) -> str:
    """Temperatures above the dots, or at the end of a run without one; rotated because dots are close together."""
    first = {run["temperature"]: run for run in reversed(runs)}
    places = {t: _end(run, found["margin"], x, y) for t, run in sorted(first.items(), reverse=True)}
    named = _not_overlapping(places, lambda one, other: abs(one[0] - other[0]) < 12 and abs(one[1] - other[1]) < 24)
    return "".join(
        f'<text class="tick" transform="translate({across + 5:g} {up - 7:g}) rotate(-65)">{temperature:g}</text>'
        for temperature, (across, up) in named.items()
    )


def _end(run: Facts, margin: Number, x: Scale, y: Scale) -> Place:
    if run["reached"] is not None:
        return x(run["reached"]), y(margin)
    return x(run["looks"][-1]["cycle"]), y(run["looks"][-1]["margin"])


def _not_overlapping(places: Mapping[Number, Place], near: Callable[[Place, Place], bool]) -> dict[Number, Place]:
    """The places, in order, that are not close to an earlier one."""
    kept: dict[Number, Place] = {}
    for temperature, place in places.items():
        if not any(near(place, other) for other in kept.values()):
            kept[temperature] = place
    return kept


def _key(look: str, name: str) -> str:
    """A legend entry: a shape or a piece of a line."""
    drawn = f'd="{PATHS["circle"]}" transform="translate(14 6)"' if look.startswith("mark") else 'd="M1 6H27"'
    return (
        f'<li><svg class="key" viewBox="0 0 28 12" width="28" height="12" aria-hidden="true">'
        f'<path class="{look}" {drawn}/></svg>{name}</li>'
    )
