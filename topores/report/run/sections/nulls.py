"""Every number next to its nulls: the same measurement where the effect cannot be present."""

from topores.analysis.ladder import description_of, name_of, nulls_in_order
from topores.domain import Analysis, State, without_rounding
from topores.phrases import phrase_for
from topores.report.glossary import measure_term, term
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.numbers import data
from topores.report.html.safe import escape_html
from topores.report.html.tables import fold, table
from topores.report.language import later, many, say, speak
from topores.report.names import state_axis, state_name, unit_of
from topores.report.run.null_data import ROWS, Spread, own_value, present, spreads

ORDER = 70
TITLE = later("Comparison with the nulls")

CHANGES = (
    ("change", None), ("procrustes.angle", None), ("procrustes.mean_angle", None), ("procrustes.residual", None),
    ("bottleneck_distance", 1), ("wasserstein_distance", 1), ("rtd", None),
)  # fmt: skip
"""Changes, by measure and degree, that are compared with those between two draws of one state."""

NOISE = ("reencode", "dropout", "resample")


def render(analysis: Analysis) -> str:
    known, missing = present(analysis), _left_out(analysis)
    if not known:
        return missing
    parts = [_words(analysis, known), missing, _values(analysis, known), _changes(analysis, known), _charts(analysis)]
    return "".join(parts)


def _words(analysis: Analysis, known: list[str]) -> str:
    told = "".join(
        f"<li><strong>{say(name_of(name))}</strong>: {escape_html(say(description_of(name)))} "
        f"({many(analysis.null_draws(name), 'draw')})</li>"
        for name in known
    )
    missing = ""
    if analysis.run and "shuffled" not in known:
        missing = say(
            "<p><strong>This run has no runs on shuffled pairings</strong>, so no change can be attributed to the "
            "pairing rather than to training as such. <code>topores train --output RUN --resume --null shuffled "
            "--seeds 5</code> trains them.</p>"
        )
    words = say(
        "<p>A change is not a finding if a {null} changes the number as much. Each null is measured like the run "
        "itself, at the encoder's output, over both texts:</p>",
        null=term("null"),
    )
    return f"{words}<ul>{told}</ul>{missing}"


def _left_out(analysis: Analysis) -> str:
    """Nulls that were asked for and cannot be had, each with its reason; nothing is claimed from them."""
    found = analysis.protocol.get("nulls_left_out")
    if not isinstance(found, dict) or not found:
        return ""
    known, kept = nulls_in_order(), analysis.protocol.get("phrases")
    phrases = kept if isinstance(kept, dict) else {}
    reasons = {name: speak(phrase_for(str(why), phrases.get(name))) for name, why in found.items() if name in known}
    told = "".join(
        f"<li><strong>{say(name_of(name))}</strong>: {escape_html(why)}</li>" for name, why in reasons.items()
    )
    return fold(say("Nulls that cannot be had here"), f"<ul>{told}</ul>") if told else ""


def _values(analysis: Analysis, known: list[str]) -> str:
    """The last state next to each null; the first state is folded."""
    first, last = analysis.first, analysis.last
    parts = [_table_at(analysis, known, last)]
    if first is not last:
        told = say("The same for {state}", state=escape_html(state_name(first)))
        parts.append(fold(told, _table_at(analysis, known, first)))
    return "".join(parts)


def _table_at(analysis: Analysis, known: list[str], state: State) -> str:
    found = {name: spreads(analysis, name, state.cycle) for name in known}
    shown = [name for name in known if found[name]]
    rows = []
    for measure, degree in ROWS:
        own = own_value(analysis, measure, degree, state.cycle)
        cells = [_spread_cell(found[name].get((measure, degree))) for name in shown]
        if own is not None and any(cell != "–" for cell in cells):
            rows.append([_title(analysis, measure, degree), data(own), *cells])
    itself = say("This run") if analysis.run else say("These points")
    head = ["", itself, *(say(name_of(name)) for name in shown)]
    caption = say("{state}: value, and mean ± standard deviation of each null", state=escape_html(state_name(state)))
    return table(head, rows, caption=caption, look="numbers") + _halves_note(shown) if rows else ""


def _halves_note(shown: list[str]) -> str:
    """A note that numbers of half of the passages are not comparable with those of all."""
    if "resample" not in shown:
        return ""
    words = say(
        "Half of the passages give smaller values of everything that grows with their number, such as summed lengths "
        "and effective rank. Compare how much the halves differ, not their mean."
    )
    return f'<p class="note">{words}</p>'


def _title(analysis: Analysis, measure: str, degree: int | None) -> str:
    """A measure with its unit, as HTML."""
    unit, title = unit_of(analysis, measure), measure_term(measure, degree)
    return f"{title} ({escape_html(unit)})" if unit else title


def _spread_cell(found: Spread | None) -> str:
    if found is None:
        return "–"
    return data(found.mean) if found.deviation is None else f"{data(found.mean)} ± {data(found.deviation)}"


def _changes(analysis: Analysis, known: list[str]) -> str:
    """Change from the first state to the last, next to the changes that each null produces."""
    first, last, layer = analysis.first.cycle, analysis.last.cycle, analysis.output
    noise = [name for name in NOISE if name in known]
    if first == last or not noise:
        return ""
    found = {name: analysis.null_changes(name) for name in noise}
    shuffled = spreads(analysis, "shuffled", last, first)
    rows = []
    for measure, degree in CHANGES:
        own = analysis.value(measure, last, layer, "union", degree=degree, against=first)
        cells = [found[name].get((measure, degree)) for name in noise]
        if own is not None and any(cells):
            alone = ("–" if not cell else data(max(map(without_rounding, cell))) for cell in cells)
            paired = [_spread_cell(shuffled.get((measure, degree)))] if shuffled else []
            rows.append([_title(analysis, measure, degree), data(without_rounding(own)), *alone, *paired])
    caption = say(
        "Change from {first} to {last}, and the largest change that each null alone produces in one state",
        first=escape_html(state_name(analysis.first)),
        last=escape_html(state_name(analysis.last)),
    )
    beside = [say("First to last on shuffled pairings")] if shuffled else []
    head = ["", say("First to last"), *(say(name_of(name)) for name in noise), *beside]
    return table(head, rows, caption=caption, look="numbers") if rows else ""


def _charts(analysis: Analysis) -> str:
    """The run over its cycles, with the runs on shuffled pairings."""
    cycles, charts = [state.cycle for state in analysis.states], []
    for measure, degree in ROWS:
        draws = analysis.null_series("shuffled", measure, degree)
        own = [own_value(analysis, measure, degree, cycle) for cycle in cycles]
        if len(cycles) < 2 or not draws or all(value is None for value in own):
            continue
        lines = [Line(say("shuffled pairings {n}", n=n), "null", values) for n, values in enumerate(draws, 1)]
        lines.append(Line(say("this run"), "union", own))
        charts.append(
            line_chart(
                measure_term(measure, degree), cycles, lines, axis=state_axis(analysis), unit=unit_of(analysis, measure)
            )
        )
    if not charts:
        return ""
    keys = legend([("union", say("this run")), ("null", say("runs on shuffled pairings"))])
    heading = say("Among runs on shuffled pairings")
    return f'<h3>{heading}</h3>{keys}<div class="panels three">{"".join(charts)}</div>'
