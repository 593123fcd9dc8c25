"""The frame of a page: head with its security policy, contents, sections. It makes no network requests."""

import base64
import hashlib
import re
from collections.abc import Iterable
from importlib.resources import files

from topores.domain import Verdict
from topores.report.html.safe import escape_html
from topores.report.language import language, say, speak

STYLES_OF_RUNS = ("report.css", "runs.css")
"""Style sheets of pages with several runs."""

LONGEST_TITLE = 160
"""Longest title in large type."""


def document(title: str, body: str, *, script: str = "", styles: Iterable[str] = ("report.css",)) -> str:
    """One HTML document in the language in force, with its style sheet and script inside.

    Args:
        title: Text, not HTML.
        body: HTML of everything visible.
        script: The only script that may run.
        styles: Names of style sheets, which are concatenated.
    """
    style = _without_indents(re.sub(r"/\*.*?\*/", "", "".join(map(asset, styles)), flags=re.DOTALL))
    block = f'<script type="module">{script}</script>\n' if script else ""
    return f"""<!DOCTYPE html>
<html lang="{language()}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="topores">
<meta name="referrer" content="no-referrer">
<title>{escape_html(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
{block}</body>
</html>
"""


def on_top(name: str, verdict: Verdict, counts: Iterable[str]) -> str:
    """The top of a page: the headline as its title, the verdict's sentence, and a line of counts.

    Args:
        name: HTML name of the page's subject.
    """
    title, lead = (verdict.headline, verdict.sentence) if verdict.headline else (verdict.sentence, "")
    long = ' class="long"' if len(title) > LONGEST_TITLE else ""
    below = f'<p class="lead" dir="auto">{escape_html(speak(lead))}</p>' if lead else ""
    return (
        f'<p class="name">{name}</p><h1 dir="auto"{long}>{escape_html(speak(title))}</h1>{below}'
        f'<p class="note">{", ".join(counts)}</p>'
    )


def asset(name: str) -> str:
    """The style sheet or the script, as text."""
    return (files("topores.report") / "assets" / name).read_text(encoding="utf-8")


def assets(names: Iterable[str]) -> str:
    """Several scripts concatenated, without comments and indents."""
    return _without_indents("\n".join(re.sub(r"^\s*// .*$", "", asset(name), flags=re.MULTILINE) for name in names))


def _without_indents(source: str) -> str:
    """Without indents and empty lines."""
    return "\n".join(filter(None, map(str.strip, source.splitlines())))


def contents(sections: Iterable[tuple[str, str, str]], *, first: str = "") -> str:
    """Links to the sections, and below them the sections.

    Args:
        sections: Name, title as text, content as HTML; sections without content are left out.
        first: HTML before all sections.
    """
    present = [(name, escape_html(title), content) for name, title, content in sections if content]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in present)
    written = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{content}</section>'
        for name, title, content in present
    )
    return f'<nav aria-label="{say("Contents")}"><ol>{links}</ol></nav>\n<main>\n{first}{written}\n</main>'


def _policy(style: str, script: str) -> str:
    """Allows only this style and script; no requests, frames or forms, no HTML from scripts."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_sha256(script) if script else 'none'}'",
            f"style-src '{_sha256(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


def _sha256(block: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
