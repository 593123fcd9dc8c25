"""How it was computed, what the words mean, and which versions and files it was."""

from collections.abc import Mapping
from typing import Any

from topores.domain import Analysis
from topores.report.glossary import WORDS
from topores.report.html.safe import escaped
from topores.report.html.tables import facts, folded, key_values
from topores.report.language import later, say

ORDER = 90
TITLE = later("Method, words and versions")


def render(analysis: Analysis) -> str:
    run = analysis.run
    parts = [
        _method(),
        _block(say("How the topology was computed"), {k: v for k, v in analysis.protocol.items() if k != "options"}),
        _glossary(),
        _block(say("Versions"), run.get("versions")),
        _block(say("Seeds"), run.get("seeds")),
        _block(say("Fingerprints (SHA-256)"), run.get("sha256")),
    ]
    return "".join(parts)


def _method() -> str:
    return say(
        "<p>In each state and layer every passage is one point. Between the points of a cloud, persistent homology "
        "(Vietoris–Rips) finds clusters and loops at all distances at once; its diagrams are kept whole. Two states of "
        "the same passages are compared row by row (Procrustes, CKA, RTD) and diagram by diagram (bottleneck, "
        "Wasserstein). The <i>p</i> of a loop is the largest of three: by the universal law of noise bars (Bobrowski "
        "and Skraba 2023; Holm over the bars of its cloud), among the longest bars of Gaussian clouds of the same "
        "spectrum, and that of the surest loop of its cloud among all layers, states and clouds (Benjamini and "
        "Hochberg).</p><p>Numbers are shown with three significant digits; the "
        "exact ones stand in measures.parquet, beside the diagrams. Pictures that move with the slider are drawn from "
        "births and deaths rounded to 1/65,534 of the longest distance.</p>"
    )


def _glossary() -> str:
    words = facts((f"<dfn>{escaped(say(word))}</dfn>", escaped(say(meaning))) for word, meaning in WORDS.items())
    return folded(say("Words"), words, opened=True)


def _block(title: str, values: Any) -> str:
    """Facts of any shape: a mapping, or one value."""
    if values is None or values == {}:
        return ""
    mapping = values if isinstance(values, Mapping) else {title.lower(): values}
    return folded(title, key_values({str(k): _plain(v) for k, v in mapping.items()}))


def _plain(value: Any) -> Any:
    """A list as its items, apart by commas."""
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else value
