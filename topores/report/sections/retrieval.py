"""Held-out retrieval: whether what was learned carries over to passages never trained on."""

from collections.abc import Sequence
from typing import Any

from topores.domain import Analysis
from topores.report.charts import Level, Line, legend, line_chart
from topores.report.glossary import term
from topores.report.metric_lines import column, cycles, thinned
from topores.report.numbers import digits
from topores.report.tables import numbers_behind

ORDER = 40
TITLE = "Finding the partner of an unseen passage"

Rows = Sequence[dict[str, Any]]

SCORES = {"mrr": ("MRR", "Mean reciprocal rank"), "recall_at_1": ("R@1", "Recall at 1")}
DIRECTIONS = {"1to2": ("T1→T2", "12"), "2to1": ("T2→T1", "21")}


def render(analysis: Analysis) -> str:
    lines, left_out = thinned(analysis.metrics)
    if not any(key.startswith(("held_out_", "train_")) for line in lines for key in line):
        return ""
    held_out = any(v is not None for way in DIRECTIONS for v in column(lines, f"held_out_mrr_{way}"))
    words = "".join(f"<p>{_sentence(lines, way)}</p>" for way in DIRECTIONS) if held_out else _nothing_held_out()
    charts = "".join(_chart(lines, score) for score in SCORES)
    return f'{_words()}{words}{left_out}{_legend(held_out)}<div class="panels two">{charts}</div>{_table(lines)}'


def _words() -> str:
    return (
        "<p>A passage of one text asks, and all passages of the other are ranked by their nearness to it. "
        f"{term('MRR')} is the mean of 1/rank of the partner, {term('R@1')} the share found first; 1 is perfect. "
        "Only held-out passages tell whether something was learned that holds beyond the pairs trained on.</p>"
    )


def _nothing_held_out() -> str:
    return "<p><strong>Nothing was held out, so nothing is known of passages that were not trained on.</strong></p>"


def _sentence(lines: Rows, way: str) -> str:
    """What happened to held-out MRR, with the untrained encoder's value where there is one."""
    name = DIRECTIONS[way][0]
    points = [(c, v) for c, v in zip(cycles(lines), column(lines, f"held_out_mrr_{way}"), strict=True) if v is not None]
    if not points:
        return f"{name}: not measured."
    last_cycle, last = points[-1]
    best_cycle, best = max(points, key=lambda point: point[1])
    if points[0][0] != 0:
        return f"{name}: after cycle {last_cycle:,} MRR is {digits(last)}. The untrained encoder was not measured."
    start = points[0][1]
    if len(points) == 1:
        return f"{name}: the untrained encoder reaches MRR {digits(start)}; later cycles were not measured."
    end = _compared(start, last)
    top = "" if best_cycle in (0, last_cycle) else f" The best was {digits(best)}, at cycle {best_cycle:,}."
    none = " No cycle was better than the untrained encoder." if best_cycle == 0 else ""
    return (
        f"{name}: from {digits(start)} for the untrained encoder to {digits(last)} after cycle {last_cycle:,}, {end}."
        f"{top}{none}"
    )


def _compared(start: float, last: float) -> str:
    """
    >>> _compared(0.5, 0.25)
    '0.250 lower'
    """
    if digits(start) == digits(last):
        return "unchanged"
    return f"{digits(abs(last - start))} {'higher' if last > start else 'lower'}"


def _chart(lines: Rows, score: str) -> str:
    drawn, levels = [], []
    for part, look in (("held_out", "held"), ("train", "train")):
        for way, (name, short) in DIRECTIONS.items():
            values = column(lines, f"{part}_{score}_{way}")
            drawn.append(Line(f"{part.replace('_', ' ')} {name}", look + short, values))
    for way, (name, short) in DIRECTIONS.items():
        start = _untrained(lines, f"held_out_{score}_{way}")
        levels += [] if start is None else [Level(f"untrained {name}", f"held{short}", start)]
    title = f"{SCORES[score][1]} ({term(SCORES[score][0])})"
    return line_chart(title, cycles(lines), drawn, levels=levels, reach=[0.0, 1.0])


def _untrained(lines: Rows, name: str) -> float | None:
    """The value at cycle 0."""
    return next((v for c, v in zip(cycles(lines), column(lines, name), strict=True) if c == 0), None)


def _legend(held_out: bool) -> str:
    entries = [(f"train{short}", f"trained on, {name}") for name, short in DIRECTIONS.values()]
    if not held_out:
        return legend(entries)
    held = [(f"held{short}", f"held out, {name}") for name, short in DIRECTIONS.values()]
    note = '<p class="note">Thin dashed lines across: the untrained encoder on held-out passages.</p>'
    return legend(held + entries) + note


def _table(lines: Rows) -> str:
    columns = [
        (f"{words} {SCORES[score][0]}, {name}", column(lines, f"{part}_{score}_{way}"))
        for part, words in (("held_out", "Held-out"), ("train", "Trained-on"))
        for score in SCORES
        for way, (name, _) in DIRECTIONS.items()
    ]
    rows = zip(cycles(lines), *(values for _, values in columns), strict=True)
    return numbers_behind(["Cycle", *(name for name, _ in columns)], rows)
