"""Logged numbers that no other section shows, such as those of an objective or an evaluation of your own."""

from topores.domain import PAIRINGS, Analysis
from topores.quantities import NOT_QUANTITIES, quantity
from topores.report.glossary import hint_of, quantity_term, title_of
from topores.report.html.charts import Line, line_chart
from topores.report.html.tables import numbers_behind
from topores.report.language import later, say
from topores.report.names import known_number, unit_name
from topores.report.run.metric_lines import column, cycles, thin_lines
from topores.report.run.sections.geometry import LOGGED
from topores.report.run.sections.language_model import KEYS as OF_LANGUAGE_MODEL
from topores.report.run.sections.retrieval import KEYS

ORDER = 68
TITLE = later("Other logged numbers")

SHOWN_ELSEWHERE = {
    *NOT_QUANTITIES, *LOGGED, *KEYS, *OF_LANGUAGE_MODEL, "loss", *(f"loss_{pairing}" for pairing in PAIRINGS),
}  # fmt: skip

MOST = 24
"""Charts; the numbers of further keys stay in metrics.jsonl."""


def render(analysis: Analysis) -> str:
    lines, left_out = thin_lines(analysis.metrics)
    keys = dict.fromkeys(key for line in lines for key, value in line.items() if known_number(value) is not None)
    shown = [key for key in keys if key not in SHOWN_ELSEWHERE][:MOST]
    if not shown:
        return ""
    along = cycles(lines)
    charts = "".join(
        line_chart(
            quantity_term(quantity(key)),
            along,
            [Line(title_of(quantity(key)), "all", column(lines, key))],
            note=hint_of(quantity(key)),
            unit=unit_name(quantity(key).unit),
        )
        for key in shown
    )
    head = [say("Cycle"), *(quantity_term(quantity(key)) for key in shown)]
    rows = zip(along, *(column(lines, key) for key in shown), strict=True)
    return f'{left_out}<div class="panels four">{charts}</div>{numbers_behind(head, rows)}'
