"""Barcodes, persistence diagrams and Betti curves as SVG; report.js redraws them on the same axes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from topores.report.axes import Scale, value_scale
from topores.report.charts import BOTTOM, LEFT, PATHS, RIGHT, SHAPES, TOP, frame, panel
from topores.report.numbers import Number

Bars = Float[np.ndarray, "_ 2"]
"""(birth, death) rows of one degree, however many; an essential bar dies at inf."""

Pins = Bool[np.ndarray, " _"]
"""For each bar, whether it is marked."""

Span = tuple[float, float]
"""Where an axis of distances begins and ends; the same for all states, so that pictures can be compared."""

DEGREES = {0: "clusters", 1: "loops", 2: "hollow spaces"}

MOST_BARS = 500
"""Longer diagrams are drawn by their longest bars; the page says so."""


def degree_name(degree: int) -> str:
    """
    >>> degree_name(1)
    'loops'
    """
    return DEGREES.get(degree, f"degree {degree}")


def longest(diagram: Bars) -> Bars:
    """At most `MOST_BARS` bars, the longest ones, in the order they had."""
    if len(diagram) <= MOST_BARS:
        return diagram
    kept = np.argsort(diagram[:, 0] - diagram[:, 1], kind="stable")[:MOST_BARS]
    return diagram[np.sort(kept)]


def barcode(degree: int, diagram: Bars, pinned: Pins, span: Span, axis: str, note: str) -> str:
    """Bars one below the other, from birth to death; those that never die run on to the edge."""
    x = value_scale(span, LEFT, RIGHT - 8)
    ticks = value_scale([0.0, 1.0], BOTTOM, TOP)
    bare = Scale(ticks.low, ticks.high, ticks.start, ticks.end, ())
    drawn = "".join(
        f'<path class="{look}" stroke-width="{width:g}" d="M{left:g} {up:g}H{right:g}"/>'
        for left, right, up, width, look in _bar_places(diagram, pinned, x)
    )
    empty = "" if len(diagram) else _empty()
    extra = f' data-barcode="{degree}" data-x="{x.line()}" data-y="0 1 {BOTTOM} {TOP}"'
    name = degree_name(degree)
    drawing = f'{frame(x, bare, axis)}<g class="bars degree{degree}">{drawn}{empty}</g>'
    return panel(f"Barcode: {name}", drawing, f"Barcode of {len(diagram)} {name}", note=note, extra=extra)


def _bar_places(diagram: Bars, pinned: Pins, x: Scale) -> list[tuple[Number, Number, Number, Number, str]]:
    step = min((BOTTOM - TOP) / max(len(diagram), 1), 9.0)
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


def persistence_diagram(diagrams: dict[int, Bars], pinned: dict[int, Pins], span: Span, axis: str, note: str) -> str:
    """Birth across, death upwards; the further above the diagonal, the longer the bar."""
    x, y = value_scale(span, LEFT, RIGHT - 8), value_scale(span, BOTTOM, TOP + 12)
    diagonal = f'<path class="axis" d="M{x(x.low):g} {y(y.low):g}L{x(x.high):g} {y(y.high):g}"/>'
    points = "".join(_points(degree, bars, pinned[degree], x, y) for degree, bars in diagrams.items())
    extra = f' data-diagram="{" ".join(map(str, diagrams))}" data-x="{x.line()}" data-y="{y.line()}"'
    drawing = f'{frame(x, y, f"birth: {axis}")}{diagonal}<g class="points">{points}</g>'
    label = "Persistence diagram: " + ", ".join(f"{len(bars)} {degree_name(d)}" for d, bars in diagrams.items())
    names = " and ".join(degree_name(d) for d in diagrams)
    return panel(f"Diagram: {names}", drawing, label, note=note, extra=extra)


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
    name = degree_name(degree)
    return panel(f"Number of {name}", drawing, f"Number of {name} over distance", note=note, extra=extra)


def _empty() -> str:
    return f'<text class="title" x="{(LEFT + RIGHT) / 2:g}" y="{(TOP + BOTTOM) / 2:g}" text-anchor="middle">none</text>'
