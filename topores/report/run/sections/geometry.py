"""Geometry of the space: how near partners are, and how the points spread."""

from collections.abc import Sequence

from topores.domain import Analysis
from topores.report.glossary import Term
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.numbers import data
from topores.report.html.safe import escaped
from topores.report.html.tables import folded, numbers_behind, table
from topores.report.language import later, say
from topores.report.run.metric_lines import column, cycles, thinned
from topores.report.run.readings import (
    Key,
    cloud_name,
    known_number,
    layer_name,
    readings,
    series,
    state_axis,
    state_name,
    unit_of,
)

ORDER = 50
TITLE = later("Geometry of the space")

MEASURES = {
    "alignment": Term("alignment", "Alignment"),
    "uniformity": Term("uniformity", "Uniformity"),
    "rank_me": Term("RankMe", "RankMe"),
    "modality_gap": Term("gap", "Gap between the texts"),
    "linear_probe_auc": Term("linear probe", "Texts told apart"),
    "intrinsic_dimension": Term("intrinsic dimension", "Intrinsic dimension"),
    "maximum_likelihood_dimension": Term("intrinsic dimension", "Intrinsic dimension of 20 neighbours"),
    "persistent_homology_dimension": Term("persistent homology dimension", "Dimension by persistence"),
    "hubness_skewness": Term("hubness", "Hubness"),
}
"""What each is called."""

NOTES = {
    "alignment": later("distance² of partners; 0: they coincide"),
    "uniformity": later("lower: more evenly spread"),
    "rank_me": later("directions in use"),
    "modality_gap": later("0: both have one centre"),
    "linear_probe_auc": later("0.5: not at all; 1: by a plane"),
    "intrinsic_dimension": later("from two neighbours"),
    "maximum_likelihood_dimension": later("by likelihood"),
    "persistent_homology_dimension": later("from trees"),
    "hubness_skewness": later("0: all are found alike; more: a few by all"),
}
"""How each is read."""

LOGGED = ("alignment", "uniformity", "rank_me", "modality_gap")
"""Measures that a run logs at every cycle; the others are measured on kept states only."""


Columns = dict[str, list[tuple[str, Sequence[float | None]]]]
"""By measure: the name of each cloud, and its values down the rows of a table."""


def render(analysis: Analysis) -> str:
    logged = _logged(analysis)
    parts = [logged, _measured(analysis, [m for m in MEASURES if not (logged and m in LOGGED)]), _by_layer(analysis)]
    return "".join(parts)


def _logged(analysis: Analysis) -> str:
    """What training itself logged, on the encoder's output."""
    lines, left_out = thinned(analysis.metrics)
    known = [m for m in LOGGED if any(v is not None for v in column(lines, m))]
    if not known:
        return ""
    along = cycles(lines)
    charts = "".join(
        line_chart(
            str(MEASURES[m]),
            along,
            [Line(say(MEASURES[m].shown), "all", column(lines, m))],
            note=say(NOTES[m]),
            unit=unit_of(analysis, m),
        )
        for m in known
    )
    rows = zip(along, *(column(lines, m) for m in known), strict=True)
    behind = numbers_behind([say("Cycle"), *(_title(analysis, m) for m in known)], rows)
    words = say("<p>As logged while training, on the encoder's output.</p>")
    return f'{words}{left_out}<div class="panels four">{charts}</div>{behind}'


def _measured(analysis: Analysis, wanted: Sequence[str]) -> str:
    """The same kind of numbers from the kept states, by cloud, in the last layer."""
    found = readings(analysis, wanted)
    known = [m for m in wanted if any(key[0] == m for key in found)]
    if not known or len(analysis.states) < 2:
        return ""
    along = [state.cycle for state in analysis.states]
    layer = analysis.layers[-1]
    lines = {m: [line for c in analysis.clouds if (line := _cloud_line(found, analysis, m, layer, c))] for m in known}
    charts = [
        line_chart(
            str(MEASURES[m]),
            along,
            lines[m],
            note=say(NOTES[m]),
            axis=state_axis(analysis),
            unit=unit_of(analysis, m),
        )
        for m in known
    ]
    if len(analysis.layers) > 1:
        charts += [_layer_chart(found, analysis, m) for m in known]
    columns: Columns = {m: [(line.name, line.values) for line in lines[m]] for m in known}
    tables = _tables(analysis, say("Cycle"), list(map(data, along)), columns)
    behind = folded(say("The numbers behind these charts"), tables)
    keys = legend([(_look(cloud), escaped(cloud_name(analysis, cloud))) for cloud in analysis.clouds])
    words = say("<p>Measured on the kept states: {layer}.</p>", layer=escaped(layer_name(analysis, layer)))
    return f'{words}{keys}<div class="panels {_columns(len(charts))}">{"".join(charts)}</div>{behind}'


def _title(analysis: Analysis, measure: str) -> str:
    """A measure with its unit, as HTML."""
    unit = unit_of(analysis, measure)
    return f"{MEASURES[measure]} ({escaped(unit)})" if unit else str(MEASURES[measure])


def _layer_chart(found: dict[Key, float], analysis: Analysis, measure: str) -> str:
    """The last state through the layers of the encoder; its numbers stand in the table by layer."""
    last = analysis.states[-1]
    values = {
        cloud: [found.get((measure, last.cycle, layer, cloud, None, None)) for layer in analysis.layers]
        for cloud in analysis.clouds
    }
    lines = [
        Line(cloud_name(analysis, cloud), _look(cloud), [known_number(v) for v in found_there])
        for cloud, found_there in values.items()
        if any(v is not None for v in found_there)
    ]
    title = say("{measure} by layer", measure=MEASURES[measure])
    note, unit = escaped(state_name(last)), unit_of(analysis, measure)
    return line_chart(title, analysis.layers, lines, note=note, axis=say("layer"), unit=unit)


def _cloud_line(found: dict[Key, float], analysis: Analysis, measure: str, layer: int, cloud: str) -> Line | None:
    values = series(found, analysis, measure, layer, cloud)
    return Line(cloud_name(analysis, cloud), _look(cloud), values) if any(v is not None for v in values) else None


def _look(cloud: str) -> str:
    return cloud if cloud in ("t1", "t2", "union") else "all"


def _columns(count: int) -> str:
    return {1: "one", 2: "two", 3: "three", 4: "four"}.get(count, "three")


def _by_layer(analysis: Analysis) -> str:
    """The last state, layer by layer; open where there is one state only, since no chart shows it then."""
    found = readings(analysis, MEASURES)
    last = analysis.states[-1]
    columns: Columns = {}
    for m in MEASURES:
        for cloud in analysis.clouds:
            values = [found.get((m, last.cycle, layer, cloud, None, None)) for layer in analysis.layers]
            if any(value is not None for value in values):
                columns.setdefault(m, []).append((cloud_name(analysis, cloud), values))
    if not columns:
        return ""
    names = [escaped(layer_name(analysis, layer)) for layer in analysis.layers]
    title = say("By layer, {state}", state=escaped(state_name(last)))
    opened = len(analysis.states) == 1
    return folded(title, _tables(analysis, say("Layer"), names, columns), opened=opened)


def _tables(analysis: Analysis, head: str, names: Sequence[str], columns: Columns) -> str:
    """A table for each measure, its clouds side by side, so that none is wider than a page or a phone.

    Where there is one cloud, all measures stand side by side in one table.

    Args:
        head: What the rows are.
        names: HTML of the first cell of each row.
    """
    if len(analysis.clouds) == 1:
        titles = [f"{_title(analysis, m)}, {escaped(name)}" for m, own in columns.items() for name, _ in own]
        return _table(head, names, titles, [values for own in columns.values() for _, values in own])
    tables = [
        _table(head, names, [escaped(name) for name, _ in own], [v for _, v in own], caption=_title(analysis, m))
        for m, own in columns.items()
    ]
    return f'<div class="panels three">{"".join(tables)}</div>'


def _table(
    head: str, names: Sequence[str], titles: Sequence[str], columns: Sequence[Sequence[float | None]], caption: str = ""
) -> str:
    values = zip(*columns, strict=True)
    rows = ([name, *map(data, row)] for name, row in zip(names, values, strict=True))
    return table([head, *titles], rows, caption=caption, look="numbers")
