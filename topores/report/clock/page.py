"""The report of the logarithmic clock: the finding in a sentence, two charts, the counts and their setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topores.domain import Verdict
from topores.report.clock.charts import Facts, drawn_runs, law_chart, law_legend, margin_chart
from topores.report.clock.tables import counts, looks
from topores.report.html.document import STYLES_OF_RUNS, contents, document, on_top
from topores.report.html.numbers import digits, percent
from topores.report.html.safe import escape_html
from topores.report.html.tables import facts, fold, key_values
from topores.report.language import many

LOSSES = {
    "infonce": "−s<sub>p</sub> + log(e<sup>s<sub>p</sub></sup> + Σ<sub>j</sub> e<sup>s<sub>j</sub></sup>)",
    "decoupled": "−s<sub>p</sub> + log Σ<sub>j</sub> e<sup>s<sub>j</sub></sup>",
}
"""Loss of one row, as HTML; the loss is the mean over rows."""


@dataclass(frozen=True)
class ClockFindings:
    """Content of the page, in plain values."""

    name: str
    found: Facts
    """loss, pairs, dim, margin; temperatures: temperature, cycles, counts, starts, extrapolated, cycles_run, seconds;
    law: slope, slope_error, intercept, expected, decades, or None."""
    runs: Sequence[Facts]
    """temperature, seed, cycle, reached, seconds; looks: cycle, margin, loss, one_minus_p, sha256."""
    options: Mapping[str, Any]
    step: float
    """Step length as a share of the temperature."""
    noise: float
    """Standard deviation of each coordinate at the start."""
    command: str
    """The command that repeats it."""


def render_clock(clock: ClockFindings) -> str:
    """The whole report as one HTML document, the same for the same findings. It contains no script."""
    sections = [
        ("law", "The law, and the runs", _charts(clock)),
        ("counts", "Cycles at each temperature", counts(clock.found, clock.runs) + looks(drawn_runs(clock.runs))),
        ("setting", "Setting", _setting(clock)),
        ("limits", "Limits", _limits(clock)),
    ]
    said = sentence(clock.found)
    return document(f"{clock.name}: {said}", f"{_header(clock, said)}\n{contents(sections)}", styles=STYLES_OF_RUNS)


def sentence(found: Facts) -> str:
    """The finding: the slope compared with the predicted one, and how much of it was counted."""
    law, margin = found["law"], found["margin"]
    if law is None:
        return (
            f"Fewer than three temperatures reached the margin of {margin:.4f}, so there is no law; {_literal(found)}."
        )
    apart = (law["slope"] - law["expected"]) / law["expected"]
    where = f"{abs(apart):.1%} {'above' if apart >= 0 else 'below'}".replace("%", " %")
    return (
        f"The slope of ln(cycles / temperature) over 1 / temperature is {law['slope']:.4f} (standard error "
        f"{law['slope_error']:.4f}) over {law['decades']:.1f} decades of cycles, {where} the margin of "
        f"{law['expected']:.4f} that the law predicts; {_literal(found)}."
    )


def _literal(found: Facts) -> str:
    """Which temperatures were counted or extrapolated, and how far the longest run went."""
    rows = found["temperatures"]
    other = [f"{row['temperature']:g}" for row in rows if row["cycles"] is None]
    longest = max(row["cycles_run"] for row in rows)
    kind = "extrapolated" if found["law"] or not other else "not reached"
    rest = f"{len(other)} {kind} ({', '.join(other)})" if other else f"none {kind}"
    return (
        f"{len(rows) - len(other)} of {many(len(rows), 'temperature')} counted in literal runs, the longest of "
        f"{longest:,} cycles, {rest}"
    )


def _header(clock: ClockFindings, said: str) -> str:
    found = clock.found
    counts = [
        escape_html(found["loss"]), many(found["pairs"], "pair"), many(found["dim"], "dimension"),
        many(len(found["temperatures"]), "temperature"), many(len(clock.runs), "run"),
    ]  # fmt: skip
    return f"<header>{on_top(f'<bdi>{escape_html(clock.name)}</bdi>', Verdict(said, ()), counts)}</header>"


def _charts(clock: ClockFindings) -> str:
    drawn = drawn_runs(clock.runs)
    some = len(drawn) < len(clock.runs)
    note = (
        f'<p class="note">{len(drawn)} of {len(clock.runs):,} runs are drawn: the first starts of each temperature.</p>'
    )
    charts = law_chart(clock.found, clock.runs) + margin_chart(clock.found, drawn)
    return f'{_words()}{law_legend(clock.found)}<div class="panels two">{charts}</div>{note if some else ""}'


def _words() -> str:
    return (
        "<p>Under infonce, once partners lie together, the pull on a row carries the share that its negatives hold of "
        "the softmax, which shrinks as e<sup>−margin / temperature</sup>. A step is a share of the temperature and the "
        "gradient holds one over it, so the margin grows with the logarithm of the cycles, and the cycles to a margin "
        "are temperature / c × e<sup>margin / temperature</sup>: ln(cycles / temperature) is a line over 1 / "
        "temperature, and its slope is the margin itself.</p>"
    )


def _setting(clock: ClockFindings) -> str:
    found, rows = clock.found, 2 * clock.found["pairs"]
    most = 1 + 1 / (found["pairs"] - 1)
    loss = LOSSES.get(found["loss"])
    told = facts([
        ("Vectors", f"{rows} free unit vectors in {many(found['dim'], 'dimension')}: {found['pairs']} pairs of one "
         "row each of T1 and T2"),
        ("Loss", f"{escape_html(found['loss'])}{': ' + loss if loss else ''}, mean over rows; s is a cosine / "
         f"temperature, p the row's partner, j its negatives: the other {rows - 2} rows"),
        ("Margin", "cosine of partners minus that of the closest negative, for the worst row"),
        ("Target", f"{found['margin']:.4f}, which is {percent(found['margin'] / most)} of {most:.4f}, the "
         "margin of a regular simplex"),
        ("Start", "random pair centres; T1's rows are pushed one way and T2's the other by one common unit vector; "
         f"noise of {clock.noise:g} in each coordinate; unit length"),
        ("Step", f"gradient descent in the tangent space, {clock.step:g} × temperature long, then back to unit length; "
         "no momentum"),
        ("Arithmetic", "float64; 1 − p is summed over the negatives, so that nothing cancels"),
        ("Computing", f"{digits(sum(run['seconds'] for run in clock.runs))} s over all runs"),
    ])  # fmt: skip
    again = f"<h3>Command</h3><pre><code>{escape_html(clock.command)}</code></pre>"
    return told + again + _further(clock) + fold("All options", key_values(clock.options))


def _further(clock: ClockFindings) -> str:
    """A note on runs that an earlier command continued past the margin."""
    beyond = [run for run in clock.runs if run["reached"] is not None and run["cycle"] > run["reached"]]
    if not beyond or clock.options.get("to_the_end"):
        return ""
    names = ", ".join(dict.fromkeys(f"{run['temperature']:g}" for run in beyond))
    return f'<p class="note">Runs that went on past the margin ({names}) were taken there with --to-the-end.</p>'


def _limits(clock: ClockFindings) -> str:
    starts = max(row["starts"] for row in clock.found["temperatures"])
    one = "Each count here is of one start. " if starts == 1 else ""
    return (
        f"<p>{one}A start is one of many, and they differ. Over 200 starts of 8 pairs in "
        "8 dimensions (infonce, 90 % of the simplex margin) the counts at temperature 0.2 ran from 225 to 1,610 with a "
        "median of 534, and at 0.1 from 18,267 to 178,142 with a median of 49,734. The standard error of the slope is "
        "that of the line through the counts of this page; how it differs between starts is not in it.</p>"
        "<p>What is extrapolated was not run. It takes the line to hold beyond the counts.</p>"
        "<p>The vectors are free: no network ties them together. Steps that do not shrink with the gradient, as those "
        "of Adam, and other learning rates change the law; so does a loss whose pull does not fade with 1 − p, such as "
        "decoupled.</p>"
    )
