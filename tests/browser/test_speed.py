"""How large pages are, at the sizes that are promised; how fast they are is measured by benchmarks/report_page.py."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.made import SIZES, Size, made_large
from topores.report import write_report

pytestmark = pytest.mark.slow

MOST_CODE = 60_000


@pytest.mark.parametrize("kind", ["full", "compare", "clock"])
def test_the_code_of_a_page_is_small(kind: str, written: Callable[[str], Path], open_page: OpenPage) -> None:
    blocks = open_page(written(kind)).page.locator("style, script[type=module]").all_text_contents()
    assert sum(len(block.encode()) for block in blocks) < MOST_CODE


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_page_stays_below_its_size_and_opens_cleanly(size: Size, open_page: OpenPage, tmp_path: Path) -> None:
    path = write_report(made_large(size.passages, size.cycles, size.layers), tmp_path / "large.html")
    assert path.stat().st_size < size.most_bytes
    page = open_page(path).page
    page.get_by_role("slider").first.press("Home")
    page.locator("output", has_text="cycle 0").wait_for()
    told = page.locator("main").inner_text()
    # What is drawn of many passages says so.
    assert (f"of {size.passages:,} passages" in told) is (size.passages > 10_000)
