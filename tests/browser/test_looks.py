"""Light, dark, narrow and on paper: nothing runs out of its place, over something else, or off the page."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.made import made_large

pytestmark = pytest.mark.slow

Written = Callable[[str], Path]

KINDS = ["full", "bare", "full-ru", "compare", "compare-ru", "clock"]
WIDTHS = [360, 768, 1280, 1920]

OUT_OF_PLACE = """() => {
  const limit = document.documentElement.clientWidth;
  const within = (box, frame) => box.left >= frame.left - 1 && box.right <= frame.right + 1
    && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > .5
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > .5;
  // A box has room for accents above and tails below, which numbers have not.
  const ink = ({ left, right, top, bottom }, room = (bottom - top) / 5) =>
    ({ left, right, top: top + room, bottom: bottom - room });
  const found = [];
  for (const svg of document.querySelectorAll("svg")) {
    const texts = [...svg.querySelectorAll("text")].map((node) => ({ node, box: ink(node.getBoundingClientRect()) }))
      .filter(({ node, box }) => box.right > box.left && node.textContent.trim());
    const frame = (svg.closest("figure") ?? svg).getBoundingClientRect();
    const place = `${svg.closest("section, article")?.id} ${(svg.getAttribute("aria-label") ?? "").slice(0, 60)}`;
    texts.forEach(({ node, box }, i) => {
      const inside = within(box, frame) && box.left >= 0 && box.right <= limit;
      if (!inside) found.push(`${place}: '${node.textContent}' runs out`);
      for (const other of texts.slice(i + 1)) {
        if (over(box, other.box)) found.push(`${place}: '${node.textContent}' over '${other.node.textContent}'`);
      }
    });
  }
  return found;
}"""
"""Words of charts that leave their figure or the screen, or lie over one another."""

CUT_OFF = """() => [...document.querySelectorAll("body *")].filter((node) => {
  const style = getComputedStyle(node);
  const words = [...node.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.textContent.trim());
  if (!words || !node.checkVisibility() || style.clipPath !== "none" || style.display === "inline") return false;
  const hides = [style.overflowX, style.overflowY].map((one) => ["hidden", "clip"].includes(one));
  const clamped = style.webkitLineClamp !== "none";
  return (hides[0] && node.scrollWidth > node.clientWidth + 1)
    || (hides[1] && !clamped && node.scrollHeight > node.clientHeight + 1);
}).map((node) => `${node.tagName} ${node.className}: ${node.textContent.slice(0, 60)}`)"""
"""Words that their own box cuts off; those clamped to some lines, which end in an ellipsis, are meant."""

OVERFLOWING = """() => {
  const limit = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= limit) return [];
  const wide = [...document.querySelectorAll("body *")].filter((node) => node.getBoundingClientRect().right > limit + 1
    && !node.closest(".scroll, [style*=overflow], pre"));
  return [document.documentElement.scrollWidth, ...wide.slice(0, 5).map((node) => `${node.tagName}.${node.className}`)];
}"""
"""What makes the whole page scroll sideways."""


def unfold(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(300)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_out_of_its_place(kind: str, width: int, written: Written, open_page: OpenPage) -> None:
    page = open_page(written(kind), width=width).page
    for _ in ("folded", "unfolded"):
        assert page.evaluate(OVERFLOWING) == []
        assert page.evaluate(OUT_OF_PLACE) == []
        assert page.evaluate(CUT_OFF) == []
        unfold(page)


def test_hostile_text_runs_out_of_nothing_either(written: Written, open_page: OpenPage) -> None:
    page = open_page(written("attacked"), width=360).page
    unfold(page)
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("place", ["cycle=0&layer=0&cloud=t1", "cycle=1000&layer=3&cloud=t2"])
@pytest.mark.parametrize("width", [360, 1280])
def test_other_states_run_out_of_nothing_either(place: str, width: int, written: Written, open_page: OpenPage) -> None:
    page = open_page(written("full"), width=width, hash=place).page
    unfold(page)
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(OUT_OF_PLACE) == []


# --- colours ---

FAINT = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (part) => (part / 255 <= .04045 ? part / 255 / 12.92 : ((part / 255 + .055) / 1.055) ** 2.4);
  const light = (rgb) => .2126 * linear(rgb[0]) + .7152 * linear(rgb[1]) + .0722 * linear(rgb[2]);
  const contrast = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  const check = (node, colour, least) => {
    const ratio = contrast(parts(colour), behind(node));
    const name = `${node.tagName} ${node.getAttribute("class") ?? ""}`;
    if (ratio < least) found[name] = Math.min(found[name] ?? 99, Number(ratio.toFixed(2)));
  };
  for (const node of document.querySelectorAll("body *")) {
    if (!node.checkVisibility() || node.matches(":disabled, :disabled *")) continue;
    const style = getComputedStyle(node);
    const words = [...node.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.textContent.trim());
    if (node.matches("svg text")) check(node, style.fill, 4.5);
    else if (words && !node.closest("svg")) check(node, style.color, 4.5);
    const drawn = node.matches("svg .line, svg .level, svg .bar, svg .mark") && style.stroke !== "none";
    if (drawn) check(node, style.stroke, 3);
    if (node.matches("select, input:not([type=range])")) check(node.parentElement, style.borderTopColor, 3);
  }
  return found;
}"""
"""Words, lines and borders of controls with less contrast to what is behind them than WCAG AA asks, by element."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_words_and_lines_stand_out_from_what_is_behind_them(
    kind: str, dark: bool, written: Written, open_page: OpenPage
) -> None:
    """Also those that axe-core leaves open, as in charts and over the soft edges of tables."""
    page = open_page(written(kind), dark=dark).page
    unfold(page)
    assert page.evaluate(FAINT) == {}


def test_the_paper_is_light_in_light_mode_and_dark_in_dark_mode(written: Written, open_page: OpenPage) -> None:
    papers = [paper(open_page(written("full"), dark=dark).page) for dark in (False, True)]
    assert min(papers[0]) > 240
    assert max(papers[1]) < 60


def paper(page: Page) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))]


# --- print ---

PRINTED = """() => {
  const look = (node) => {
    const style = getComputedStyle(node);
    return ["color", "backgroundColor", "fill", "stroke", "borderTopColor", "opacity"].map((name) => style[name]);
  };
  const shown = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  // A list without its frame reads as the words that were chosen in it.
  const plain = ({ appearance, borderTopWidth }) => appearance === "none" && borderTopWidth === "0px";
  const nodes = [...document.querySelectorAll("body, body *:not(script)")];
  return {
    looks: nodes.filter(shown).map((node) => [`${node.tagName} ${node.getAttribute("class") ?? ""}`, ...look(node)]),
    sections: nodes.filter((node) => node.matches("section") && shown(node)).map((node) => node.id),
    folded: nodes.filter((node) => node.matches("details") && shown(node))
      .filter((node) => ![...node.children].some((one) => !one.matches("summary") && one.offsetHeight))
      .map((node) => node.querySelector("summary").textContent),
    controls: nodes.filter((node) => node.matches("form, nav, input, select") && node.offsetHeight)
      .filter((node) => !(node.matches("select") && plain(getComputedStyle(node))))
      .map((node) => `${node.tagName} ${node.id}`),
    canvases: [...document.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()),
    rows: document.querySelectorAll(".bars-table tbody tr").length,
  };
}"""
"""What the printer gets: colours of all that is seen, sections, what is still folded or a control, pictures."""


def printed(page: Page) -> dict:
    """What the printer gets, once the page has drawn its pictures anew for it."""
    page.emulate_media(media="print")
    before = None
    while (now := page.evaluate(PRINTED)) != before:
        before = now
        page.wait_for_timeout(400)
    return now


@pytest.mark.parametrize("kind", KINDS)
def test_print_from_dark_mode_is_that_from_light_mode(kind: str, written: Written, open_page: OpenPage) -> None:
    light, dark = (printed(open_page(written(kind), dark=dark).page) for dark in (False, True))
    assert light["looks"][0][2] == "rgb(255, 255, 255)"
    differing = {(a[0], *a[1:], *b[1:]) for a, b in zip(light["looks"], dark["looks"], strict=True) if a != b}
    assert differing == set()
    assert light["canvases"] == dark["canvases"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_print_is_whole_and_has_no_controls(kind: str, dark: bool, written: Written, open_page: OpenPage) -> None:
    page = open_page(written(kind), dark=dark).page
    on_screen = page.locator("section").evaluate_all("(all) => all.map(({ id }) => id)")
    on_paper = printed(page)
    assert on_paper["sections"] == on_screen
    assert on_paper["folded"] == []
    assert on_paper["controls"] == []


A4 = 673
"""Pixels of CSS across a sheet, less the margins of @page: 210 mm - 2 x 16 mm."""

OFF_PAPER = """(width) => [...document.querySelectorAll("table, th, td, figure, svg, pre, p, li, .card")]
  .filter((node) => node.offsetParent !== null || node.ownerSVGElement === null)
  .filter((node) => node.getBoundingClientRect().right > width + 1)
  .map((node) => `${node.closest("section")?.id}: ${node.tagName} ${node.textContent.slice(0, 40)}`)"""


@pytest.mark.parametrize("kind", [*KINDS, "thirty states"])
def test_nothing_leaves_the_paper(kind: str, written: Written, open_page: OpenPage) -> None:
    shown = made_large(60, 30, 2) if kind == "thirty states" else written(kind)
    page = open_page(shown, width=A4).page
    printed(page)
    assert page.evaluate(OFF_PAPER, A4) == []


def test_print_keeps_the_colours_and_names_what_the_heat_map_shows(written: Written, open_page: OpenPage) -> None:
    page = open_page(written("full")).page
    page.locator("#heat-measure").select_option(label="RankMe")
    printed(page)
    look = page.locator("#heat-measure").evaluate(
        "(one) => [one.checkVisibility(), one.selectedOptions[0].textContent, getComputedStyle(one).printColorAdjust]"
    )
    assert look == [True, "RankMe", "exact"]
    cells = page.locator(".heat-table button").evaluate_all(
        "(all) => new Set(all.map((one) => getComputedStyle(one).backgroundColor)).size"
    )
    assert cells > 10


@pytest.mark.parametrize("width", [360, 1280])
def test_many_states_have_columns_of_one_width_and_a_scale(width: int, open_page: OpenPage) -> None:
    """Where there is no room for a number in each cell, the ends of the scale tell what the colours mean."""
    page = open_page(made_large(60, 30, 2), width=width).page
    widths = page.locator(".heat-table td button").evaluate_all("(all) => all.map((one) => one.offsetWidth)")
    assert max(widths) - min(widths) <= 1
    told = page.locator(".heat-table td button").all_text_contents()
    ends = [float(end) for end in page.locator(".heat-scale span").all_text_contents()]
    assert [f"{end:.2g}" for end in ends] == [f"{function(map(float, told)):.2g}" for function in (min, max)]


def test_the_slider_stays_in_sight_on_a_phone(written: Written, open_page: OpenPage) -> None:
    page = open_page(written("full"), width=360).page
    page.locator("#method").scroll_into_view_if_needed()
    expect(page.locator('input[data-choose="state"]')).to_be_in_viewport(ratio=1)


def test_passages_are_shown_whole(written: Written, open_page: OpenPage) -> None:
    page = open_page(written("full"), width=360).page
    cut = "(all) => all.filter((one) => one.scrollHeight > one.clientHeight + 1).length"
    assert page.locator("#loop-passages .passage").count() > 2
    assert page.locator(".reader .passage").evaluate_all(cut) == 0


def test_the_printer_gets_the_same_from_dark_mode_as_from_light_mode(written: Written, open_page: OpenPage) -> None:
    light, dark = (undated(open_page(written("full"), dark=dark).page.pdf()) for dark in (False, True))
    assert light == dark


def undated(pdf: bytes) -> bytes:
    return re.sub(rb"/(Creation|Mod)Date \(.*?\)", b"", pdf)
