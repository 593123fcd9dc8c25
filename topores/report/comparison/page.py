"""The page of a comparison: what it found in a sentence, the runs, and their numbers side by side."""

from collections.abc import Mapping

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.evidence import Judged
from topores.analysis.comparison.run import COUNTED, QUANTITIES
from topores.config import Language
from topores.domain import Analysis, Verdict
from topores.report.comparison.charts import curves_chart, keys
from topores.report.comparison.data import FROM_ZERO, SHOWN, looks_of, over_cycles, over_loss
from topores.report.comparison.tables import (
    HASH,
    Looks,
    best_table,
    claims_table,
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
from topores.report.glossary import term
from topores.report.html.document import STYLES_OF_RUNS, contents, document, on_top
from topores.report.html.numbers import data, digits
from topores.report.html.safe import escaped
from topores.report.html.tables import folded
from topores.report.language import many, say, speaking, spoken
from topores.report.option_names import option_name
from topores.report.run.readings import sampling_of


def render_comparison(comparison: Comparison, verdict: Verdict, lang: Language = "en") -> str:
    """The whole page as one HTML document in a language, the same for the same runs. No script stands in it."""
    with speaking(lang):
        judged = Judged(comparison)
        title = f"{', '.join(comparison.names)}: {spoken(verdict.headline or verdict.sentence)}"
        body = f"{_header(judged, verdict)}\n{contents(_sections(judged, verdict))}"
        return document(title, body, styles=STYLES_OF_RUNS)


def _sections(judged: Judged, verdict: Verdict) -> list[tuple[str, str, str]]:
    """Name, title and content of each, in their order."""
    comparison = judged.comparison
    looks = looks_of(comparison.runs, judged.groups)
    return [
        ("runs", say("What was compared"), _runs(judged, looks)),
        ("verdict", say("What the verdict rests on"), _rests_on(judged, verdict)),
        ("end", _end_title(judged), end_table(judged, looks) + kinds_table(judged)),
        ("cycles", say("At the same cycles"), _cycles(comparison, looks)),
        ("losses", say("At the same losses"), _losses(comparison, looks)),
        ("best", say("Where unseen partners are found best"), _best(comparison, looks)),
        ("nulls", say("What the nulls of each run bound"), _nulls(comparison, looks)),
        ("own", say("The verdict of each run on its own"), _own(comparison, looks)),
        ("limits", say("What this does not say"), _limits()),
    ]


def _header(judged: Judged, verdict: Verdict) -> str:
    names = " · ".join(f"<bdi>{escaped(name)}</bdi>" for name in judged.comparison.names)
    counts = [
        many(len(judged.comparison.runs), "run"),
        many(len(judged.groups), "kind"),
        say("{cycles} kept by all", cycles=many(len(judged.comparison.cycles), "cycle")),
    ]
    return f"<header>{on_top(names, verdict, counts)}</header>"


def _runs(judged: Judged, looks: Looks) -> str:
    kinds = say(
        "<p>Runs whose options are equal but for the seed are of one kind: how far they lie apart is how far luck "
        "reaches. Only options in which the runs differ are shown.</p>"
    )
    after = _texts(judged.comparison) + _repeats(judged) + _protocol(judged.comparison)
    return f"{kinds}{runs_table(judged, looks)}{after}"


def _repeats(judged: Judged) -> str:
    repeats = [run.name for group in judged.groups for run in group.repeats]
    if not repeats:
        return ""
    return say(
        "<p>{runs}: of the same seed as another run of the kind, and not counted again.</p>",
        runs=escaped(", ".join(repeats)),
    )


def _texts(comparison: Comparison) -> str:
    """Whether the runs are of one corpus, and asked the same of it."""
    if not comparison.same_texts:
        return say(
            "<p><strong>The runs are of different texts</strong> (SHA-256 above), so their numbers differ by the texts "
            "as well; what is of different texts is not judged against each other.</p>"
        )
    t1, t2 = (escaped(sha256[:HASH]) for sha256 in comparison.runs[0].texts)
    if comparison.same_questions:
        return say(
            "<p>All runs are of the same texts (SHA-256 {t1}… and {t2}…), and are asked the same of the same held-out "
            "passages.</p>",
            t1=t1, t2=t2,
        )  # fmt: skip
    return say(
        "<p>All runs are of the same texts (SHA-256 {t1}… and {t2}…), but other passages are held out (the seed and "
        "the options of the split decide which).</p>",
        t1=t1, t2=t2,
    )  # fmt: skip


def _protocol(comparison: Comparison) -> str:
    """What all results share, and a warning where programs of different versions made them."""
    first, *others = [run.analysis for run in comparison.runs]
    metric, degree = (escaped(first.protocol.get(name, "")) for name in ("metric", "max_degree"))
    told = [
        say(
            "Measured by one protocol: metric {metric}, homology up to degree {degree}, the last layer, both texts.",
            metric=metric, degree=degree,
        )
    ]  # fmt: skip
    if "union" in (first.protocol.get("sampled") or []):
        told.append(say("Loops are means over {subsamples}.", subsamples=escaped(sampling_of(first, "union"))))
    if any(other.protocol.get("versions") != first.protocol.get("versions") for other in others):
        told.append(say("Programs of different versions made these results."))
    return f'<p class="note">{" ".join(told)}</p>'


def _rests_on(judged: Judged, verdict: Verdict) -> str:
    words = say(
        "<p>Beside each value stands that of the kind it is compared with. <i>p</i> says how often seeds alone would "
        "set two kinds as far apart, corrected for all that is compared (Holm); where three seeds or more are shared, "
        "the kinds are compared seed by seed, else by Welch's test, and a lone run by whether it could be one more of "
        "the other kind. A number without <i>p</i> is described, not judged. Deformation, rotation and scale are since "
        "the first state.</p>"
    )
    if all(len(group.runs) == 1 for group in judged.groups):
        words += say(
            "<p><strong>One run each: no spread to judge by.</strong> Train each kind with some more seeds "
            "(<code>topores train … --seed 1</code>) and compare them all.</p>"
        )
    pairs = folded(say("Every quantity of every two kinds"), differences_table(judged)) if judged.differences else ""
    return words + claims_table(verdict.claims, say("Beside it")) + pairs


def _end_title(judged: Judged) -> str:
    return say("At the end") if judged.end is None else say("At cycle {n:,}, the last that all kept", n=judged.end)


def _cycles(comparison: Comparison, looks: Looks) -> str:
    charts = [_chart(comparison, looks, name, "cycle") for name in ("loss", *QUANTITIES)]
    behind = folded(say("The numbers at the cycles that all kept"), cycles_table(comparison, looks))
    words = say(
        "<p>Logged numbers are drawn at every logged cycle, those of homology at the cycles that were kept.</p>"
    )
    return f'{words}{_legend(comparison, looks)}<div class="panels four">{"".join(charts)}</div>{behind}'


def _losses(comparison: Comparison, looks: Looks) -> str:
    if not all(run.losses for run in comparison.runs):
        return ""
    charts = "".join(_chart(comparison, looks, name, "loss") for name in QUANTITIES)
    drawn = f'{_legend(comparison, looks)}<div class="panels four">{charts}</div>'
    return f"{_meaning(comparison)}{_levels(comparison, looks)}{drawn}"


def _meaning(comparison: Comparison) -> str:
    words = say(
        "<p>A run that learns faster is further at the same cycle; at the same loss that is taken out. Loss falls to "
        "the right; each run is drawn where its loss was lower than ever before. Between two states a straight line is "
        "taken.</p>"
    )
    if not comparison.losses_differ_by:
        return words
    # Texts are no option, but what the options name.
    names = [say("texts") if name == "texts" else option_name(name) for name in comparison.losses_differ_by]
    return words + say(
        '<p class="warning"><strong>These losses do not mean the same:</strong> the runs differ in {names}. So an '
        "equal loss is no equal fit here, and the verdict says nothing of it.</p>",
        names=", ".join(names),
    )


def _levels(comparison: Comparison, looks: Looks) -> str:
    """How far down the runs went, and their numbers at the losses that all came down to."""
    lowest = {run.name: min(run.losses.values()) for run in comparison.runs}
    each = [say("{run} {loss}", run=escaped(name), loss=data(loss)) for name, loss in lowest.items()]
    told = say("Lowest losses: {losses}.", losses=", ".join(each))
    if not comparison.levels:
        apart = say("One run began below all that another reached, so there is no loss to align them at.")
        return f"<p>{told} {apart}</p>"
    behind = folded(say("The numbers at equal losses"), losses_table(comparison, looks))
    return f"<p>{told} {_aligned(comparison.levels[-1], lowest)}</p>{behind}"


def _aligned(last: float, lowest: Mapping[str, float]) -> str:
    """Down to which loss, and whose numbers below it are left out."""
    further = [escaped(name) for name, loss in lowest.items() if loss < last]
    if not further:
        return say("They are aligned down to {level}.", level=digits(last))
    return say(
        "They are aligned down to {level}, and what {runs} reached below it is left out.",
        level=digits(last),
        runs=", ".join(further),
    )


def _chart(comparison: Comparison, looks: Looks, quantity: str, axis: str) -> str:
    along = over_cycles if axis == "cycle" else over_loss
    curves = [along(run, looks[run.name], quantity) for run in comparison.runs if run.name in looks]
    some = any(value for curve in curves for _, value in curve.places) if quantity == COUNTED else True
    if not some or not any(curve.places for curve in curves):
        return ""
    shown = SHOWN.get(quantity)
    title, note = (shown.title, shown.note) if shown else (say("Loss"), say("of the state, as near as it is logged"))
    unit = unit_in(quantity, comparison) if shown else ""
    return curves_chart(title, curves, axis, note=note, unit=unit, zero=quantity in FROM_ZERO)


def _legend(comparison: Comparison, looks: Looks) -> str:
    """Every run, or where they have the look of their kind, one of each kind."""
    named = {look: run for run in reversed(comparison.runs) if (look := looks.get(run.name))}
    if len(named) == len(comparison.runs):
        return keys((look, f"<bdi>{escaped(run.name)}</bdi>") for look, run in reversed(named.items()))
    kinds = {
        looks[group.runs[0].name]: spoken(group.told)
        for group in Judged(comparison).groups
        if group.runs[0].name in looks
    }
    legend = keys((look, escaped(name)) for look, name in kinds.items())
    undrawn = len(comparison.runs) - len(looks)
    if not undrawn:
        return legend
    return legend + say(
        '<p class="note">{runs} of further kinds not drawn; the tables have all.</p>', runs=many(undrawn, "run")
    )


def _best(comparison: Comparison, looks: Looks) -> str:
    found = best_table(comparison.runs, looks)
    words = say(
        "<p>More cycles are not more learning: held-out {mrr} often rises and then falls while training pairs "
        "are learned by heart. The best of many cycles is flattered by luck: another draw of held-out passages would "
        "choose another. Loops are read between the kept states around that cycle.</p>",
        mrr=term("MRR"),
    )
    return words + found if found else ""


def _nulls(comparison: Comparison, looks: Looks) -> str:
    found = nulls_table(comparison.runs, looks)
    if not found:
        return say(
            "<p>No nulls stand in these results. <code>topores topology --checkpoint RUN</code> measures those that it "
            "can, and <code>topores train … --null shuffled</code> trains those of the pairing.</p>"
        )
    words = say(
        "<p>What a run shows and its nulls show too, is not of its pairing. Each run's last state, and the mean ± "
        "standard deviation over the draws of each null. Two runs that differ by less than dropout or other halves of "
        "the passages do within one of them, differ by nothing that can be told from these texts.</p>"
    )
    return words + found


def _own(comparison: Comparison, looks: Looks) -> str:
    return "".join(_verdict_of(run.analysis, name_of(run, looks)) for run in comparison.runs)


def _verdict_of(analysis: Analysis, name: str) -> str:
    claims, told = analysis.verdict.claims, escaped(spoken(analysis.verdict.sentence))
    beside = term("null", "Without the effect (null)")
    behind = folded(say("What it rests on"), claims_table(claims, beside)) if claims else ""
    return f'<h3>{name}</h3><p dir="auto">{told}</p>{behind}'


def _limits() -> str:
    items = (
        say(
            "Seeds tell how far luck reaches on these texts, and nothing of how far other texts would set the runs "
            "apart."
        ),
        say("Few seeds see large differences only. That none is seen does not say that there is none."),
        say("The seed decides which passages are held out, so kinds with other seeds are also asked other questions."),
        say(
            "The loss of a state is read from the mean over the steps of a cycle, which were taken at states before "
            "and after it."
        ),
        say(
            "Numbers of homology at a loss are read on a straight line between two kept states, which may be far apart."
        ),
    )
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
