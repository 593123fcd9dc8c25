"""Geometry of the space: distance of partners, and spread of the points."""

from collections.abc import Sequence

from topores.domain import Analysis
from topores.quantities import quantity
from topores.report.glossary import hint_of, measure_term, title_of
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.numbers import data
from topores.report.html.safe import escape_html
from topores.report.html.tables import fold, numbers_behind, table
from topores.report.language import later, say
from topores.report.names import cloud_name, layer_name, state_axis, state_name, unit_of
from topores.report.run.metric_lines import column, cycles, thin_lines

ORDER = 50
TITLE = later("Geometry of the space")

MEASURES = (
    "alignment", "uniformity", "rank_me", "modality_gap", "linear_probe_auc", "intrinsic_dimension",
    "maximum_likelihood_dimension", "persistent_homology_dimension", "hubness_skewness",
)  # fmt: skip

LOGGED = ("alignment", "uniformity", "rank_me", "modality_gap")
"""Measures that a run logs at every logged cycle; the others are measured on kept states only."""


Columns = dict[str, list[tuple[str, Sequence[float | None]]]]
"""By measure: the name of each cloud, and its values down the rows of a table."""


def render(analysis: Analysis) -> str:
    logged = _logged_charts(analysis)
    parts = [
        logged,
        _measured_charts(analysis, [m for m in MEASURES if not (logged and m in LOGGED)]),
        _by_layer(analysis),
    ]
    return "".join(parts)


def _logged_charts(analysis: Analysis) -> str:
    """Numbers logged while training, at the encoder's output."""
    lines, left_out = thin_lines(analysis.metrics)
    known = [m for m in LOGGED if any(v is not None for v in column(lines, m))]
    if not known:
        return ""
    along = cycles(lines)
    charts = "".join(
        line_chart(
            measure_term(m),
            along,
            [Line(title_of(quantity(m)), "all", column(lines, m))],
            note=hint_of(quantity(m)),
            unit=unit_of(analysis, m),
        )
        for m in known
    )
    rows = zip(along, *(column(lines, m) for m in known), strict=True)
    behind = numbers_behind([say("Cycle"), *(_title(analysis, m) for m in known)], rows)
    words = say("<p>As logged while training, at the encoder's output.</p>")
    return f'{words}{left_out}<div class="panels four">{charts}</div>{behind}'


def _measured_charts(analysis: Analysis, wanted: Sequence[str]) -> str:
    """Numbers of the kept states, by cloud, in the last layer."""
    measured = [m for m in wanted if (m, None) in analysis.measured]
    if not measured or len(analysis.states) < 2:
        return ""
    along = [state.cycle for state in analysis.states]
    layer = analysis.output
    lines = {m: [line for c in analysis.clouds if (line := _cloud_line(analysis, m, layer, c))] for m in measured}
    # Small clouds lack some measures: a few passages have no dimension.
    known = [m for m in measured if lines[m]]
    if not known:
        return ""
    charts = [
        line_chart(
            measure_term(m),
            along,
            lines[m],
            note=hint_of(quantity(m)),
            axis=state_axis(analysis),
            unit=unit_of(analysis, m),
        )
        for m in known
    ]
    if len(analysis.layers) > 1:
        charts += [_layer_chart(analysis, m) for m in known]
    columns: Columns = {m: [(line.name, line.values) for line in lines[m]] for m in known}
    tables = _tables(analysis, say("Cycle"), list(map(data, along)), columns)
    behind = fold(say("The numbers behind these charts"), tables)
    keys = legend([(_look(cloud), escape_html(cloud_name(analysis, cloud))) for cloud in analysis.clouds])
    words = say("<p>Measured on the kept states: {layer}.</p>", layer=escape_html(layer_name(analysis, layer)))
    return f'{words}{keys}<div class="panels {_columns(len(charts))}">{"".join(charts)}</div>{behind}'


def _title(analysis: Analysis, measure: str) -> str:
    """A measure with its unit, as HTML."""
    unit = unit_of(analysis, measure)
    return f"{measure_term(measure)} ({escape_html(unit)})" if unit else measure_term(measure)


def _layer_chart(analysis: Analysis, measure: str) -> str:
    """The last state through the layers of the encoder; the table by layer has its numbers."""
    last = analysis.last
    values = {cloud: analysis.by_layer(measure, last.cycle, cloud) for cloud in analysis.clouds}
    lines = [
        Line(cloud_name(analysis, cloud), _look(cloud), found)
        for cloud, found in values.items()
        if any(v is not None for v in found)
    ]
    title = say("{measure} by layer", measure=measure_term(measure))
    note, unit = escape_html(state_name(last)), unit_of(analysis, measure)
    return line_chart(title, analysis.layers, lines, note=note, axis=say("layer"), unit=unit)


def _cloud_line(analysis: Analysis, measure: str, layer: int, cloud: str) -> Line | None:
    values = analysis.series(measure, layer, cloud)
    return Line(cloud_name(analysis, cloud), _look(cloud), values) if any(v is not None for v in values) else None


def _look(cloud: str) -> str:
    return cloud if cloud in ("t1", "t2", "union") else "all"


def _columns(count: int) -> str:
    return {1: "one", 2: "two", 3: "three", 4: "four"}.get(count, "three")


def _by_layer(analysis: Analysis) -> str:
    """The last state, layer by layer; unfolded if there is only one state, which no chart shows."""
    last = analysis.last
    columns: Columns = {}
    for m in MEASURES:
        for cloud in analysis.clouds:
            values = analysis.by_layer(m, last.cycle, cloud)
            if any(value is not None for value in values):
                columns.setdefault(m, []).append((cloud_name(analysis, cloud), values))
    if not columns:
        return ""
    names = [escape_html(layer_name(analysis, layer)) for layer in analysis.layers]
    title = say("By layer, {state}", state=escape_html(state_name(last)))
    opened = len(analysis.states) == 1
    return fold(title, _tables(analysis, say("Layer"), names, columns), opened=opened)


def _tables(analysis: Analysis, head: str, names: Sequence[str], columns: Columns) -> str:
    """A table for each measure, its clouds side by side, so that none is wider than a page or a phone.

    Where there is one cloud, all measures stand side by side in one table.

    Args:
        head: What the rows are.
        names: HTML of the first cell of each row.
    """
    if len(analysis.clouds) == 1:
        titles = [f"{_title(analysis, m)}, {escape_html(name)}" for m, own in columns.items() for name, _ in own]
        return _table(head, names, titles, [values for own in columns.values() for _, values in own])
    tables = [
        _table(head, names, [escape_html(name) for name, _ in own], [v for _, v in own], caption=_title(analysis, m))
        for m, own in columns.items()
    ]
    return f'<div class="panels three">{"".join(tables)}</div>'


def _table(
    head: str, names: Sequence[str], titles: Sequence[str], columns: Sequence[Sequence[float | None]], caption: str = ""
) -> str:
    values = zip(*columns, strict=True)
    rows = ([name, *map(data, row)] for name, row in zip(names, values, strict=True))
    return table([head, *titles], rows, caption=caption, look="numbers")
