"""The tables of a comparison: what differs between the runs, and their numbers at the same cycles and losses."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.best_cycle import best_cycle
from topores.analysis.comparison.evidence import EQUAL_LOSS, Judged
from topores.analysis.comparison.replicates import PLACES, Difference
from topores.analysis.comparison.run import COUNTED, QUANTITIES, ComparedRun
from topores.domain import Claim
from topores.report.comparison.charts import key
from topores.report.comparison.data import SHOWN
from topores.report.glossary import term
from topores.report.html.numbers import Number, data, digits
from topores.report.html.safe import clipped, escaped
from topores.report.html.tables import table
from topores.report.language import localised, say, spoken
from topores.report.option_names import option_name
from topores.report.run.null_data import NAMES, ROWS, Spread, own_value, present, spreads
from topores.report.run.readings import unit_of

MOST_LETTERS = 60
HASH = 8
"""Letters of a SHA-256 that are shown."""

BESIDE = ("output", "null", "seeds")
"""Options that say where a run lies and what was trained beside it: nothing of the run itself."""

MEASURES = {"spanning_tree": "total_persistence"}
"""Quantities that the analysis measures under another name."""

Looks = dict[str, str]


def name_of(run: ComparedRun, looks: Looks) -> str:
    """A run as tables and legends call it: its line and its name."""
    drawn = f"{key(looks[run.name])} " if run.name in looks else ""
    return f"{drawn}<bdi>{clipped(run.name, MOST_LETTERS)}</bdi>"


def runs_table(judged: Judged, looks: Looks) -> str:
    """One line for each run: its kind, the options in which the runs differ, and how far it went."""
    runs = judged.comparison.runs
    names = [name for name in dict.fromkeys(n for run in runs for n in run.options) if name not in BESIDE]
    # Where the same texts lie tells nothing.
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
            name_of(run, looks), *([escaped(spoken(kind[run.name]))] if kinds else []),
            *(_option(run.options.get(name)) for name in differing),
            *(_hash(sha256) for sha256 in run.texts[: len(texts)]),
            *([escaped(run.null or "–")] if nulls else []), *_extent(run),
        ]
        for run in runs
    ]  # fmt: skip
    return table(head, rows, look="runs")


def _option(value: Any) -> str:
    """As HTML; a path or a list may be broken between its parts, so that print keeps all columns."""
    if value in (None, [], ()):
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return localised(f"{value:,}")
    text = clipped(", ".join(map(str, value)) if isinstance(value, list) else value, MOST_LETTERS)
    return re.sub(r"(?<=[/,_])(?<!</)(?=\w)", "<wbr>", text)


def _hash(sha256: str) -> str:
    return f'<code title="{escaped(sha256)}">{escaped(sha256[:HASH])}</code>'


def _extent(run: ComparedRun) -> list[str]:
    last = max((line["cycle"] for line in run.analysis.metrics), default=None)
    return [cell(last), cell(min(run.losses.values(), default=None)), cell(len(run.kept))]


def end_table(judged: Judged, looks: Looks) -> str:
    """Every quantity of every run at the last cycle that all kept, and of the untrained encoder where all have it."""
    comparison, end = judged.comparison, judged.end
    if end is None:
        return say("<p>All runs kept no cycle in common but the first, so there is no such table.</p>")
    head = ["", *(name_of(run, looks) for run in comparison.runs)]
    found = {name: comparison.at_cycle(name, end) for name in QUANTITIES}
    rows = [
        [title_in_unit(name, comparison), *(_of(name, value) for value in values)]
        for name, values in found.items()
        if any(value is not None for value in values)
    ]
    return table(head, rows, look="numbers")


def claims_table(claims: Iterable[Claim], beside: str) -> str:
    """Claims with their numbers.

    Args:
        beside: HTML that heads the column of nulls.
    """
    head = [say("Claim"), say("Value"), beside, term("p", "p")]
    return table(head, map(_claim, claims), look="claims")


def _claim(claim: Claim) -> list[str]:
    what = spoken(claim.what)
    return [escaped(what[:1].upper() + what[1:]), cell(claim.value), cell(claim.null), cell(claim.p)]


def kinds_table(judged: Judged) -> str:
    """Mean and standard deviation of every kind over its seeds; nothing where no kind has two."""
    if all(len(group.runs) < 2 for group in judged.groups):
        return ""
    rows = []
    for name, read in judged.reads.items():
        spread = [_mean(group.values(read)) for group in judged.groups]
        if any(words != "–" for words in spread):
            rows.append([title_of(name, judged), *spread])
    head = ["", *(escaped(spoken(group.told)) for group in judged.groups)]
    return table(head, rows, caption=say("Mean ± standard deviation over seeds"), look="numbers")


def _mean(values: Sequence[float] | None) -> str:
    if not values:
        return "–"
    deviation = f" ± {data(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""
    return data(float(np.mean(values))) + deviation


def differences_table(judged: Judged) -> str:
    """Every quantity of every two kinds, with what the seeds say of their difference."""
    head = [
        say("Quantity"), say("Greater"), say("Lesser"), say("Mean of the greater"), say("Of the lesser"), say("Test"),
        "<i>p</i>",
    ]  # fmt: skip
    return table(head, (_difference(d, judged) for d in judged.differences), look="pairs")


def _difference(d: Difference, judged: Judged) -> list[str]:
    names = [escaped(spoken(group.told)) for group in (d.greater, d.lesser)]
    test = spoken(d.test) if d.test else say("none: no spread")
    return [title_of(d.quantity, judged), *names, *map(data, d.means), test, cell(d.p)]


def title_of(quantity: str, judged: Judged) -> str:
    if quantity == EQUAL_LOSS:
        loops = title_in_unit("total_persistence", judged.comparison)
        return say("{measure} at a loss of {level}", measure=loops, level=digits(judged.level))
    return title_in_unit(quantity, judged.comparison)


def title_in_unit(quantity: str, comparison: Comparison) -> str:
    """What a quantity is called, with its unit where it has one."""
    unit = unit_in(quantity, comparison)
    return f"{SHOWN[quantity].title} ({escaped(unit)})" if unit else SHOWN[quantity].title


def unit_in(quantity: str, comparison: Comparison) -> str:
    """As the first run measured it: all were measured by one protocol."""
    return unit_of(comparison.runs[0].analysis, MEASURES.get(quantity, quantity))


def cycles_table(comparison: Comparison, looks: Looks) -> str:
    """Every run at every cycle that all kept."""
    head = [say("Cycle"), say("Run"), *_titles(comparison)]
    rows = [
        [data(cycle), name_of(run, looks), *(_of(name, run.values[name].get(cycle)) for name in QUANTITIES)]
        for cycle in comparison.cycles
        for run in comparison.runs
    ]
    return table(head, rows, look="numbers aligned")


def losses_table(comparison: Comparison, looks: Looks) -> str:
    """Every run at losses that all came down to, and about when that was."""
    head = [say("Loss"), say("Run"), say("About cycle"), *_titles(comparison)]
    rows = []
    for level in comparison.levels:
        reached, columns = comparison.reached(level), {name: comparison.at_loss(name, level) for name in QUANTITIES}
        for place, run in enumerate(comparison.runs):
            values = (_of(name, column[place]) for name, column in columns.items())
            rows.append([data(level), name_of(run, looks), cell(reached[place]), *values])
    return table(head, rows, look="numbers aligned")


def _of(quantity: str, value: float | None) -> str:
    """A count is written as one."""
    return cell(int(value) if quantity == COUNTED and value is not None else value)


def _titles(comparison: Comparison) -> list[str]:
    return [title_in_unit(name, comparison) for name in QUANTITIES]


def best_table(runs: Iterable[ComparedRun], looks: Looks) -> str:
    """Where each run found unseen partners best; nothing where none holds any out."""
    found = [(run, best) for run in runs if (best := best_cycle(run)) is not None]
    if not found:
        return ""
    head = [
        say("Run"), say("Best cycle"), say("Held-out MRR there"), say("Untrained"), say("At the last cycle"),
        say("Training MRR there"), say("Loss there"), say("Loops there, times their start"),
    ]  # fmt: skip
    rows = [
        [name_of(run, looks), data(best.cycle), data(best.held_out), cell(best.untrained), data(best.last),
         cell(best.train), cell(best.loss), cell(best.loops)]
        for run, best in found
    ]  # fmt: skip
    return table(head, rows, look="numbers")


def nulls_table(runs: Iterable[ComparedRun], looks: Looks) -> str:
    """Each run's last state, and below it what each of its nulls makes of the same numbers; nothing without nulls."""
    rows = []
    for run in runs:
        analysis, last = run.analysis, run.kept[-1]
        names = present(analysis)
        if names:
            own = [own_value(analysis, measure, degree, last) for measure, degree, _ in ROWS]
            rows.append([name_of(run, looks), say("cycle {n:,}", n=last), *(cell(value) for value in own)])
        for null in names:
            found = spreads(analysis, null, last)
            draws = max((spread.draws for spread in found.values()), default=0)
            cells = [_spread(found.get((measure, degree))) for measure, degree, _ in ROWS]
            rows.append([f"<bdi>{clipped(run.name, MOST_LETTERS)}</bdi>", f"{say(NAMES[null])} ({draws})", *cells])
    head = [say("Run"), say("Itself, or a null (draws)"), *(str(title) for _, _, title in ROWS)]
    return table(head, rows, look="numbers aligned") if rows else ""


def _spread(found: Spread | None) -> str:
    if found is None:
        return "–"
    return data(found.mean) if found.deviation is None else f"{data(found.mean)} ± {data(found.deviation)}"


def cell(value: Number | None) -> str:
    """A dash where nothing is known."""
    return "–" if value is None else data(value)
