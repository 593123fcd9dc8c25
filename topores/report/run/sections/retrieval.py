"""Held-out retrieval: whether what was learned generalises to passages outside the training pairs."""

from collections.abc import Sequence
from typing import Any

from topores.domain import Analysis
from topores.quantities import quantity
from topores.report.glossary import quantity_term
from topores.report.html.charts import Level, Line, legend, line_chart
from topores.report.html.numbers import digits
from topores.report.html.tables import numbers_behind
from topores.report.language import later, say
from topores.report.run.metric_lines import column, cycles, thin_lines

ORDER = 66
TITLE = later("Retrieval of held-out partners")

Rows = Sequence[dict[str, Any]]

SCORES = {"mrr": "MRR", "recall_at_1": "R@1"}
"""Scores by the end of their keys, and their symbols."""
TITLES = {"mrr": later("Mean reciprocal rank ({score})"), "recall_at_1": later("Recall at 1 ({score})")}
NAMES = {"held_out": later("held out, {pairing}"), "train": later("training, {pairing}")}
DIRECTIONS = {"1to2": ("T1→T2", "12"), "2to1": ("T2→T1", "21")}

KEYS = [f"{part}_{score}_{way}" for part in NAMES for score in SCORES for way in DIRECTIONS]


def render(analysis: Analysis) -> str:
    lines, left_out = thin_lines(analysis.metrics)
    if not any(key in line for key in KEYS for line in lines):
        return ""
    held_out = any(v is not None for way in DIRECTIONS for v in column(lines, f"held_out_mrr_{way}"))
    words = "".join(f"<p>{_sentence(lines, way)}</p>" for way in DIRECTIONS) if held_out else _nothing_held_out()
    charts = "".join(_chart(lines, score) for score in SCORES)
    return f'{_words()}{words}{left_out}{_legend(held_out)}<div class="panels two">{charts}</div>{_table(lines)}'


def _words() -> str:
    return say(
        "<p>Each passage of one text is a query, and all passages of the other text are ranked by their distance to "
        "it. {mrr} is the mean of 1 / rank of the partner, {recall} the share of queries whose partner is ranked "
        "first; 1 is perfect. Only held-out passages show whether what was learned generalises beyond the training "
        "pairs.</p>",
        mrr=_score("mrr"),
        recall=_score("recall_at_1"),
    )


def _score(score: str) -> str:
    """Its symbol, with its meaning one hover away."""
    return quantity_term(quantity(f"held_out_{score}"), SCORES[score])


def _nothing_held_out() -> str:
    return say(
        "<p><strong>Nothing was held out, so nothing is known about passages outside the training pairs.</strong></p>"
    )


def _sentence(lines: Rows, way: str) -> str:
    """How held-out MRR changed, from the untrained encoder where it was measured."""
    name = DIRECTIONS[way][0]
    points = [(c, v) for c, v in zip(cycles(lines), column(lines, f"held_out_mrr_{way}"), strict=True) if v is not None]
    if not points:
        return say("{pairing}: not measured.", pairing=name)
    last_cycle, last = points[-1]
    start_cycle, start = points[0]
    if start_cycle != 0:
        return say(
            "{pairing}: MRR is {mrr} after cycle {cycle:,}. The untrained encoder was not measured.",
            pairing=name, cycle=last_cycle, mrr=digits(last),
        )  # fmt: skip
    if len(points) == 1:
        return say(
            "{pairing}: MRR of the untrained encoder is {mrr}; later cycles were not measured.",
            pairing=name, mrr=digits(start),
        )  # fmt: skip
    from_to = say(
        "{pairing}: MRR went from {start} (untrained) to {last} after cycle {cycle:,}, {compared}.",
        pairing=name, start=digits(start), last=digits(last), cycle=last_cycle, compared=_difference_words(start, last),
    )  # fmt: skip
    return f"{from_to} {_best(points)}".strip()


def _best(points: Sequence[tuple[int, float]]) -> str:
    """The best cycle, if it is not the last one."""
    cycle, best = max(points, key=lambda point: point[1])
    if cycle == 0:
        return say("No cycle was better than the untrained encoder.")
    if cycle == points[-1][0]:
        return ""
    return say("The best was {mrr} at cycle {cycle:,}.", mrr=digits(best), cycle=cycle)


def _difference_words(start: float, last: float) -> str:
    """
    >>> _difference_words(0.5, 0.25)
    '0.250 lower'
    """
    if digits(start) == digits(last):
        return say("unchanged")
    by = digits(abs(last - start))
    return say("{by} higher", by=by) if last > start else say("{by} lower", by=by)


def _chart(lines: Rows, score: str) -> str:
    drawn, levels = [], []
    for part, look in (("held_out", "held"), ("train", "train")):
        for way, (name, short) in DIRECTIONS.items():
            values = column(lines, f"{part}_{score}_{way}")
            drawn.append(Line(say(NAMES[part], pairing=name), look + short, values))
    for way, (name, short) in DIRECTIONS.items():
        start = _untrained_value(lines, f"held_out_{score}_{way}")
        levels += [] if start is None else [Level(say("untrained {pairing}", pairing=name), f"held{short}", start)]
    title = say(TITLES[score], score=_score(score))
    return line_chart(title, cycles(lines), drawn, levels=levels, reach=[0.0, 1.0])


def _untrained_value(lines: Rows, name: str) -> float | None:
    """The value at cycle 0."""
    return next((v for c, v in zip(cycles(lines), column(lines, name), strict=True) if c == 0), None)


def _legend(held_out: bool) -> str:
    entries = [(f"train{short}", say(NAMES["train"], pairing=name)) for name, short in DIRECTIONS.values()]
    if not held_out:
        return legend(entries)
    held = [(f"held{short}", say(NAMES["held_out"], pairing=name)) for name, short in DIRECTIONS.values()]
    note = say("Thin dashed lines: the untrained encoder on held-out passages.")
    return f'{legend(held + entries)}<p class="note">{note}</p>'


def _table(lines: Rows) -> str:
    columns = [
        (f"{_score(score)}, {say(NAMES[part], pairing=name)}", column(lines, f"{part}_{score}_{way}"))
        for part in NAMES
        for score in SCORES
        for way, (name, _) in DIRECTIONS.items()
    ]
    rows = zip(cycles(lines), *(values for _, values in columns), strict=True)
    return numbers_behind([say("Cycle"), *(name for name, _ in columns)], rows)
