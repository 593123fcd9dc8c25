"""Clusters and loops of one state in numbers: barcode of the clusters, Betti curves, and a table of all bars."""

from collections.abc import Mapping

import numpy as np

from topores.domain import Analysis, Place
from topores.quantities import quantity
from topores.report.glossary import quantity_term, term
from topores.report.html.numbers import digits
from topores.report.html.safe import escape_html
from topores.report.html.tables import fold, table
from topores.report.language import later, many, say
from topores.report.names import degree_name, distance_axis, distance_unit, shown_cloud
from topores.report.run import shape_data
from topores.report.run.controls import shown_place
from topores.report.run.diagram_charts import (
    MOST_BARS,
    Bars,
    barcode,
    betti_chart,
    longest,
    persistence_diagram,
)

ORDER = 30
TITLE = later("Clusters and loops in numbers")


def render(analysis: Analysis) -> str:
    degrees = analysis.degrees
    if not degrees:
        return ""
    place = (analysis.states[-1].cycle, analysis.layers[-1], shown_cloud(analysis))
    whole = {degree: analysis.diagram(place, degree) for degree in degrees}
    shown = {degree: longest(bars) for degree, bars in whole.items()}
    return "".join(
        [
            f"<p>{_words()}</p>",
            shown_place(analysis, state=True),
            _counts(whole),
            f'<div class="panels three">{_bars(analysis, shown)}{_curves(analysis, place)}',
            f"{_how_to_read()}</div>",
            _behind(analysis, place, shown),
        ]
    )


def _words() -> str:
    return say(
        "Join all points that are closer than some distance, and let that distance grow. At 0 every passage is its own "
        "cluster; then clusters merge, and rings of passages close into loops and fill up again. Each {bar} is one "
        "cluster or loop, from the distance at which it is born to the one at which it dies.",
        bar=term("bar"),
    )


def _counts(whole: Mapping[int, Bars]) -> str:
    """The number of bars, and whether all of them are drawn."""
    words = "".join(f'<span data-count="{degree}">{_count(degree, len(bars))}</span>' for degree, bars in whole.items())
    return f'<p class="note counts">{words}</p>'


def _count(degree: int, bars: int) -> str:
    """
    >>> _count(1, 3)
    'loops: 3 bars. '
    """
    counted = many(bars, "bar")
    if bars > MOST_BARS:
        counted = say("{bars}, the longest {most} drawn", bars=counted, most=MOST_BARS)
    return say("{kind}: {bars}. ", kind=degree_name(degree), bars=counted)


def _bars(analysis: Analysis, shown: Mapping[int, Bars]) -> str:
    """All but the loops, which are next to the map."""
    axis = distance_axis(analysis)
    others = {d: bars for d, bars in shown.items() if d != 1}
    pins = {degree: np.zeros(len(bars), dtype=bool) for degree, bars in others.items()}
    notes = {0: say("each ends where two clusters merge")}
    codes = [
        barcode(d, bars, pins[d], shape_data.span(analysis, [d]), axis, notes.get(d, "")) for d, bars in others.items()
    ]
    # All clusters are born at 0, so their diagram adds nothing to their barcode.
    told = {d: bars for d, bars in others.items() if d > 1}
    note = say("death upwards; far above the line: long-lived")
    diagram = persistence_diagram(told, pins, shape_data.span(analysis, told), axis, note) if told else ""
    return "".join(codes) + diagram


def _curves(analysis: Analysis, place: Place) -> str:
    """The measured Betti curves; their axes fit all states."""
    curves = analysis.curves("betti_curve")
    span = (0.0, max((t for points in curves.values() for t, _ in points), default=1.0))
    measured = {d for *_, d in curves}
    parts = []
    for degree in [d for d in analysis.degrees if d in measured]:
        most = max(n for (*_, d), points in curves.items() if d == degree for _, n in points)
        points = curves.get((*place, degree), [])
        along, counts = [t for t, _ in points], [n for _, n in points]
        note = quantity_term(quantity("betti_curve"))
        parts.append(betti_chart(degree, along, counts, span, max(most, 1.0), distance_axis(analysis), note))
    return "".join(parts)


def _how_to_read() -> str:
    noise = say(
        "Most bars are short, and short bars are noise: any scattered points have them. A loop that lasts from a small "
        "to a much larger distance is worth a look; its p says whether it is more than chance."
    )
    axes = say(
        "Axes are the same for all states and clouds; those of loops are adapted to each state, cloud and layer. A bar "
        "that reaches the right edge, or a mark at the upper edge, never dies."
    )
    return f'<aside class="panel reading"><h3>{say("How to read this")}</h3><p>{noise}</p><p>{axes}</p></aside>'


def _behind(analysis: Analysis, place: Place, shown: Mapping[int, Bars]) -> str:
    """Every bar in a table, longest first, and the Betti curves in another."""
    unit = distance_unit(analysis)
    in_unit = f" ({escape_html(unit)})" if unit else ""
    head = [say("Kind"), *(f"{name}{in_unit}" for name in (say("Birth"), say("Death"), say("Length")))]
    rows = [_row(degree, *bar) for degree, bars in shown.items() for bar in _by_length(bars)]
    bars = fold(say("The bars behind these pictures"), table(head, rows, look="numbers bars-table"))
    curves = analysis.curves("betti_curve")
    counts = [
        [degree_name(d), digits(t), digits(int(n))] for d in analysis.degrees for t, n in curves.get((*place, d), [])
    ]
    if not counts:
        return bars
    counted = [say("Kind"), f"{say('Distance')}{in_unit}", say("How many")]
    return bars + fold(say("The counts behind the curves"), table(counted, counts, look="numbers betti-table"))


def _by_length(bars: Bars) -> list[list[float]]:
    order = np.argsort(bars[:, 0] - bars[:, 1], kind="stable")
    return bars[order].tolist()


def _row(degree: int, birth: float, death: float) -> list[str]:
    if np.isinf(death):
        return [degree_name(degree), digits(birth), say("never"), "–"]
    return [degree_name(degree), digits(birth), digits(death), digits(death - birth)]
