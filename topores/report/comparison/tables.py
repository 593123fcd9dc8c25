"""The tables of a comparison: how the runs differ, and their numbers at equal cycles and losses."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.best_cycle import best_cycle
from topores.analysis.comparison.evidence import EQUAL_LOSS, Judged
from topores.analysis.comparison.replicates import PLACES, Difference
from topores.analysis.comparison.run import COUNTED, ComparedRun
from topores.analysis.ladder import name_of as null_name
from topores.analysis.verdict.evidence import LOOPS, RETRIEVAL
from topores.quantities import quantity
from topores.report.claims import cell
from topores.report.comparison.charts import key
from topores.report.glossary import measure_term, quantity_term
from topores.report.html.numbers import data, digits
from topores.report.html.safe import clip_html, escape_html
from topores.report.html.tables import table
from topores.report.language import localise, say, speak
from topores.report.names import unit_of
from topores.report.option_names import option_name
from topores.report.run.null_data import ROWS, Spread, own_value, present, spreads

MOST_LETTERS = 60
HASH = 8
"""Letters of a SHA-256 that are shown."""

BESIDE = ("output", "null", "seeds")
"""Options that name the run's folder and its nulls, and say nothing about the run itself."""

Looks = dict[str, str]


def name_of(run: ComparedRun, looks: Looks) -> str:
    """A run in tables and legends: its line and its name."""
    drawn = f"{key(looks[run.name])} " if run.name in looks else ""
    return f"{drawn}<bdi>{clip_html(run.name, MOST_LETTERS)}</bdi>"


def runs_table(judged: Judged, looks: Looks) -> str:
    """One row per run: its kind, the options in which the runs differ, and how far it went."""
    runs = judged.comparison.runs
    names = [name for name in dict.fromkeys(n for run in runs for n in run.options) if name not in BESIDE]
    # Paths of the same texts say nothing.
    names = [name for name in names if name not in PLACES or not judged.comparison.same_texts]
    # An option that only some encoders have differs where those that have it differ.
    differing = [name for name in names if len({repr(run.options[name]) for run in runs if name in run.options}) > 1]
    kinds, nulls = len(judged.groups) < len(runs), any(run.null for run in runs)
    kind = {run.name: group.name for group in judged.groups for run in (*group.runs, *group.repeats)}
    texts = [] if judged.comparison.same_texts else ["T1", "T2"]
    head = [
        say("Run"), *([say("Kind")] if kinds else []), *map(option_name, differing), *texts,
        *([say("Null")] if nulls else []), say("Last cycle"), say("Lowest loss"), say("States measured"),
    ]  # fmt: skip
    rows = [
        [
            name_of(run, looks), *([escape_html(speak(kind[run.name]))] if kinds else []),
            *(_option(run.options.get(name)) for name in differing),
            *(_hash(sha256) for sha256 in run.texts[: len(texts)]),
            *([escape_html(run.null or "–")] if nulls else []), *_extent(run),
        ]
        for run in runs
    ]  # fmt: skip
    return table(head, rows, look="runs")


def _option(value: Any) -> str:
    """An option's value as HTML; paths and lists may wrap between their parts, so that print keeps all columns."""
    if value in (None, [], ()):
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return localise(f"{value:,}")
    text = clip_html(", ".join(map(str, value)) if isinstance(value, list) else value, MOST_LETTERS)
    return re.sub(r"(?<=[/,_])(?<!</)(?=\w)", "<wbr>", text)


def _hash(sha256: str) -> str:
    return f'<code title="{escape_html(sha256)}">{escape_html(sha256[:HASH])}</code>'


def _extent(run: ComparedRun) -> list[str]:
    last = max((line["cycle"] for line in run.analysis.metrics), default=None)
    return [cell(last), cell(min(run.losses.values(), default=None)), cell(len(run.kept))]


def end_table(judged: Judged, looks: Looks) -> str:
    """Every quantity of every run at the last cycle that all runs kept."""
    comparison, end = judged.comparison, judged.end
    if end is None:
        return say("<p>The runs kept no cycle in common but the first, so there is no such table.</p>")
    head = ["", *(name_of(run, looks) for run in comparison.runs)]
    found = {name: comparison.at_cycle(name, end) for name in comparison.quantities}
    rows = [
        [title_in_unit(name, comparison), *(_value_cell(name, value) for value in values)]
        for name, values in found.items()
        if any(value is not None for value in values)
    ]
    return table(head, rows, look="numbers")


def kinds_table(judged: Judged) -> str:
    """Mean and standard deviation of every kind over its seeds; empty if no kind has two."""
    if all(len(group.runs) < 2 for group in judged.groups):
        return ""
    rows = []
    for name, read in judged.reads.items():
        spread = [_mean(group.values(read)) for group in judged.groups]
        if any(words != "–" for words in spread):
            rows.append([title_of(name, judged), *spread])
    head = ["", *(escape_html(speak(group.title)) for group in judged.groups)]
    return table(head, rows, caption=say("Mean ± standard deviation over seeds"), look="numbers")


def _mean(values: Sequence[float] | None) -> str:
    if not values:
        return "–"
    deviation = f" ± {data(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""
    return data(float(np.mean(values))) + deviation


def differences_table(judged: Judged) -> str:
    """Every quantity of every two kinds, with the test of their difference."""
    head = [
        say("Quantity"), say("Greater"), say("Lesser"), say("Greater mean"), say("Lesser mean"), say("Test"),
        "<i>p</i>",
    ]  # fmt: skip
    return table(head, (_difference(d, judged) for d in judged.differences), look="pairs")


def _difference(d: Difference, judged: Judged) -> list[str]:
    names = [escape_html(speak(group.title)) for group in (d.greater, d.lesser)]
    test = speak(d.test) if d.test else say("none: no spread")
    return [title_of(d.quantity, judged), *names, *map(data, d.means), test, cell(d.p)]


def title_of(name: str, judged: Judged) -> str:
    """As `title_in_unit`, also for loops at an equal loss."""
    if name == EQUAL_LOSS:
        loops = title_in_unit(LOOPS, judged.comparison)
        return say("{measure} at a loss of {level}", measure=loops, level=digits(judged.level))
    return title_in_unit(name, judged.comparison)


def title_in_unit(name: str, comparison: Comparison) -> str:
    """A quantity's name with its unit."""
    unit, title = unit_in(name, comparison), quantity_term(quantity(name))
    return f"{title} ({escape_html(unit)})" if unit else title


def unit_in(name: str, comparison: Comparison) -> str:
    """Unit in the first run; all runs were measured by one protocol."""
    return unit_of(comparison.runs[0].analysis, quantity(name).measured_as)


def cycles_table(comparison: Comparison, looks: Looks) -> str:
    """Every run at every cycle that all kept."""
    head = [say("Cycle"), say("Run"), *_titles(comparison)]
    rows = [
        [
            data(cycle),
            name_of(run, looks),
            *(_value_cell(name, run.values.get(name, {}).get(cycle)) for name in comparison.quantities),
        ]
        for cycle in comparison.cycles
        for run in comparison.runs
    ]
    return table(head, rows, look="numbers aligned")


def losses_table(comparison: Comparison, looks: Looks) -> str:
    """Every run at losses that all reached, and at about which cycle."""
    head = [say("Loss"), say("Run"), say("About cycle"), *_titles(comparison)]
    rows = []
    for level in comparison.levels:
        reached, columns = (
            comparison.cycle_reached(level),
            {name: comparison.at_loss(name, level) for name in comparison.quantities},
        )
        for place, run in enumerate(comparison.runs):
            values = (_value_cell(name, column[place]) for name, column in columns.items())
            rows.append([data(level), name_of(run, looks), cell(reached[place]), *values])
    return table(head, rows, look="numbers aligned")


def _value_cell(name: str, value: float | None) -> str:
    """A count is written as one."""
    return cell(int(value) if name == COUNTED and value is not None else value)


def _titles(comparison: Comparison) -> list[str]:
    return [title_in_unit(name, comparison) for name in comparison.quantities]


def best_table(runs: Iterable[ComparedRun], looks: Looks) -> str:
    """The best cycle of each run for held-out retrieval; empty if nothing is held out."""
    found = [(run, best) for run in runs if (best := best_cycle(run)) is not None]
    if not found:
        return ""
    held_out, train, loss = (quantity_term(quantity(name)) for name in (RETRIEVAL, "train_mrr", "loss"))
    head = [
        say("Run"), say("Best cycle"), say("{measure} there", measure=held_out), say("Untrained"),
        say("At the last cycle"), say("{measure} there", measure=train), say("{measure} there", measure=loss),
        say("Loop persistence there, relative to the first state"),
    ]  # fmt: skip
    rows = [
        [name_of(run, looks), data(best.cycle), data(best.held_out), cell(best.untrained), data(best.last),
         cell(best.train), cell(best.loss), cell(best.loops)]
        for run, best in found
    ]  # fmt: skip
    return table(head, rows, look="numbers")


def nulls_table(runs: Iterable[ComparedRun], looks: Looks) -> str:
    """Each run's last state, and below it the same numbers under each of its nulls; empty without nulls."""
    rows = []
    for run in runs:
        analysis, last = run.analysis, run.kept[-1]
        names = present(analysis)
        if names:
            own = [own_value(analysis, measure, degree, last) for measure, degree in ROWS]
            rows.append([name_of(run, looks), say("cycle {n:,}", n=last), *(cell(value) for value in own)])
        for null in names:
            found = spreads(analysis, null, last)
            draws = max((spread.draws for spread in found.values()), default=0)
            named = f"{say(null_name(null))} ({draws})"
            cells = [_spread_cell(found.get((measure, degree))) for measure, degree in ROWS]
            rows.append([f"<bdi>{clip_html(run.name, MOST_LETTERS)}</bdi>", named, *cells])
    head = [say("Run"), say("State, or null (draws)"), *(measure_term(*row) for row in ROWS)]
    return table(head, rows, look="numbers aligned") if rows else ""


def _spread_cell(found: Spread | None) -> str:
    if found is None:
        return "–"
    return data(found.mean) if found.deviation is None else f"{data(found.mean)} ± {data(found.deviation)}"
