"""What the verdict is based on: each claim with its number and the same number under its null."""

from topores.domain import Analysis
from topores.report.claims import claims_table
from topores.report.glossary import term
from topores.report.language import later, say

ORDER = 72
TITLE = later("Evidence for the verdict")


def render(analysis: Analysis) -> str:
    if not analysis.verdict.claims:
        return say("<p>The verdict makes no claim based on a number.</p>")
    return _words() + claims_table(analysis.verdict.claims, term("null", "Without the effect (null)"))


def _words() -> str:
    return say(
        "<p>Next to each value is its null, the same quantity without the effect. Each line says which: the first "
        "state, noise, chance, Gaussian clouds, or runs on shuffled pairings. <i>p</i> "
        "is the probability of a value at least as far from the null by chance. A number without <i>p</i> is reported "
        "but not tested.</p>"
    )
