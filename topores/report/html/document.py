"""The shell of a page: head with its policy, contents, sections. Nothing in it asks the network."""

import base64
import hashlib
import re
from collections.abc import Iterable
from importlib.resources import files

from topores.domain import Verdict
from topores.report.html.safe import escaped
from topores.report.language import language, say, spoken

STYLES_OF_RUNS = ("report.css", "runs.css")
"""Of pages that show several runs."""

LONGEST_TITLE = 160
"""Letters of a title in large type."""


def document(title: str, body: str, *, script: str = "", styles: Iterable[str] = ("report.css",)) -> str:
    """One HTML document in the language in force that holds its style, and `script` where it has one.

    Args:
        title: Text, not HTML.
        body: HTML of all that is seen.
        script: The one script that may run; without it none may.
        styles: Names of style sheets, which together are one.
    """
    style = _bare(re.sub(r"/\*.*?\*/", "", "".join(map(asset, styles)), flags=re.DOTALL))
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
<title>{escaped(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
{block}</body>
</html>
"""


def on_top(name: str, verdict: Verdict, counts: Iterable[str]) -> str:
    """What a page begins with: the short verdict as its title, the whole of it below, and what was counted.

    Args:
        name: Of what the page is about, as HTML.
    """
    title, lead = (verdict.headline, verdict.sentence) if verdict.headline else (verdict.sentence, "")
    long = ' class="long"' if len(title) > LONGEST_TITLE else ""
    below = f'<p class="lead" dir="auto">{escaped(spoken(lead))}</p>' if lead else ""
    return (
        f'<p class="name">{name}</p><h1 dir="auto"{long}>{escaped(spoken(title))}</h1>{below}'
        f'<p class="note">{", ".join(counts)}</p>'
    )


def asset(name: str) -> str:
    """The style sheet or the script, as text."""
    return (files("topores.report") / "assets" / name).read_text(encoding="utf-8")


def assets(names: Iterable[str]) -> str:
    """Several scripts, one after the other, as one; without what only their readers need: comments and indents."""
    return _bare("\n".join(re.sub(r"^\s*// .*$", "", asset(name), flags=re.MULTILINE) for name in names))


def _bare(source: str) -> str:
    """Without indents and empty lines."""
    return "\n".join(filter(None, map(str.strip, source.splitlines())))


def contents(sections: Iterable[tuple[str, str, str]], *, first: str = "") -> str:
    """Links to the sections, and below them the sections.

    Args:
        sections: Name, title as text, content as HTML; one without content is left out.
        first: HTML that stands before them all.
    """
    present = [(name, escaped(title), content) for name, title, content in sections if content]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in present)
    written = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{content}</section>'
        for name, title, content in present
    )
    return f'<nav aria-label="{say("Contents")}"><ol>{links}</ol></nav>\n<main>\n{first}{written}\n</main>'


def _policy(style: str, script: str) -> str:
    """Only this very style and script; no request, no frame, no form, no HTML made by script."""
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
