"""Barcodes, persistence diagrams and Betti curves as SVG; report.js redraws them on the same axes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from topores.report.html.axes import Scale, value_scale
from topores.report.html.charts import BOTTOM, LEFT, PATHS, RIGHT, SHAPES, TOP, frame, panel
from topores.report.html.numbers import Number
from topores.report.html.safe import escape_html
from topores.report.language import later, say, template
from topores.report.names import count_in_words, degree_name

Bars = Float[np.ndarray, "_ 2"]
"""(birth, death) rows of one degree; an essential bar dies at inf."""

Pins = Bool[np.ndarray, " _"]
"""For each bar, whether it is highlighted."""

Span = tuple[float, float]
"""Ends of an axis of distances."""

NUMBERS = {0: later("Number of clusters"), 1: later("Number of loops"), 2: later("Number of hollow spaces")}

MOST_BARS = 200
"""Larger diagrams are drawn by their longest bars; the page says so."""


def longest(diagram: Bars) -> Bars:
    """The longest `MOST_BARS` bars at most, in their original order."""
    if len(diagram) <= MOST_BARS:
        return diagram
    kept = np.argsort(diagram[:, 0] - diagram[:, 1], kind="stable")[:MOST_BARS]
    return diagram[np.sort(kept)]


LONGEST = later("{drawn} longest of {every}")


def _drawn_count(degree: int, diagram: Bars, every: int | None) -> str:
    """
    >>> _drawn_count(1, np.zeros((200, 2)), 240)
    '200 longest of 240 loops'
    """
    if every is None or every <= len(diagram):
        return count_in_words(len(diagram), degree)
    return say(LONGEST, drawn=len(diagram), every=count_in_words(every, degree))


def _script_templates(label: str) -> str:
    """Attributes with templates that report.js fills for other states."""
    return f' data-label="{escape_html(label)}" data-longest="{escape_html(template(LONGEST))}"'


def barcode(
    degree: int, diagram: Bars, pinned: Pins, span: Span, axis: str, note: str, reach: float | None = None,
    every: int | None = None,
) -> str:  # fmt: skip
    """Bars one below the other, from birth to death; bars that never die run to the edge.

    Args:
        reach: Largest ratio death / birth of noise bars, drawn as a band behind each bar.
        every: Number of all bars, where `diagram` has only the longest.
    """
    x, bare = barcode_scales(span)
    drawn = "".join(
        f'<path class="{look}" stroke-width="{width:g}" d="M{left:g} {up:g}H{right:g}"/>'
        for left, right, up, width, look in _bar_places(diagram, pinned, x)
    )
    empty = "" if len(diagram) else _empty()
    extra = f' data-barcode="{degree}" data-x="{x.line()}" data-y="0 1 {BOTTOM} {TOP}"'
    name = degree_name(degree)
    band = "" if reach is None else f'<path class="band" d="{_band(diagram, x, reach)}"/>'
    drawing = f'{frame(x, bare, axis)}<g class="bars degree{degree}">{band}{drawn}{empty}</g>'
    drawn_bars = _drawn_count(degree, diagram, every)
    label = say("Barcode: {counted}", counted=drawn_bars)
    extra += _script_templates(template("Barcode: {counted}"))
    some = drawn_bars if every is not None and every > len(diagram) else ""
    return panel(say("Barcode: {kind}", kind=name), drawing, label, note=_with_count(note, some), extra=extra)


def _with_count(note: str, some: str) -> str:
    """The note, and below it how many bars are drawn if not all; report.js updates it."""
    return f"{note}<span data-drawn>{some}</span>"


def barcode_scales(span: Span) -> tuple[Scale, Scale]:
    """Scales of distances across and of bars downwards, which need no ticks."""
    return value_scale(span, LEFT, RIGHT - 8), Scale(0.0, 1.0, BOTTOM, TOP, ())


def diagram_scales(span: Span) -> tuple[Scale, Scale]:
    """Scales of births across and of deaths upwards."""
    return value_scale(span, LEFT, RIGHT - 8), value_scale(span, BOTTOM, TOP + 12)


def _band(diagram: Bars, x: Scale, reach: float) -> str:
    """One outline around the stretches that noise could fill."""
    step = _step(diagram)
    rows = [
        f"M{x(birth):g} {TOP + place * step:.2f}H{min(x(birth * reach), float(RIGHT)):g}v{step:.2f}H{x(birth):g}Z"
        for place, birth in enumerate(diagram[:, 0].tolist())
    ]
    return "".join(rows)


def _step(diagram: Bars) -> float:
    return min((BOTTOM - TOP) / max(len(diagram), 1), 9.0)


def _bar_places(diagram: Bars, pinned: Pins, x: Scale) -> list[tuple[Number, Number, Number, Number, str]]:
    step = _step(diagram)
    width = round(max(step * 0.7, 0.5), 2)
    return [
        (
            x(birth),
            x(death) if np.isfinite(death) else RIGHT,
            round(TOP + (place + 0.5) * step, 2),
            max(width, 3.0) if pin else width,
            "pinned" if pin else "bar",
        )
        for place, ((birth, death), pin) in enumerate(zip(diagram.tolist(), pinned.tolist(), strict=True))
    ]


def persistence_diagram(
    diagrams: dict[int, Bars], pinned: dict[int, Pins], span: Span, axis: str, note: str, reach: float | None = None,
    every: dict[int, int] | None = None,
) -> str:  # fmt: skip
    """Birth across, death upwards; the further above the diagonal, the longer the bar.

    Args:
        reach: Largest ratio death / birth of noise bars, drawn as a line.
        every: Number of all bars by degree, where `diagrams` have only the longest.
    """
    x, y = diagram_scales(span)
    diagonal = f'<path class="axis diagonal" d="M{x(x.low):g} {y(y.low):g}L{x(x.high):g} {y(y.high):g}"/>'
    points = "".join(_points(degree, bars, pinned[degree], x, y) for degree, bars in diagrams.items())
    extra = f' data-diagram="{" ".join(map(str, diagrams))}" data-x="{x.line()}" data-y="{y.line()}"'
    across = say("birth: {axis}", axis=axis)
    drawing = f'{frame(x, y, across)}{diagonal}{_reach_line(x, y, reach)}<g class="points">{points}</g>'
    every = every or {}
    there = ", ".join(_drawn_count(d, bars, every.get(d)) for d, bars in diagrams.items())
    label = say("Persistence diagram: {counted}", counted=there)
    extra += _script_templates(template("Persistence diagram: {counted}"))
    some = there if any(every.get(d, 0) > len(bars) for d, bars in diagrams.items()) else ""
    names = ", ".join(degree_name(d) for d in diagrams)
    return panel(say("Diagram: {kinds}", kinds=names), drawing, label, note=_with_count(note, some), extra=extra)


def _reach_line(x: Scale, y: Scale, reach: float | None) -> str:
    """The line death = `reach` × birth within the diagram; empty if it is outside."""
    if reach is None:
        return '<path class="level reach" d=""/>'
    left, right = max(x.low, y.low / reach), min(x.high, y.high / reach)
    path = f"M{x(left):g} {y(left * reach):g}L{x(right):g} {y(right * reach):g}" if left < right else ""
    return f'<path class="level reach" d="{path}"/>'


def _points(degree: int, diagram: Bars, pinned: Pins, x: Scale, y: Scale) -> str:
    shape = PATHS[SHAPES[f"degree{min(degree, 2)}"]]
    places = [
        (x(birth), y(death) if np.isfinite(death) else TOP, " pinned" if pin else "")
        for (birth, death), pin in zip(diagram.tolist(), pinned.tolist(), strict=True)
    ]
    return "".join(
        f'<path class="mark degree{degree}{pin}" d="{shape}" transform="translate({across:g} {up:g})"/>'
        for across, up, pin in places
    )


def betti_chart(
    degree: int, thresholds: Sequence[float], counts: Sequence[float], span: Span, most: float, axis: str, note: str
) -> str:
    """How many clusters, loops or voids there are when points nearer than a distance are joined."""
    x = value_scale(span, LEFT, RIGHT - 8)
    y = value_scale([0.0, most], BOTTOM, TOP, zero=True, whole=True)
    # A count holds until the next threshold: steps, not slopes.
    ends = zip(thresholds, [*counts[:1], *counts[:-1]], counts, strict=True)
    places = " ".join(f"{x(t):g},{y(n):g}" for t, before, after in ends for n in (before, after))
    extra = f' data-betti="{degree}" data-x="{x.line()}" data-y="{y.line()}"'
    drawing = f'{frame(x, y, axis)}<polyline class="line look-degree{min(degree, 2)} dense" points="{places}"/>'
    title = say(NUMBERS[degree]) if degree in NUMBERS else say("Number of bars of degree {n}", n=degree)
    return panel(title, drawing, say("{title} by distance", title=title), note=note, extra=extra)


def _empty() -> str:
    place = f'x="{(LEFT + RIGHT) / 2:g}" y="{(TOP + BOTTOM) / 2:g}"'
    return f'<text class="title" {place} text-anchor="middle">{say("none")}</text>'
