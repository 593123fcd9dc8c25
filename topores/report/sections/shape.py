"""Clusters and loops of one state: barcodes, diagram and Betti curves, with a slider over the states."""

from collections.abc import Mapping

import numpy as np

from topores.domain import Analysis
from topores.report import shape_data
from topores.report.bars import MOST_BARS, Bars, barcode, betti_chart, degree_name, longest, persistence_diagram
from topores.report.charts import legend
from topores.report.controls import controls, shown_place
from topores.report.glossary import term
from topores.report.numbers import digits, plural
from topores.report.readings import distance_axis, shown_cloud
from topores.report.safe import escaped
from topores.report.tables import folded, table

ORDER = 70
TITLE = "Clusters and loops, state by state"


def render(analysis: Analysis) -> str:
    degrees = shape_data.degrees(analysis)
    if not degrees:
        return ""
    place = (analysis.states[-1].cycle, analysis.layers[-1], shown_cloud(analysis))
    whole = {degree: shape_data.diagram(analysis, place, degree) for degree in degrees}
    shown = {degree: longest(bars) for degree, bars in whole.items()}
    return "".join(
        [
            _words(),
            controls(analysis, cycle=True),
            shown_place(analysis, state=True),
            _counts(whole),
            _legend(analysis, degrees),
            f'<div class="panels three">{_bars(analysis, place, shown)}{_curves(analysis, place)}',
            f"{_how_to_read()}</div>",
            _behind(analysis, place, shown),
        ]
    )


def _words() -> str:
    return (
        "<p>Join all points that are nearer than some distance, and let that distance grow. At 0 every passage is a "
        f"cluster of its own; clusters merge, and rings of passages close into loops and fill up again. "
        f"Each {term('bar')} is one cluster or loop, from the distance where it is born to the one where it dies.</p>"
    )


def _counts(whole: Mapping[int, Bars]) -> str:
    """How many bars there are, and whether all of them are drawn."""
    words = "".join(f'<span data-count="{degree}">{_count(degree, len(bars))}</span>' for degree, bars in whole.items())
    return f'<p class="note counts">{words}</p>'


def _count(degree: int, bars: int) -> str:
    """
    >>> _count(1, 3)
    'loops: 3 bars. '
    """
    cut = f", the longest {MOST_BARS} drawn" if bars > MOST_BARS else ""
    return f"{degree_name(degree)}: {plural(bars, 'bar')}{cut}. "


def _legend(analysis: Analysis, degrees: list[int]) -> str:
    entries = [(f"degree{min(degree, 2)}", degree_name(degree)) for degree in degrees]
    note = '<p class="note">Heavy marks: loops whose passages stand in the next section.</p>' if analysis.loops else ""
    return legend(entries) + note


def _bars(analysis: Analysis, place: shape_data.Place, shown: Mapping[int, Bars]) -> str:
    axis = distance_axis(analysis)
    pins = {degree: shape_data.pinned(analysis, place, degree, bars) for degree, bars in shown.items()}
    notes = {0: "each ends where two clusters merge", 1: "each starts where a ring closes"}
    codes = [
        barcode(d, bars, pins[d], shape_data.span(analysis, [d]), axis, notes.get(d, "")) for d, bars in shown.items()
    ]
    # All clusters are born at 0, so their diagram tells no more than their barcode.
    told = {d: bars for d, bars in shown.items() if d > 0} or dict(shown)
    note = "death upwards; far above the line: long-lived"
    return "".join(codes) + persistence_diagram(told, pins, shape_data.span(analysis, told), axis, note)


def _curves(analysis: Analysis, place: shape_data.Place) -> str:
    """The Betti curves as measured; their axes reach as far as any state needs."""
    curves = shape_data.betti_curves(analysis)
    span = (0.0, max((t for points in curves.values() for t, _ in points), default=1.0))
    measured = {d for *_, d in curves}
    parts = []
    for degree in [d for d in shape_data.degrees(analysis) if d in measured]:
        most = max(n for (*_, d), points in curves.items() if d == degree for _, n in points)
        points = curves.get((*place, degree), [])
        along, counts = [t for t, _ in points], [n for _, n in points]
        note = term("Betti number")
        parts.append(betti_chart(degree, along, counts, span, max(most, 1.0), distance_axis(analysis), note))
    return "".join(parts)


def _how_to_read() -> str:
    return (
        '<aside class="panel reading"><h3>How to read this</h3><p>Most bars are short, and short bars are noise: '
        "any scattered points have them. A loop that lives from a small to a much larger distance is worth a look; "
        "whether it is more than chance stands with it in the next section.</p><p>Axes are the same for all states, "
        "layers and clouds. An open end at the right edge, or a mark on the upper rim, never dies.</p></aside>"
    )


def _behind(analysis: Analysis, place: shape_data.Place, shown: Mapping[int, Bars]) -> str:
    """Every bar in a table, longest first, and the Betti curves in another."""
    axis = escaped(distance_axis(analysis).removeprefix("distance").strip())
    head = ["Kind", *(f"{name} {axis}".strip() for name in ("Birth", "Death", "Length"))]
    rows = [_row(degree, *bar) for degree, bars in shown.items() for bar in _by_length(bars)]
    bars = folded("The bars behind these pictures", table(head, rows, look="numbers bars-table"))
    curves = shape_data.betti_curves(analysis)
    counts = [
        [degree_name(d), digits(t), digits(int(n))]
        for d in shape_data.degrees(analysis)
        for t, n in curves.get((*place, d), [])
    ]
    if not counts:
        return bars
    table_of_counts = table(["Kind", f"Distance {axis}".strip(), "How many"], counts, look="numbers betti-table")
    return bars + folded("The counts behind the curves", table_of_counts)


def _by_length(bars: Bars) -> list[list[float]]:
    order = np.argsort(bars[:, 0] - bars[:, 1], kind="stable")
    return bars[order].tolist()


def _row(degree: int, birth: float, death: float) -> list[str]:
    if np.isinf(death):
        return [degree_name(degree), digits(birth), "never", "–"]
    return [degree_name(degree), digits(birth), digits(death), digits(death - birth)]
