"""The tables of the logarithmic clock: the count of each temperature, and every measurement of the runs."""

import math
from collections.abc import Sequence

from topores.quantities import quantity
from topores.report.clock.charts import Facts
from topores.report.html.numbers import Number, data, digits, power
from topores.report.html.safe import escape_html
from topores.report.html.tables import fold, table

HASH = 12
"""Letters of a SHA-256 that are shown."""


def counts(found: Facts, runs: Sequence[Facts]) -> str:
    """One row per temperature: its count, how it is known, and the runs behind it."""
    head = [
        "Temperature", "Cycles", "Source", "Fastest and slowest start", "By the fitted line", "Cycles run",
        "Cycles/s", "SHA-256 of the last vectors",
    ]  # fmt: skip
    rows = [_count(row, found["law"], runs) for row in found["temperatures"]]
    note = (
        '<p class="note">Counted: the median over all starts of the first cycle at which the worst row had the margin. '
        "Cycles/s are of one run while others ran on the same machine; those of short runs include compiling. The hash "
        "is of the vectors of the first start.</p>"
    )
    return table(head, rows, look="numbers") + note


def _count(row: Facts, law: Facts | None, runs: Sequence[Facts]) -> list[str]:
    temperature = row["temperature"]
    own = [run for run in runs if run["temperature"] == temperature]
    fitted = law and temperature * math.exp(law["intercept"] + law["slope"] / temperature)
    return [
        _exactly(temperature), _cycles(row), _how(row), _spread(row), _roughly(fitted) if fitted else "–",
        data(row["cycles_run"]), data(sum(run["cycle"] for run in own) / (row["seconds"] or 1)),
        _hash(own[0]["looks"][-1]["sha256"]),
    ]  # fmt: skip


def _cycles(row: Facts) -> str:
    if row["cycles"] is not None:
        return data(row["cycles"])
    return _roughly(row["extrapolated"]) if row["extrapolated"] else f"more than {data(row['cycles_run'])}"


def _how(row: Facts) -> str:
    if row["cycles"] is not None:
        return "counted"
    return "<em>extrapolated</em>" if row["extrapolated"] else "not reached"


def _spread(row: Facts) -> str:
    counts, starts = row["counts"], row["starts"]
    some = f", {len(counts)} of {starts:,} reached it" if len(counts) < starts else ""
    if len(counts) < 2:
        return "one start" if starts == 1 else f"{len(counts)} of {starts:,} reached it"
    return f"{data(min(counts))} to {data(max(counts))}{some}"


def _exactly(temperature: Number) -> str:
    """As given."""
    return f'<data value="{temperature!r}">{temperature:g}</data>'


def _roughly(cycles: Number) -> str:
    """Three significant digits, because more are not known.

    >>> _roughly(387_654_321.0), _roughly(1.234e20)
    ('<data value="387654321.0">≈ 388,000,000</data>', '<data value="1.234e+20">≈ 1.23×10²⁰</data>')
    """
    exponent = math.floor(math.log10(cycles))
    long = f"{cycles / 10.0**exponent:.2f}×{power(exponent)}"
    return f'<data value="{cycles!r}">≈ {digits(float(f"{cycles:.3g}")) if exponent < 12 else long}</data>'


def _hash(sha256: object) -> str:
    return f'<code title="{escape_html(sha256)}">{escape_html(str(sha256)[:HASH])}</code>'


def looks(runs: Sequence[Facts]) -> str:
    """All measurements of these runs."""
    head = ["Temperature", "Seed", "Cycle", "Margin", "Loss (nats)", quantity("one_minus_p").name, "SHA-256"]
    measured = ("cycle", "margin", "loss", "one_minus_p")
    rows = [
        [_exactly(run["temperature"]), escape_html(run["seed"]), *(data(look[name]) for name in measured),
         _hash(look["sha256"])]
        for run in runs for look in run["looks"]
    ]  # fmt: skip
    return fold("The numbers behind the charts: all measurements of the runs", table(head, rows, look="numbers"))
