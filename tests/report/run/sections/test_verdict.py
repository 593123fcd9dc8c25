import dataclasses

from tests.report.reading import cells, values
from topores.analysis.verdict.evidence import CLUSTERS, COMPARED
from topores.domain import Analysis, Claim, Verdict
from topores.phrases import Phrase
from topores.report.language import speaking
from topores.report.run.sections import verdict


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


def test_numbers_of_a_claim_have_their_unit_in_either_language(full: Analysis) -> None:
    every = [
        Phrase("total loop persistence, last state (first beside it)"),
        Phrase("change of {measure} (what dropout or resampling alone reach beside it)", measure=COMPARED[CLUSTERS]),
        Phrase(
            "widest gap between clusters, {state} (mean of {n} Gaussian clouds beside it)", state="cycle 2,000", n=3
        ),
        Phrase("MRR of held-out pairs, last state (first beside it)"),
        Phrase("movement of the passages (what dropout alone reaches beside it)"),
    ]
    claims = tuple(Claim(what, 2.5, None, 0.5) for what in every)
    bars = tuple(
        dataclasses.replace(m, measure="longest_bar") for m in full.measurements if m.measure == "total_persistence"
    )
    analysis = dataclasses.replace(full, measurements=(*full.measurements, *bars), verdict=Verdict("?", claims))
    assert [row[1] for row in cells(verdict.render(analysis))[1:]] == [
        *3 * ["2.50 rad"],
        "2.50",
        "2.50 (share of the spread)",
    ]
    assert cells(verdict.render(analysis))[1][2:] == ["not measured", "0.500"]
    with speaking("ru"):
        assert [row[1] for row in cells(verdict.render(analysis))[1:]] == [
            *3 * ["2,50 рад"],
            "2,50",
            "2,50 (доля разброса)",
        ]
