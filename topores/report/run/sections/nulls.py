"""Every number beside its nulls: the same measurement where the effect cannot be."""

from topores.analysis.ladder import in_words
from topores.domain import Analysis, State
from topores.report.glossary import Term, term
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.numbers import data, settled
from topores.report.html.safe import escaped
from topores.report.html.tables import folded, table
from topores.report.language import later, many, say
from topores.report.run.null_data import NAMES, ROWS, Spread, changes_by, over_cycles, own_value, present, spreads
from topores.report.run.readings import state_axis, state_name, unit_of

ORDER = 70
TITLE = later("What the nulls show too")

CHANGES = (
    ("change", None, Term("change", "Movement of the passages")),
    ("procrustes.angle", None, Term("rotation", "Rotation")),
    ("procrustes.mean_angle", None, Term("mean rotation", "Mean rotation")),
    ("procrustes.residual", None, Term("deformation", "Deformation")),
    ("bottleneck_distance", 1, Term("bottleneck", "Bottleneck distance of loops")),
    ("wasserstein_distance", 1, Term("Wasserstein", "Wasserstein distance of loops")),
    ("rtd", None, Term("RTD", "RTD")),
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
        f"<li><strong>{say(NAMES[name])}</strong>: {escaped(say(in_words(name)))} "
        f"({many(_draws(analysis, name), 'draw')})</li>"
        for name in known
    )
    missing = ""
    if analysis.run and "shuffled" not in known:
        missing = say(
            "<p><strong>No runs on shuffled pairings stand beside this one</strong>, so nothing here says that the "
            "pairing, rather than training as such, caused a change. <code>topores train --output RUN --resume "
            "--null shuffled --seeds 5</code> trains them.</p>"
        )
    words = say(
        "<p>A number that moves is no finding while a {null} moves it as far. Each null is measured like the "
        "run itself, at the encoder's output, over both texts:</p>",
        null=term("null"),
    )
    return f"{words}<ul>{told}</ul>{missing}"


def _draws(analysis: Analysis, null: str) -> int:
    return len({n.replicate for n in analysis.nulls if n.null == null})


def _values(analysis: Analysis, known: list[str]) -> str:
    """The last state beside each null; the first one folded away."""
    first, last = analysis.states[0], analysis.states[-1]
    parts = [_table_at(analysis, known, last)]
    if first is not last:
        told = say("The same of {state}", state=escaped(state_name(first)))
        parts.append(folded(told, _table_at(analysis, known, first)))
    return "".join(parts)


def _table_at(analysis: Analysis, known: list[str], state: State) -> str:
    found = {name: spreads(analysis, name, state.cycle) for name in known}
    shown = [name for name in known if found[name]]
    rows = []
    for measure, degree, title in ROWS:
        own = own_value(analysis, measure, degree, state.cycle)
        cells = [_spread(found[name].get((measure, degree))) for name in shown]
        if own is not None and any(cell != "–" for cell in cells):
            rows.append([_title(analysis, measure, title), data(own), *cells])
    itself = say("This run") if analysis.run else say("These points")
    head = ["", itself, *(say(NAMES[name]) for name in shown)]
    caption = say("{state}: value, and mean ± standard deviation of each null", state=escaped(state_name(state)))
    return table(head, rows, caption=caption, look="numbers") + _of_halves(shown) if rows else ""


def _of_halves(shown: list[str]) -> str:
    """That a number of half of the passages is not to be held against that of all."""
    if "resample" not in shown:
        return ""
    words = say(
        "Half of the passages give less of all that grows with their number, such as lengths added up and RankMe. What "
        "counts there is how far the halves differ, not their mean."
    )
    return f'<p class="note">{words}</p>'


def _title(analysis: Analysis, measure: str, title: Term) -> str:
    """A measure with its unit, as HTML."""
    unit = unit_of(analysis, measure)
    return f"{title} ({escaped(unit)})" if unit else str(title)


def _spread(found: Spread | None) -> str:
    if found is None:
        return "–"
    return data(found.mean) if found.deviation is None else f"{data(found.mean)} ± {data(found.deviation)}"


def _changes(analysis: Analysis, known: list[str]) -> str:
    """How far the last state is from the first, beside two draws of one state and beside shuffled pairings."""
    first, last, layer = analysis.states[0].cycle, analysis.states[-1].cycle, analysis.layers[-1]
    noise = [name for name in NOISE if name in known]
    if first == last or not noise:
        return ""
    found = {name: changes_by(analysis, name) for name in noise}
    shuffled = spreads(analysis, "shuffled", last, first)
    rows = []
    for measure, degree, title in CHANGES:
        own = analysis.value(measure, last, layer, "union", degree=degree, against=first)
        cells = [found[name].get((measure, degree)) for name in noise]
        if own is not None and any(cells):
            alone = ("–" if not cell else data(max(cell)) for cell in cells)
            paired = [_spread(shuffled.get((measure, degree)))] if shuffled else []
            rows.append([_title(analysis, measure, title), data(settled(own)), *alone, *paired])
    caption = say(
        "Change from {first} to {last}, and the largest that each null alone makes of one state",
        first=escaped(state_name(analysis.states[0])),
        last=escaped(state_name(analysis.states[-1])),
    )
    beside = [say("First to last on shuffled pairings")] if shuffled else []
    head = ["", say("First to last"), *(say(NAMES[name]) for name in noise), *beside]
    return table(head, rows, caption=caption, look="numbers") if rows else ""


def _charts(analysis: Analysis) -> str:
    """The run over its cycles among the runs on shuffled pairings."""
    cycles, charts = [state.cycle for state in analysis.states], []
    for measure, degree, title in ROWS:
        draws = over_cycles(analysis, "shuffled", measure, degree)
        own = [own_value(analysis, measure, degree, cycle) for cycle in cycles]
        if len(cycles) < 2 or not draws or all(value is None for value in own):
            continue
        lines = [Line(say("shuffled pairings {n}", n=n), "null", values) for n, values in enumerate(draws, 1)]
        lines.append(Line(say("this run"), "union", own))
        charts.append(line_chart(str(title), cycles, lines, axis=state_axis(analysis), unit=unit_of(analysis, measure)))
    if not charts:
        return ""
    keys = legend([("union", say("this run")), ("null", say("runs on shuffled pairings"))])
    heading = say("Among runs on shuffled pairings")
    return f'<h3>{heading}</h3>{keys}<div class="panels three">{"".join(charts)}</div>'
