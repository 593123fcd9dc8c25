import dataclasses

from tests.report.reading import cells, values
from topores.domain import Analysis, Claim, Verdict
from topores.phrases import Phrase
from topores.report.language import speaking
from topores.report.run.sections import verdict


def test_each_claim_stands_with_its_number_its_null_and_its_p(full: Analysis) -> None:
    rows = cells(verdict.render(full))
    assert rows[0] == ["Claim", "Value", "Without the effect (null)", "p"]
    assert rows[2] == ["Total loop persistence, last cycle against the first", "3.58", "1.10", "4.00×10⁻⁴"]
    assert rows[3][1:] == ["0.512", "–", "–"]


def test_the_exact_values_are_kept(full: Analysis) -> None:
    claims = full.verdict.claims
    exact = [v for c in claims for v in (c.value, c.null, c.p) if v is not None]
    assert values(verdict.render(full)) == exact


def test_a_claim_that_was_not_measured_says_so(full: Analysis) -> None:
    nothing = dataclasses.replace(full, verdict=Verdict("?", (Claim("x", None, None, None),)))
    assert cells(verdict.render(nothing))[1] == ["X", "not measured", "–", "–"]


def test_numbers_of_a_claim_have_their_unit_in_either_language(full: Analysis) -> None:
    units = ("rad", "dimensions", "", "share of the spread")
    claims = tuple(Claim(Phrase("scale"), 2.5, None, 0.5, unit=unit) for unit in units)
    analysis = dataclasses.replace(full, verdict=Verdict("?", claims))
    rows = cells(verdict.render(analysis))[1:]
    # A unit of several words is said by the claim.
    assert [row[1] for row in rows] == ["2.50 rad", "2.50 dimensions", "2.50", "2.50"]
    assert rows[0][2:] == ["–", "0.500"]
    with speaking("ru"):
        assert [row[1] for row in cells(verdict.render(analysis))[1:]] == ["2,50 рад", "2,50 измерений", "2,50", "2,50"]
