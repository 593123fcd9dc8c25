"""The report of an analysis: verdict, four cards, sections in order, data and script."""

from topores import variants
from topores.config import Language
from topores.domain import Analysis
from topores.report.carried import results_block
from topores.report.html.charts import marks
from topores.report.html.document import assets, contents, document, on_top
from topores.report.html.safe import escape_html
from topores.report.language import many, say, speak, speaking
from topores.report.names import cloud_name, sampling_of
from topores.report.run.cards import cards_of
from topores.report.run.controls import controls
from topores.report.run.packing import data_blocks

SECTIONS = "topores.report.run.sections"

SCRIPTS = (
    "state.js", "words.js", "drawing.js", "data.js", "change.js", "shape.js", "map.js", "heat.js", "loop.js",
    "passage.js", "controls.js", "report.js",
)  # fmt: skip
"""Parts of one script, in order."""


def render(analysis: Analysis, lang: Language = "en") -> str:
    """The whole report as one HTML document in a language, the same for the same analysis."""
    with speaking(lang):
        inner = contents(_sections(analysis), first=controls(analysis))
        body = "\n".join(
            [
                marks(),
                '<div id="light" class="light" hidden></div>',
                _header(analysis),
                cards_of(analysis),
                inner,
                data_blocks(analysis),
                results_block(analysis),
            ]
        )
        title = f"{analysis.name}: {speak(analysis.verdict.headline or analysis.verdict.sentence)}"
        return document(title, body, script=assets(SCRIPTS))


def _header(analysis: Analysis) -> str:
    counts = [
        many(len(analysis.states), "state"), many(len(analysis.layers), "layer"), many(len(analysis.clouds), "cloud"),
    ]  # fmt: skip
    top = on_top(f"<bdi>{escape_html(analysis.name)}</bdi>", analysis.verdict, counts)
    return f"<header>{top}{_sampling_note(analysis)}</header>"


def _sampling_note(analysis: Analysis) -> str:
    """Which numbers are means, if a cloud was too large to be computed whole."""
    sampled = analysis.protocol.get("sampled") or []
    if not sampled:
        return ""
    plans = "; ".join(f"{cloud_name(analysis, c)}: {sampling_of(analysis, c)}" for c in sampled)
    told = say(
        "Clusters, effective rank, CKA, rotation, scale and deformation are exact there; all other numbers are means "
        "over the subsamples, and bars of loops are those of the first one. Standard errors are in measures.parquet."
    )
    return f'<p class="note sampled">{escape_html(plans[:1].upper() + plans[1:])}. {told}</p>'


def _sections(analysis: Analysis) -> list[tuple[str, str, str]]:
    """Name, title and content of each section, in order."""
    found = [(name, variants.load(SECTIONS, name)) for name in variants.names(SECTIONS)]
    ordered = sorted(found, key=lambda entry: entry[1].ORDER)
    return [(name, say(section.TITLE), section.render(analysis)) for name, section in ordered]
