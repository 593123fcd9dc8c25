import pytest

from tests.report.reading import Page
from topores import variants
from topores.domain import Analysis
from topores.report.run.page import SECTIONS

NAMES = variants.names(SECTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_a_section_has_a_place_a_title_and_a_way_to_render(
    name: str, full: Analysis, bare: Analysis, hostile: Analysis
) -> None:
    section = variants.load(SECTIONS, name)
    assert isinstance(section.ORDER, int)
    assert section.TITLE.strip() == section.TITLE != ""
    assert section.__doc__
    for analysis in (full, bare, hostile):
        html = section.render(analysis)
        assert isinstance(html, str)
        tags = {e.tag for e in Page(f"<div>{html}</div>").elements}
        assert not tags & {"script", "img", "style", "link", "iframe", "h1", "h2"}


def test_no_two_sections_share_a_place_or_a_title() -> None:
    sections = [variants.load(SECTIONS, name) for name in NAMES]
    assert len({section.ORDER for section in sections}) == len(sections) >= 9
    assert len({section.TITLE for section in sections}) == len(sections)
