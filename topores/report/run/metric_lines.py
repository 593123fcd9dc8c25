"""Lines of metrics.jsonl as columns; values in a line need not be numbers."""

from collections.abc import Sequence
from typing import Any

from topores.report.language import say
from topores.report.names import known_number

MOST_LINES = 200
"""If more cycles were logged, they are thinned out evenly."""


def cycles(lines: Sequence[dict[str, Any]]) -> list[int]:
    """The cycle of each line; its index if it has none."""
    return [int(line["cycle"]) if known_number(line.get("cycle")) is not None else i for i, line in enumerate(lines)]


def column(lines: Sequence[dict[str, Any]], name: str) -> list[float | None]:
    """One value per line; None if it is null, NaN or missing."""
    return [known_number(line.get(name)) for line in lines]


def thin_lines(lines: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """At most `MOST_LINES` lines in order of cycle, including the first and the last, and a note if any is left out."""
    ordered = [lines[i] for i in sorted(range(len(lines)), key=cycles(lines).__getitem__)]
    if len(ordered) <= MOST_LINES:
        return ordered, ""
    chosen = sorted({round(i * (len(ordered) - 1) / (MOST_LINES - 1)) for i in range(MOST_LINES)})
    told = say("{shown:,} of {logged:,} logged cycles are shown.", shown=len(chosen), logged=len(ordered))
    return [ordered[i] for i in chosen], f'<p class="note">{told}</p>'
