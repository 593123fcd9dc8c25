"""What the verdict rests on: each claim with its number, and with what chance would give."""

from topores.domain import Analysis, Claim
from topores.report.glossary import term
from topores.report.html.numbers import data
from topores.report.html.safe import escaped
from topores.report.html.tables import table
from topores.report.language import later, say, spoken
from topores.report.run.readings import unit_after

ORDER = 72
TITLE = later("What the verdict rests on")


def render(analysis: Analysis) -> str:
    if not analysis.verdict.claims:
        return say("<p>The verdict makes no claim that rests on a number.</p>")
    head = [say("Claim"), say("Value"), term("null", "Without the effect (null)"), term("p", "p")]
    return _words() + table(head, (_row(analysis, claim) for claim in analysis.verdict.claims), look="claims")


MEASURES = {
    "loop persistence": "total_persistence", "spanning tree": "total_persistence",
    "gap between clusters": "longest_bar", "modality gap": "modality_gap", "RankMe": "rank_me",
    "intrinsic dimension": "intrinsic_dimension", "movement of the passages": "change",
}  # fmt: skip
"""By words of a claim in English: what it is measured by, where its numbers have a unit that can follow them."""


def _row(analysis: Analysis, claim: Claim) -> list[str]:
    what, unit = spoken(claim.what), _unit(analysis, claim)
    numbers = (data(v) if v is None or not unit else f"{data(v)} {escaped(unit)}" for v in (claim.value, claim.null))
    return [escaped(what[:1].upper() + what[1:]), *numbers, data(claim.p)]


def _unit(analysis: Analysis, claim: Claim) -> str:
    measure = next((measure for words, measure in MEASURES.items() if words in str(claim.what)), "")
    return unit_after(analysis, measure)


def _words() -> str:
    return say(
        "<p>Beside each value stands the null: the same quantity without the effect, as each line says: that of the "
        "first state, of dropout or other halves of the passages, of Gaussian clouds, or of runs on shuffled pairings. "
        "<i>p</i> says how often chance comes as far from it. A number without <i>p</i> is described, not judged.</p>"
    )
