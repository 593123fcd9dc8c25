"""The document: head, contents, sections in their order, data and script. Nothing in it asks the network."""

import base64
import hashlib
from importlib.resources import files

from topores import variants
from topores.domain import Analysis
from topores.report.charts import marks
from topores.report.numbers import plural
from topores.report.packing import packed
from topores.report.readings import cloud_name
from topores.report.safe import escaped

SECTIONS = "topores.report.sections"


def render(analysis: Analysis) -> str:
    """The whole report as one HTML document, the same for the same analysis."""
    style, script = _asset("report.css"), _asset("report.js")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="topores">
<meta name="referrer" content="no-referrer">
<title>{escaped(analysis.name)}: {escaped(analysis.verdict.sentence)}</title>
<style>{style}</style>
</head>
<body>
{marks()}
{_header(analysis)}
{_body(analysis)}
{packed(analysis)}
<script type="module">{script}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    return (files("topores.report") / "assets" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Only this very style and script; no request, no frame, no form, no HTML made by script."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_sha256(script)}'",
            f"style-src '{_sha256(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


def _sha256(block: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


def _header(analysis: Analysis) -> str:
    counts = ", ".join(
        [
            plural(len(analysis.states), "state"),
            plural(len(analysis.layers), "layer"),
            plural(len(analysis.clouds), "cloud"),
        ]
    )
    long = ' class="long"' if len(analysis.verdict.sentence) > 220 else ""
    return (
        f'<header><p class="name"><bdi>{escaped(analysis.name)}</bdi></p>'
        f'<h1 dir="auto"{long}>{escaped(analysis.verdict.sentence)}</h1><p class="note">{counts}</p>'
        f"{_sampling(analysis)}</header>"
    )


def _sampling(analysis: Analysis) -> str:
    """Which numbers are averages, where a cloud was too large to be computed whole."""
    sampled = analysis.protocol.get("sampled") or []
    if not sampled:
        return ""
    plans = "; ".join(f"{cloud_name(analysis, c)}: {analysis.protocol.get(f'cloud {c}', '')}" for c in sampled)
    return (
        f'<p class="note">{escaped(plans[:1].upper() + plans[1:])}. Clusters, RankMe, CKA, rotation, scale and '
        "deformation are exact there; all other numbers are means over the subsamples, and bars of loops are those of "
        "the first one. Standard errors stand in measures.parquet.</p>"
    )


def _body(analysis: Analysis) -> str:
    """Contents and sections; a section without results is left out of both."""
    found = [(name, variants.load(SECTIONS, name)) for name in variants.names(SECTIONS)]
    ordered = sorted(found, key=lambda entry: entry[1].ORDER)
    rendered = [(name, section.TITLE, section.render(analysis)) for name, section in ordered]
    present = [(name, escaped(title), content) for name, title, content in rendered if content]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in present)
    sections = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{content}</section>'
        for name, title, content in present
    )
    return f'<nav aria-label="Contents"><ol>{links}</ol></nav>\n<main>\n{sections}\n</main>'
