import base64
import dataclasses
import hashlib
import re

import pytest

from tests.report.conftest import HOSTILE
from tests.report.reading import Page
from topores.domain import Analysis, Verdict
from topores.report import render
from topores.report.html.safe import clean


@pytest.fixture(scope="module", params=["full", "bare", "hostile"])
def any_page(request: pytest.FixtureRequest) -> Page:
    return Page(render(request.getfixturevalue(request.param)))


def test_the_policy_allows_these_very_blocks_and_nothing_else(any_page: Page) -> None:
    policy = any_page.one("meta", http_equiv="Content-Security-Policy").attributes["content"] or ""
    style, script = any_page.one("style").words, any_page.one("script", type="module").words
    hashes = [base64.b64encode(hashlib.sha256(b.encode()).digest()).decode() for b in (script, style)]
    assert policy.startswith(
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; img-src data:; "
    )
    assert "unsafe" not in policy


def test_nothing_runs_but_the_one_script(any_page: Page) -> None:
    kinds = [e.attributes["type"] for e in any_page.all("script")]
    assert kinds == ["application/json", *["text/plain"] * 4, "module"]
    assert not any_page.all("img")
    assert not any_page.all("iframe")
    for element in any_page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"], element


def test_nothing_is_asked_from_anywhere(any_page: Page) -> None:
    for element in any_page.elements:
        assert "src" not in element.attributes
        assert (element.attributes.get("href") or "#").startswith("#")
    style = any_page.one("style").words
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", style))
    assert "@import" not in style


def test_script_makes_no_html_and_asks_nothing(page: str) -> None:
    script = Page(page).one("script", type="module").words
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "import(",
    ):
        assert word not in script


def test_hostile_words_are_shown_as_words(hostile: Analysis) -> None:
    html = render(hostile)
    html.encode("utf-8")
    page = Page(html)
    assert page.one("h1").words == clean(HOSTILE)
    assert page.one("p", class_="name").words == clean(HOSTILE)
    assert page.all("pre")[0].words.count(clean("<img src=x onerror=alert(1)>")) == 2
    assert clean(HOSTILE) in next(e.words for e in page.all("p", class_="passage"))
    assert not set("\x00\u2028\u2029\u202e") & set(html)
    assert len(page.data()[0]["states"]) == 12


def test_a_passage_of_a_megabyte_is_clipped_and_says_so(full: Analysis) -> None:
    assert full.corpus
    huge = tuple(dataclasses.replace(p, text="x" * 1_000_000) for p in full.corpus.t1)
    html = render(dataclasses.replace(full, corpus=dataclasses.replace(full.corpus, t1=huge)))
    assert "999,400 more characters" in html
    assert len(html) < 1_500_000


def test_ids_are_unique_and_every_link_has_its_target(any_page: Page) -> None:
    ids = [e.attributes["id"] for e in any_page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = [e.attributes["href"][1:] for e in any_page.all("a") if e.attributes.get("class") != "to-state"]
    assert set(links) <= set(ids)
    for label in (e.attributes["aria-labelledby"] for e in any_page.all("section")):
        assert label in ids


def test_sections_stand_in_their_order(page: str) -> None:
    names = [e.attributes["id"] for e in Page(page).all("section")]
    assert names == [
        "space", "tracks", "loop_passages", "shape", "geometry", "change", "losses", "retrieval", "nulls", "verdict",
        "run", "method",
    ]  # fmt: skip


def test_sections_without_results_are_left_out_and_the_rest_says_why(bare_page: str) -> None:
    page = Page(bare_page)
    names = [e.attributes["id"] for e in page.all("section")]
    assert names == ["space", "loop_passages", "shape", "geometry", "change", "verdict", "run", "method"]
    words = page.one("main").words
    assert "makes no claim" in words
    assert "These states do not belong to a training run" in words
    assert "There is only one state, so there is nothing to compare it with" in words
    assert "There is no loop in any state" in words


def test_the_title_is_the_verdict(page: str, full: Analysis) -> None:
    assert Page(page).one("h1").words == full.verdict.sentence
    assert Page(page).all("title")[0].words == f"closed_loop: {full.verdict.sentence}"


def test_the_same_analysis_gives_the_same_page(page: str, full: Analysis) -> None:
    assert render(full) == page


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 500_000
    parsed = Page(page)
    own = parsed.one("style").words + parsed.one("script", type="module").words
    assert len(own.encode()) < 60_000


def test_every_group_of_charts_has_its_numbers_behind_it(page: str) -> None:
    for name in ("losses", "retrieval", "geometry", "change", "shape"):
        section = page[page.index(f'<section id="{name}"') :].split("</section>")[0]
        assert section.count("<svg viewBox") >= 1
        assert "behind" in section.split("<summary>")[1]


def test_the_least_that_an_analysis_may_hold(bare: Analysis) -> None:
    least = dataclasses.replace(bare, diagrams={}, measurements=(), protocol={}, verdict=Verdict("Nothing.", ()))
    names = [e.attributes["id"] for e in Page(render(least)).all("section")]
    assert names == ["loop_passages", "verdict", "run", "method"]
