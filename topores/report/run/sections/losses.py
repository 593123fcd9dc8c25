"""Losses of the four pairings over the logged cycles."""

from collections.abc import Sequence
from typing import Any

from topores.analysis.by_heart import is_language_model
from topores.domain import PAIRINGS, Analysis
from topores.report.glossary import term
from topores.report.html.charts import Line, legend, line_chart
from topores.report.html.tables import numbers_behind
from topores.report.language import later, say
from topores.report.run.metric_lines import column, cycles, thin_lines

ORDER = 64
TITLE = later("Losses of the four pairings")

NAMES = {"1to1": "T1→T1", "2to2": "T2→T2", "1to2": "T1→T2", "2to1": "T2→T1"}


def render(analysis: Analysis) -> str:
    lines = [line for line in analysis.metrics if line.get("loss") is not None]
    # A language model's loss stands in a section of its own: it has no anchors and no candidates.
    if not lines or is_language_model(analysis.metrics):
        return ""
    shown, left_out = thin_lines(lines)
    return _words() + left_out + _charts(shown) + _table(shown)


def _words() -> str:
    return say(
        "<p>Each {pairing} takes anchors from one text and candidates from the same or the other text. Solid lines: "
        "the positive of a passage is the passage itself under another dropout mask. Dashed lines: it is its partner "
        "in the other text. Lower is better; at 0 every anchor finds its positive among the training passages.</p>",
        pairing=term("pairing"),
    )


def _charts(lines: Sequence[dict[str, Any]]) -> str:
    groups = ((say("Identity pairings"), PAIRINGS[:2]), (say("Cross pairings"), PAIRINGS[2:]))
    along, nats = cycles(lines), say("nats")
    every = [v for pairing in PAIRINGS for v in column(lines, f"loss_{pairing}") if v is not None]
    total = [Line(say("loss"), "all", column(lines, "loss"))]
    parts = [
        line_chart(
            title,
            along,
            [Line(NAMES[pairing], pairing, column(lines, f"loss_{pairing}")) for pairing in pairings],
            unit=nats,
            reach=every,
        )
        for title, pairings in groups
    ]
    parts.insert(0, line_chart(say("All pairings, weighted"), along, total, unit=nats))
    keys = legend([(pairing, NAMES[pairing]) for pairing in PAIRINGS])
    return f'{keys}<div class="panels three">{"".join(parts)}</div>'


def _table(lines: Sequence[dict[str, Any]]) -> str:
    names = ["loss", *(f"loss_{pairing}" for pairing in PAIRINGS)]
    rows = zip(cycles(lines), *(column(lines, name) for name in names), strict=True)
    return numbers_behind([say("Cycle"), say("All, weighted (nats)"), *NAMES.values()], rows)
