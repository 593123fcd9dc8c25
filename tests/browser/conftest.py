"""A real browser, and pages opened in it that may do nothing but show themselves."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.verdict import judge_comparison
from topores.config import Language
from topores.domain import Analysis
from topores.report import write_report
from topores.report.clock.page import render_clock
from topores.report.comparison.page import render_comparison
from topores.report.writing import write_page

pytest.importorskip("playwright", reason="playwright is not installed: make test-browser")

from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.browser.made import attacked
from tests.report.clock.test_page import clock  # noqa: F401
from tests.report.comparison.test_page import comparison, hostile_runs  # noqa: F401

# Fixtures: the analyses that the tests of the report have, and the two pages that no analysis makes.
from tests.report.conftest import bare, full, hostile  # noqa: F401

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass
class View:
    """An open page, and whatever it did beside showing itself."""

    page: Page
    messages: list[str] = field(default_factory=list)
    """Of the console, errors of the script among them."""
    requests: list[Request] = field(default_factory=list)
    """All but the one for the page itself, also those that its policy stopped."""
    dialogs: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fails where the page said, asked or ran anything."""
        assert self.messages == []
        assert [asked.url for asked in self.requests] == []
        assert self.dialogs == []
        assert self.page.evaluate("typeof window.__ran") == "undefined"


class OpenPage(Protocol):
    def __call__(
        self, shown: Analysis | Path, *, hash: str = "", dark: bool = False, width: int = 1280,
        media: str | None = None, lang: Language = "en", bypass_csp: bool = False, script: bool = True,
    ) -> View: ...  # fmt: skip


# Not for the whole session: its event loop would run on, and other tests start loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Writes the report of an analysis and opens it, or opens a page that is written already; `View.check` follows.

    Args of what it gives:
        hash: What stands after # in the address.
        media: "print" for what the printer gets.
        lang: Of the report.
        bypass_csp: Whether to leave the page without its policy, with its escapes alone.
        script: Whether scripts may run at all.
    """
    opened: list[View] = []

    def open_one(
        shown: Analysis | Path, *, hash: str = "", dark: bool = False, width: int = 1280, media: str | None = None,
        lang: Language = "en", bypass_csp: bool = False, script: bool = True,
    ) -> View:  # fmt: skip
        path = shown if isinstance(shown, Path) else write_report(shown, tmp_path / f"{len(opened)}.html", lang=lang)
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", offline=True,
            reduced_motion="reduce", bypass_csp=bypass_csp, java_script_enabled=script,
        )  # fmt: skip
        view = View(context.new_page())
        opened.append(view)
        _watch(view, path.resolve().as_uri())
        view.page.emulate_media(media=media)
        view.page.goto(path.resolve().as_uri() + (f"#{hash}" if hash else ""))
        if script and view.page.locator("script[type=module]").count():
            view.page.locator("html[data-ready]").wait_for(state="attached")
        return view

    yield open_one
    try:
        for view in opened:
            view.check()
    finally:
        for view in opened:
            view.page.context.close()


def _watch(view: View, address: str) -> None:
    page = view.page
    page.on("console", lambda message: view.messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: view.messages.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (view.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda popup: view.messages.append(f"popup: {popup.url}"))
    page.on("download", lambda download: view.messages.append(f"download: {download.url}"))
    page.on("request", lambda asked: view.requests.append(asked) if asked.url.split("#")[0] != address else None)


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a kind, written once: full, bare, hostile, attacked, compare, clock; full-ru is full in Russian."""
    folder = tmp_path_factory.mktemp("pages")

    def of_kind(kind: str) -> Path:
        path = folder / f"{kind}.html"
        return path if path.exists() else _write(kind, path, request.getfixturevalue)

    return of_kind


def _write(kind: str, path: Path, made: Callable[[str], object]) -> Path:
    if kind == "clock":
        return write_page(render_clock(made("clock")), path)
    if kind == "compare-hostile":
        return _write_comparison(made("hostile_runs"), path)
    name, _, lang = kind.partition("-")
    if name == "compare":
        return _write_comparison(made("comparison"), path, lang=lang or "en")
    analysis = attacked(made("full")) if name == "attacked" else made(name)
    return write_report(analysis, path, lang=lang or "en")


def _write_comparison(runs: Comparison, path: Path, *, lang: Language = "en") -> Path:
    return write_page(render_comparison(runs, judge_comparison(runs), lang), path)
