"""The page of a comparison: verdict, the runs, and their numbers side by side."""

from collections.abc import Mapping

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.evidence import Judged
from topores.analysis.comparison.run import COUNTED
from topores.config import Language
from topores.domain import Analysis, Verdict
from topores.quantities import quantity
from topores.report.claims import claims_table
from topores.report.comparison.charts import curves_chart, keys
from topores.report.comparison.data import FROM_ZERO, looks_of, over_cycles, over_loss
from topores.report.comparison.tables import (
    HASH,
    Looks,
    best_table,
    cycles_table,
    differences_table,
    end_table,
    kinds_table,
    losses_table,
    name_of,
    nulls_table,
    runs_table,
    unit_in,
)
from topores.report.glossary import hint_of, measure_term, quantity_term, term
from topores.report.html.document import STYLES_OF_RUNS, contents, document, on_top
from topores.report.html.numbers import data, digits
from topores.report.html.safe import escape_html
from topores.report.html.tables import fold
from topores.report.language import many, say, speak, speaking
from topores.report.names import sampling_of
from topores.report.option_names import option_name


def render_comparison(comparison: Comparison, verdict: Verdict, lang: Language = "en") -> str:
    """The whole page as one HTML document, the same for the same runs. It contains no script."""
    with speaking(lang):
        judged = Judged(comparison)
        title = f"{', '.join(comparison.names)}: {speak(verdict.headline or verdict.sentence)}"
        body = f"{_header(judged, verdict)}\n{contents(_sections(judged, verdict))}"
        return document(title, body, styles=STYLES_OF_RUNS)


def _sections(judged: Judged, verdict: Verdict) -> list[tuple[str, str, str]]:
    """Name, title and content of each, in their order."""
    comparison = judged.comparison
    looks = looks_of(comparison.runs, judged.groups)
    return [
        ("runs", say("What was compared"), _runs(judged, looks)),
        ("verdict", say("Evidence for the verdict"), _rests_on(judged, verdict)),
        ("end", _end_title(judged), end_table(judged, looks) + kinds_table(judged)),
        ("cycles", say("At the same cycles"), _cycles(comparison, looks)),
        ("losses", say("At the same losses"), _losses(comparison, looks)),
        ("best", say("The best cycle for held-out retrieval"), _best(comparison, looks)),
        ("nulls", say("Nulls of each run"), _nulls(comparison, looks)),
        ("own", say("The verdict of each run"), _own(comparison, looks)),
        ("limits", say("Limits"), _limits()),
    ]


def _header(judged: Judged, verdict: Verdict) -> str:
    names = " · ".join(f"<bdi>{escape_html(name)}</bdi>" for name in judged.comparison.names)
    counts = [
        many(len(judged.comparison.runs), "run"),
        many(len(judged.groups), "kind"),
        say("{cycles} kept by all", cycles=many(len(judged.comparison.cycles), "cycle")),
    ]
    return f"<header>{on_top(names, verdict, counts)}</header>"


def _runs(judged: Judged, looks: Looks) -> str:
    kinds = say(
        "<p>Runs whose options differ only in the seed are of one kind: the spread within a kind is due to luck. Only "
        "options in which the runs differ are shown.</p>"
    )
    after = _texts(judged.comparison) + _repeats(judged) + _protocol(judged.comparison)
    return f"{kinds}{runs_table(judged, looks)}{after}"


def _repeats(judged: Judged) -> str:
    repeats = [run.name for group in judged.groups for run in group.repeats]
    if not repeats:
        return ""
    return say(
        "<p>{runs}: same kind and seed as another run, so not counted again.</p>",
        runs=escape_html(", ".join(repeats)),
    )


def _texts(comparison: Comparison) -> str:
    """Whether the runs have the same texts and the same held-out task."""
    if not comparison.same_texts:
        return say(
            "<p><strong>The runs have different texts</strong> (SHA-256 above), so their numbers differ because of the "
            "texts, too; kinds with different texts are not tested against each other.</p>"
        )
    t1, t2 = (escape_html(sha256[:HASH]) for sha256 in comparison.runs[0].texts)
    if comparison.same_questions:
        return say(
            "<p>All runs have the same texts (SHA-256 {t1}… and {t2}…) and the same held-out passages and pairs.</p>",
            t1=t1, t2=t2,
        )  # fmt: skip
    return say(
        "<p>All runs have the same texts (SHA-256 {t1}… and {t2}…), but different held-out passages (the seed and the "
        "options of the split decide which).</p>",
        t1=t1, t2=t2,
    )  # fmt: skip


def _protocol(comparison: Comparison) -> str:
    """What all results share, and a note if different versions of programs made them."""
    first, *others = [run.analysis for run in comparison.runs]
    metric, degree = (escape_html(first.protocol.get(name, "")) for name in ("metric", "max_degree"))
    told = [
        say(
            "All measured by the same protocol: metric {metric}, homology up to degree {degree}, last layer, both "
            "texts.",
            metric=metric, degree=degree,
        )
    ]  # fmt: skip
    if "union" in (first.protocol.get("sampled") or []):
        told.append(
            say("Numbers of loops are means over {subsamples}.", subsamples=escape_html(sampling_of(first, "union")))
        )
    if any(other.protocol.get("versions") != first.protocol.get("versions") for other in others):
        told.append(say("Different versions of programs made these results."))
    return f'<p class="note">{" ".join(told)}</p>'


def _rests_on(judged: Judged, verdict: Verdict) -> str:
    words = say(
        "<p>Next to each value is that of the kind it is compared with. <i>p</i> is the probability that seeds alone "
        "make two kinds differ as much, corrected over all comparisons (Holm). Kinds that share three seeds or more "
        "are compared seed by seed, others by Welch's test; a single run is tested for being one more of the other "
        "kind. A number without <i>p</i> is reported but not tested. Deformation, rotation and scale are measured "
        "against the first state.</p>"
    )
    if all(len(group.runs) == 1 for group in judged.groups):
        words += say(
            "<p><strong>One run each, so there is no spread to test by.</strong> Train each kind with more seeds "
            "(<code>topores train … --seed 1</code>) and compare all of them.</p>"
        )
    pairs = fold(say("All quantities of all pairs of kinds"), differences_table(judged)) if judged.differences else ""
    return words + claims_table(verdict.claims, say("Compared with")) + pairs


def _end_title(judged: Judged) -> str:
    return say("At the end") if judged.end is None else say("At cycle {n:,}, the last that all runs kept", n=judged.end)


def _cycles(comparison: Comparison, looks: Looks) -> str:
    charts = [_chart(comparison, looks, name, "cycle") for name in ("loss", *comparison.quantities)]
    behind = fold(say("The numbers at the cycles that all runs kept"), cycles_table(comparison, looks))
    words = say("<p>Logged numbers are drawn at every logged cycle, numbers of homology at the kept cycles.</p>")
    return f'{words}{_legend(comparison, looks)}<div class="panels four">{"".join(charts)}</div>{behind}'


def _losses(comparison: Comparison, looks: Looks) -> str:
    if not all(run.losses for run in comparison.runs):
        return ""
    charts = "".join(_chart(comparison, looks, name, "loss") for name in comparison.quantities)
    drawn = f'{_legend(comparison, looks)}<div class="panels four">{charts}</div>'
    return f"{_meaning(comparison)}{_levels(comparison, looks)}{drawn}"


def _meaning(comparison: Comparison) -> str:
    words = say(
        "<p>At the same cycle, a run that learns faster is ahead; comparing at the same loss removes that. Loss falls "
        "to the right; each run is drawn where its loss reached a new minimum. Values between two states are "
        "interpolated linearly.</p>"
    )
    if not comparison.losses_differ_by:
        return words
    # Texts are not an option themselves.
    names = [say("texts") if name == "texts" else option_name(name) for name in comparison.losses_differ_by]
    return words + say(
        '<p class="warning"><strong>These losses are not comparable:</strong> the runs differ in {names}. An equal '
        "loss is not an equal fit here, and the verdict does not use it.</p>",
        names=", ".join(names),
    )


def _levels(comparison: Comparison, looks: Looks) -> str:
    """The lowest losses of the runs, and their numbers at losses that all reached."""
    lowest = {run.name: min(run.losses.values()) for run in comparison.runs}
    each = [say("{run} {loss}", run=escape_html(name), loss=data(loss)) for name, loss in lowest.items()]
    told = say("Lowest losses: {losses}.", losses=", ".join(each))
    if not comparison.levels:
        apart = say("One run started below the lowest loss of another, so there is no loss to align them at.")
        return f"<p>{told} {apart}</p>"
    behind = fold(say("The numbers at equal losses"), losses_table(comparison, looks))
    return f"<p>{told} {_aligned_sentence(comparison.levels[-1], lowest)}</p>{behind}"


def _aligned_sentence(last: float, lowest: Mapping[str, float]) -> str:
    """The lowest shared loss, and runs whose numbers below it are left out."""
    further = [escape_html(name) for name, loss in lowest.items() if loss < last]
    if not further:
        return say("They are aligned down to {level}.", level=digits(last))
    return say(
        "They are aligned down to {level}; lower losses of {runs} are left out.",
        level=digits(last),
        runs=", ".join(further),
    )


def _chart(comparison: Comparison, looks: Looks, name: str, axis: str) -> str:
    along = over_cycles if axis == "cycle" else over_loss
    curves = [along(run, looks[run.name], name) for run in comparison.runs if run.name in looks]
    some = any(value for curve in curves for _, value in curve.places) if name == COUNTED else True
    if not some or not any(curve.places for curve in curves):
        return ""
    shown, unit = quantity(name), unit_in(name, comparison)
    note = say("of each state, interpolated from the log") if name == "loss" else hint_of(shown)
    return curves_chart(quantity_term(shown), curves, axis, note=note, unit=unit, zero=name in FROM_ZERO)


def _legend(comparison: Comparison, looks: Looks) -> str:
    """One entry per run, or per kind if runs share the look of their kind."""
    named = {look: run for run in reversed(comparison.runs) if (look := looks.get(run.name))}
    if len(named) == len(comparison.runs):
        return keys((look, f"<bdi>{escape_html(run.name)}</bdi>") for look, run in reversed(named.items()))
    kinds = {
        looks[group.runs[0].name]: speak(group.title)
        for group in Judged(comparison).groups
        if group.runs[0].name in looks
    }
    legend = keys((look, escape_html(name)) for look, name in kinds.items())
    undrawn = len(comparison.runs) - len(looks)
    if not undrawn:
        return legend
    return legend + say(
        '<p class="note">{runs} of further kinds are not drawn; the tables have all.</p>', runs=many(undrawn, "run")
    )


def _best(comparison: Comparison, looks: Looks) -> str:
    found = best_table(comparison.runs, looks)
    words = say(
        "<p>More cycles do not mean more learning: {mrr} often rises and then falls while the training pairs are "
        "memorised. The best of many cycles is biased upwards: other held-out passages would select another cycle. "
        "Loops are interpolated between the kept states around that cycle.</p>",
        mrr=measure_term("held_out_mrr"),
    )
    return words + found if found else ""


def _nulls(comparison: Comparison, looks: Looks) -> str:
    found = nulls_table(comparison.runs, looks)
    if not found:
        return say(
            "<p>These results have no nulls. <code>topores topology --checkpoint RUN</code> measures those that are "
            "possible, and <code>topores train … --null shuffled</code> trains runs on shuffled pairings.</p>"
        )
    words = say(
        "<p>An effect that the nulls of a run show, too, is not due to its pairing. The table has the last state of "
        "each run, and the mean ± standard deviation over the draws of each null. A difference between two runs that "
        "is smaller than the noise of dropout or of the choice of passages within one run cannot be detected with "
        "these texts.</p>"
    )
    return words + found


def _own(comparison: Comparison, looks: Looks) -> str:
    return "".join(_verdict_of(run.analysis, name_of(run, looks)) for run in comparison.runs)


def _verdict_of(analysis: Analysis, name: str) -> str:
    claims, told = analysis.verdict.claims, escape_html(speak(analysis.verdict.sentence))
    beside = term("null", "Without the effect (null)")
    behind = fold(say("Evidence"), claims_table(claims, beside)) if claims else ""
    return f'<h3>{name}</h3><p dir="auto">{told}</p>{behind}'


def _limits() -> str:
    items = (
        say("Seeds show how much luck matters on these texts, not how much the runs would differ on other texts."),
        say("Few seeds detect only large differences. Absence of evidence is not evidence of absence."),
        say("The seed decides which passages are held out, so kinds with other seeds also have other queries."),
        say("The loss of a state is interpolated from means over the steps of a cycle, before and after that state."),
        say("Numbers of homology at a loss are interpolated between two kept states, which may be far apart."),
    )
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
