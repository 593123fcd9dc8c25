"""What a language model does with its texts: overfits, says them by heart, copies them."""

from collections.abc import Sequence
from typing import Any

from topores.analysis.by_heart import by_heart, is_language_model
from topores.domain import PAIRINGS, Analysis
from topores.quantities import quantity
from topores.report.glossary import hint_of, quantity_term, title_of
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.safe import escape_html
from topores.report.html.tables import numbers_behind
from topores.report.language import later, say, speak
from topores.report.run.metric_lines import column, cycles, thin_lines

ORDER = 65
TITLE = later("By heart, or understood")

Rows = Sequence[dict[str, Any]]

COSTS = {"held_out_nll": "held12", "held_out_nll_other": "held21", "train_nll": "train12", "train_nll_other": "train21"}
"""Costs of tokens, means over the pairings, and the looks of their lines."""
EXTRACTIONS = {"extraction_16": "1to1", "extraction_32": "2to2", "extraction_50": "previous"}
COPIES = {
    "copied_from_training": "1to1", "copied_by_target": "1to2", "copied_from_source": "2to2",
    "copied_from_target": "2to1",
}  # fmt: skip
ALONE = ("loss", "exposure", "canary_loss")

KEYS = (
    *(key for name in COSTS for key in quantity(name).logged_as), *EXTRACTIONS, *COPIES, *ALONE,
    *(f"token_loss_{pairing}" for pairing in PAIRINGS),
)  # fmt: skip
"""Keys of metrics.jsonl that this section shows."""


def render(analysis: Analysis) -> str:
    if not is_language_model(analysis.metrics):
        return ""
    lines, left_out = thin_lines(analysis.metrics)
    said = "".join(f"<li>{escape_html(speak(sentence))}</li>" for sentence in by_heart(analysis.metrics))
    return f"{_words()}<ul>{said}</ul>{left_out}{_charts(lines)}{_table(lines)}"


def _words() -> str:
    return say(
        "<p>A language model predicts each next token of [source] → [target], for the four pairings. Its rows are "
        "means of hidden states, which nothing trains to lie close to their partners. Held-out cost tells learning "
        "from memorising; the cost after another source tells whether the source is read at all.</p>"
    )


def _charts(lines: Rows) -> str:
    groups = [
        (say("Cost of a token"), COSTS, say("nats")),
        (say("Training passages said word for word"), EXTRACTIONS, ""),
        (say("Longest run, as a share of the continuation"), COPIES, ""),
    ]
    groups += [(quantity_term(quantity(key)), {key: "all"}, say(quantity(key).unit)) for key in ALONE]
    return '<div class="panels three">' + "".join(_chart(lines, *group) for group in groups) + "</div>"


def _chart(lines: Rows, title: str, looks: dict[str, str], unit: str) -> str:
    """One chart with its legend below the title; empty where nothing of it was logged."""
    drawn = [Line(title_of(quantity(name)), look, _values(lines, name)) for name, look in looks.items()]
    drawn = [line for line in drawn if any(value is not None for value in line.values)]
    if not drawn:
        return ""
    keys = legend([(line.look, escape_html(line.name)) for line in drawn]) if len(looks) > 1 else ""
    note = "" if keys else hint_of(quantity(next(iter(looks))))
    return f"<div>{line_chart(title, cycles(lines), drawn, unit=unit, note=note, zero=not unit)}{keys}</div>"


def _values(lines: Rows, name: str) -> list[float | None]:
    """One quantity at each line: the mean of its keys where they were logged."""
    columns = [column(lines, key) for key in quantity(name).logged_as]
    known = [[value for value in row if value is not None] for row in zip(*columns, strict=True)]
    return [sum(row) / len(row) if row else None for row in known]


def _table(lines: Rows) -> str:
    shown = [key for key in KEYS if any(value is not None for value in column(lines, key))]
    head = [say("Cycle"), *(quantity_term(quantity(key)) for key in shown)]
    return numbers_behind(head, zip(cycles(lines), *(column(lines, key) for key in shown), strict=True))
