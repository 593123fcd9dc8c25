"""What the verdict rests on: each claim with its number, and with what chance would give."""

from topores.domain import Analysis, Claim
from topores.report.glossary import term
from topores.report.language import later, say, spoken
from topores.report.numbers import data
from topores.report.safe import escaped
from topores.report.tables import table

ORDER = 72
TITLE = later("What the verdict rests on")


def render(analysis: Analysis) -> str:
    if not analysis.verdict.claims:
        return say("<p>The verdict makes no claim that rests on a number.</p>")
    head = [say("Claim"), say("Value"), term("null", "Without the effect (null)"), term("p", "p")]
    return _words() + table(head, (_row(claim) for claim in analysis.verdict.claims), look="claims")


def _row(claim: Claim) -> list[str]:
    what = spoken(claim.what)
    return [escaped(what[:1].upper() + what[1:]), data(claim.value), data(claim.null), data(claim.p)]


def _words() -> str:
    return say(
        "<p>Beside each value stands the null: the same quantity without the effect, as each line says: that of the "
        "first state, of dropout or other halves of the passages, of Gaussian clouds, or of runs on shuffled pairings. "
        "<i>p</i> says how often chance comes as far from it. A number without <i>p</i> is described, not judged.</p>"
    )
