from tests.report.reading import Page
from topores.domain import Analysis
from topores.report.glossary import WORDS
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
    assert [e.words for e in page.all("summary")] == ["How the topology was computed", "Words"]
