"""For everybody: axe-core finds no violation, and the keyboard reaches all that the mouse does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.slow

Written = Callable[[str], Path]

KINDS = ["full", "bare", "full-ru", "compare", "compare-ru", "clock"]
LOOKS = {
    "light": {"dark": False, "width": 1280}, "dark": {"dark": True, "width": 1280},
    "narrow": {"dark": False, "width": 360},
}  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

AXE = Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
"""Where `make test-browser` puts it."""


def violations(page: Page) -> list[str]:
    """Each with its rule and the first places where it is broken."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test-browser")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", RULES)["violations"]
    return [f"{v['id']}: {[node['target'] for node in v['nodes'][:3]]} of {len(v['nodes'])}" for v in found]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_violation(kind: str, look: str, written: Written, open_page: OpenPage) -> None:
    page = open_page(written(kind), **LOOKS[look]).page
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(page) == []


# --- keyboard ---

REACHABLE = """() => {
  const all = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]")];
  const wanted = all.filter((node) => node.checkVisibility() && node.tabIndex >= 0 && !node.disabled);
  wanted.forEach((node, i) => { node.dataset.stop = i; });
  return wanted.map((node) => node.outerHTML.slice(0, 80));
}"""
"""All that can be used, numbered."""

FOCUSED = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const { left, top, right, bottom } = node.getBoundingClientRect();
  const shares = [.02, .5, .98];
  const onTop = shares.flatMap((x) => shares.map((y) => [x, y])).some(([x, y]) => {
    const hit = document.elementFromPoint(left + x * (right - left), top + y * (bottom - top));
    return hit && (node.contains(hit) || hit.contains(node));
  });
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return { stop: node.dataset.stop, outlined, onTop, what: node.outerHTML.slice(0, 80) };
}"""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_tab_reaches_every_control_in_order_and_shows_where_it_is(
    kind: str, width: int, written: Written, open_page: OpenPage
) -> None:
    page = open_page(written(kind), width=width).page
    wanted = page.evaluate(REACHABLE)
    stops = []
    for _ in wanted:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        assert stop["outlined"], f"no outline: {stop['what']}"
        assert stop["onTop"], f"out of sight or behind something: {stop['what']}"
        stops.append(stop["stop"])
    missed = [wanted[i] for i in range(len(wanted)) if str(i) not in stops]
    assert missed == []
    assert stops == [str(i) for i in range(len(wanted))]


def test_what_is_folded_opens_by_keyboard(written: Written, open_page: OpenPage) -> None:
    page = open_page(written("full")).page
    folded = page.locator("details").all()
    for details in folded:
        opened = details.evaluate("(one) => one.open")
        details.locator("> summary").focus()
        page.keyboard.press("Enter")
        assert details.evaluate("(one) => one.open") is not opened
    assert len(folded) > 5


def test_every_picture_has_words_and_a_table_behind_it(written: Written, open_page: OpenPage) -> None:
    """A canvas and a chart are named, and a table stands in the same section."""
    page = open_page(written("full")).page
    nameless = page.evaluate("""() => [...document.querySelectorAll("canvas, figure svg:not(.key)")]
      .filter((node) => !node.closest("[aria-hidden=true]") && !node.getAttribute("aria-label")?.trim())
      .map((node) => node.outerHTML.slice(0, 80))""")
    assert nameless == []
    tableless = page.evaluate("""() => [...document.querySelectorAll("section")]
      .filter((node) => node.querySelector("canvas, figure svg:not(.key)") && !node.querySelector("table"))
      .map((node) => node.id)""")
    assert tableless == []
