import dataclasses

from topores.domain import Analysis, Claim, Verdict
from topores.report.sections import verdict

from ..reading import cells, values


def test_each_claim_stands_with_its_number_its_null_and_its_p(full: Analysis) -> None:
    rows = cells(verdict.render(full))
    assert rows[0] == ["Claim", "Value", "Without the effect (null)", "p"]
    assert rows[2] == ["Total persistence of loops, last cycle against the first", "3.58", "1.10", "4.00×10⁻⁴"]
    assert rows[3][1:] == ["0.512", "not measured", "not measured"]


def test_the_exact_values_are_kept(full: Analysis) -> None:
    claims = full.verdict.claims
    exact = [v for c in claims for v in (c.value, c.null, c.p) if v is not None]
    assert values(verdict.render(full)) == exact


def test_a_claim_that_was_not_measured_says_so(full: Analysis) -> None:
    nothing = dataclasses.replace(full, verdict=Verdict("?", (Claim("x", None, None, None),)))
    assert cells(verdict.render(nothing))[1] == ["X", *["not measured"] * 3]
