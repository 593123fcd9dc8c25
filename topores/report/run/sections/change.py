"""How the space changed between states: rotation, scale, deformation, and changes of its diagrams."""

from collections.abc import Sequence

from topores.domain import Analysis
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.numbers import digits
from topores.report.html.safe import escape_html
from topores.report.html.tables import fold
from topores.report.language import later, say
from topores.report.names import shown_cloud, state_axis, state_name, unit_of
from topores.report.run.change_data import Panel, all_series, panels
from topores.report.run.controls import shown_place

ORDER = 60
TITLE = later("How the space changed")

Values = Sequence[Sequence[Sequence[Sequence[float | None]]]]
"""By series, layer, cloud, state."""


def render(analysis: Analysis) -> str:
    shown = panels(analysis)
    if not shown:
        return ""
    values = all_series(analysis, shown)
    charts = _charts(analysis, shown, values) if len(analysis.states) > 1 else ""
    title = say("The numbers behind these charts") if charts else say("The numbers")
    behind = fold(title, _table(analysis, shown, values), opened=not charts)
    return "".join([_words(analysis), shown_place(analysis, state=False), charts, behind])


def _words(analysis: Analysis) -> str:
    if len(analysis.states) == 1:
        return say(
            "<p>There is only one state, so there is nothing to compare it with; these numbers describe it alone.</p>"
        )
    return say(
        "<p>Each state is compared with the first one and with the previous one. What one rotation of the whole space "
        "and one change of scale explain is separated first; the remainder is deformation. Axes are the same for all "
        "layers and clouds, so that charts can be compared.</p>"
    )


def _charts(analysis: Analysis, shown: Sequence[Panel], values: Values) -> str:
    drawn, first = [], 0
    for panel in shown:
        drawn.append(_chart(analysis, panel, values, first))
        first += len(panel.series)
    return f'{_legend(shown)}<div class="panels four">{"".join(drawn)}</div>'


def _chart(analysis: Analysis, panel: Panel, values: Values, first: int) -> str:
    """One panel; `first` is the place of its first line among all series."""
    layer, cloud = len(analysis.layers) - 1, analysis.clouds.index(shown_cloud(analysis))
    lines = [Line(one.name, one.look, values[i][layer][cloud], i) for i, one in enumerate(panel.series, first)]
    everywhere = [
        v for one in values[first : first + len(lines)] for by_cloud in one for by_state in by_cloud for v in by_state
    ]
    return line_chart(
        panel.title,
        [state.cycle for state in analysis.states],
        lines,
        axis=state_axis(analysis),
        note=panel.note,
        unit=unit_of(analysis, panel.measure),
        reach=[v for v in everywhere if v is not None],
    )


def _legend(shown: Sequence[Panel]) -> str:
    """Every look once, in order of appearance."""
    looks = {one.look: one.name for panel in shown for one in panel.series}
    return legend([(look, escape_html(name)) for look, name in looks.items()])


def _table(analysis: Analysis, shown: Sequence[Panel], values: Values) -> str:
    """Measures down, states across; report.js updates the cells."""
    layer, cloud = len(analysis.layers) - 1, analysis.clouds.index(shown_cloud(analysis))
    head = "".join(f'<th scope="col">{escape_html(state_name(state))}</th>' for state in analysis.states)
    series = [(panel, one) for panel in shown for one in panel.series]
    rows = "".join(
        f'<tr data-row="{i}"><th scope="row">{_row_name(analysis, panel, one.name)}</th>'
        + "".join(f"<td>{_cell(v)}</td>" for v in values[i][layer][cloud])
        + "</tr>"
        for i, (panel, one) in enumerate(series)
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="numbers"><thead><tr><th scope="col">{say("Measure")}</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row_name(analysis: Analysis, panel: Panel, name: str) -> str:
    unit = unit_of(analysis, panel.measure)
    measured = f" ({escape_html(unit)})" if unit else ""
    which = f", {escape_html(name)}" if len(panel.series) > 1 else ""
    return f"{panel.title}{which}{measured}"


def _cell(value: float | None) -> str:
    """A dash where there is nothing to compare with, as in the first state."""
    return "–" if value is None else digits(value)
