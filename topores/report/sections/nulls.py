"""Every number beside its nulls: the same measurement where the effect cannot be."""

from topores.analysis.ladder import in_words
from topores.domain import Analysis
from topores.report.charts import Line, legend, line_chart
from topores.report.glossary import term
from topores.report.null_data import NAMES, ROWS, Spread, changes_by, over_cycles, own_value, present, spreads
from topores.report.numbers import data, plural
from topores.report.readings import state_axis
from topores.report.safe import escaped
from topores.report.tables import folded, table

ORDER = 25
TITLE = "What the nulls show too"

CHANGES = (
    ("change", None, term("change", "Movement of the passages")),
    ("procrustes.residual", None, term("deformation", "Deformation")),
    ("bottleneck_distance", 1, term("bottleneck", "Bottleneck distance of loops")),
    ("wasserstein_distance", 1, term("Wasserstein", "Wasserstein distance of loops")),
    ("rtd", None, term("RTD")),
)
"""Changes that are held against those between two draws of one state."""

NOISE = ("reencode", "dropout", "resample")


def render(analysis: Analysis) -> str:
    known = present(analysis)
    if not known:
        return ""
    return "".join([_words(analysis, known), _values(analysis, known), _changes(analysis, known), _charts(analysis)])


def _words(analysis: Analysis, known: list[str]) -> str:
    told = "".join(
        f"<li><strong>{NAMES[name]}</strong>: {escaped(in_words(name))} ({plural(_draws(analysis, name), 'draw')})</li>"
        for name in known
    )
    missing = ""
    if analysis.run and "shuffled" not in known:
        missing = (
            "<p><strong>No runs on shuffled pairings stand beside this one</strong>, so nothing here says that the "
            "pairing, rather than training as such, caused a change. <code>topores train --output RUN --resume "
            "--null shuffled --seeds 5</code> trains them.</p>"
        )
    return (
        f"<p>A number that moves is no finding while a {term('null')} moves it as far. Each null is measured like the "
        f"run itself, at the encoder's output, over both texts:</p><ul>{told}</ul>{missing}"
    )


def _draws(analysis: Analysis, null: str) -> int:
    return len({n.replicate for n in analysis.nulls if n.null == null})


def _values(analysis: Analysis, known: list[str]) -> str:
    """The last state beside each null; the first one folded away."""
    first, last = analysis.states[0], analysis.states[-1]
    parts = [_table_at(analysis, known, last.cycle, f"{last.label}: value, and mean ± standard deviation of each null")]
    if first is not last:
        caption = f"{first.label}: value, and mean ± standard deviation of each null"
        parts.append(folded(f"The same of {escaped(first.label)}", _table_at(analysis, known, first.cycle, caption)))
    return "".join(parts)


def _table_at(analysis: Analysis, known: list[str], cycle: int, caption: str) -> str:
    found = {name: spreads(analysis, name, cycle) for name in known}
    shown = [name for name in known if found[name]]
    rows = []
    for measure, degree, title in ROWS:
        own = own_value(analysis, measure, degree, cycle)
        cells = [_spread(found[name].get((measure, degree))) for name in shown]
        if own is not None and any(cell != "–" for cell in cells):
            rows.append([title, data(own), *cells])
    head = ["", "This run" if analysis.run else "These points", *(NAMES[name] for name in shown)]
    return table(head, rows, caption=escaped(caption), look="numbers") if rows else ""


def _spread(found: Spread | None) -> str:
    if found is None:
        return "–"
    return data(found.mean) if found.deviation is None else f"{data(found.mean)} ± {data(found.deviation)}"


def _changes(analysis: Analysis, known: list[str]) -> str:
    """How far the last state is from the first, and how far two draws of one state are from each other."""
    first, last, layer = analysis.states[0].cycle, analysis.states[-1].cycle, analysis.layers[-1]
    noise = [name for name in NOISE if name in known]
    if first == last or not noise:
        return ""
    found = {name: changes_by(analysis, name) for name in noise}
    rows = []
    for measure, degree, title in CHANGES:
        own = analysis.value(measure, last, layer, "union", degree=degree, against=first)
        cells = [found[name].get((measure, degree)) for name in noise]
        if own is not None and any(cells):
            rows.append([title, data(own), *("–" if not cell else data(max(cell)) for cell in cells)])
    caption = escaped(
        f"Change from {analysis.states[0].label} to {analysis.states[-1].label}, and the largest that each null alone "
        "makes of one state"
    )
    head = ["", "First to last", *(NAMES[name] for name in noise)]
    return table(head, rows, caption=caption, look="numbers") if rows else ""


def _charts(analysis: Analysis) -> str:
    """The run over its cycles among the runs on shuffled pairings."""
    cycles, charts = [state.cycle for state in analysis.states], []
    for measure, degree, title in ROWS:
        draws = over_cycles(analysis, "shuffled", measure, degree)
        own = [own_value(analysis, measure, degree, cycle) for cycle in cycles]
        if len(cycles) < 2 or not draws or all(value is None for value in own):
            continue
        lines = [Line(f"shuffled pairings {number + 1}", "null", values) for number, values in enumerate(draws)]
        charts.append(line_chart(title, cycles, [*lines, Line("this run", "union", own)], axis=state_axis(analysis)))
    if not charts:
        return ""
    keys = legend([("union", "this run"), ("null", "runs on shuffled pairings")])
    return f'<h3>Among runs on shuffled pairings</h3>{keys}<div class="panels three">{"".join(charts)}</div>'
