"""The table of a verdict's claims."""

from collections.abc import Iterable

from topores.domain import Claim
from topores.report.glossary import term
from topores.report.html.numbers import Number, data
from topores.report.html.safe import escape_html
from topores.report.html.tables import table
from topores.report.language import say, speak
from topores.report.names import PLAIN, unit_after


def claims_table(claims: Iterable[Claim], beside: str) -> str:
    """Claims with their numbers, each in its unit.

    Args:
        beside: HTML heading of the column of nulls.
    """
    head = [say("Claim"), say("Value"), beside, term("p", "p")]
    return table(head, map(_claim, claims), look="claims")


def _claim(claim: Claim) -> list[str]:
    what, unit = speak(claim.what), escape_html(unit_after(claim.unit)) if claim.unit in PLAIN else ""
    value, null = (cell(v) if v is None or not unit else f"{data(v)} {unit}" for v in (claim.value, claim.null))
    value = data(None) if claim.value is None else f"{value} {interval(claim)}".rstrip()
    return [escape_html(what[:1].upper() + what[1:]), value, null, cell(claim.p)]


def interval(claim: Claim) -> str:
    """The 95 % interval of a claim's value, in brackets; empty where there is none."""
    return "" if claim.low is None or claim.high is None else f"[{data(claim.low)}, {data(claim.high)}]"


def cell(value: Number | None) -> str:
    """A dash where nothing is known."""
    return "–" if value is None else data(value)
