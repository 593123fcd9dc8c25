"""The report of an analysis: its verdict on top, sections in their order, data and script."""

from topores import variants
from topores.domain import Analysis
from topores.report.charts import marks
from topores.report.document import asset, contents, document
from topores.report.numbers import plural
from topores.report.packing import packed
from topores.report.readings import cloud_name
from topores.report.safe import escaped

SECTIONS = "topores.report.sections"


def render(analysis: Analysis) -> str:
    """The whole report as one HTML document, the same for the same analysis."""
    body = "\n".join([marks(), _header(analysis), contents(_sections(analysis)), packed(analysis)])
    return document(f"{analysis.name}: {analysis.verdict.sentence}", body, script=asset("report.js"))


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


def _sections(analysis: Analysis) -> list[tuple[str, str, str]]:
    """Name, title and content of each, in their order."""
    found = [(name, variants.load(SECTIONS, name)) for name in variants.names(SECTIONS)]
    ordered = sorted(found, key=lambda entry: entry[1].ORDER)
    return [(name, section.TITLE, section.render(analysis)) for name, section in ordered]
