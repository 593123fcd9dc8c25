from tests.report.reading import Page, tables
from topores.domain import Analysis
from topores.report.glossary import WORDS
from topores.report.language import speaking
from topores.report.run.sections import method


def test_every_word_versions_and_hashes_are_there(full: Analysis) -> None:
    page = Page(f"<div>{method.render(full)}</div>")
    facts = dict(zip([e.words for e in page.all("dt")], [e.words for e in page.all("dd")], strict=True))
    assert facts["cloud"] == WORDS["cloud"]
    assert facts["torch"] == "2.13.0"
    assert facts["meta_analysis"] == "1" * 64
    assert facts["degrees"] == "0, 1"


def test_what_is_not_known_has_no_heading(bare: Analysis) -> None:
    page = Page(f"<div>{method.render(bare)}</div>")
    assert [e.words for e in page.all("summary")] == ["How the topology was computed", "Quantities", "Words"]


def test_every_quantity_of_the_analysis_stands_with_unit_and_direction(full: Analysis) -> None:
    head, *rows = tables(method.render(full))[0]
    assert head == ["Quantity", "Unit", "Better", "No change", "Meaning"]
    found = {row[0]: row[1:4] for row in rows}
    assert found["Uniformity"] == ["log mean Gaussian potential", "lower", "–"]
    assert found["Held-out MRR"] == ["mean reciprocal rank", "higher", "–"]
    assert found["Scale"] == ["ratio", "–", "1"]
    assert found["Total loop persistence"] == ["rad", "–", "–"]
    # Nothing was measured of it.
    assert "Persistence landscape" not in found
    with speaking("ru"):
        assert tables(method.render(full))[0][0] == ["Величина", "Единица", "Лучше", "Без изменений", "Что значит"]
