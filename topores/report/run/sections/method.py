"""How it was computed, what the words mean, and the versions and files involved."""

from collections.abc import Mapping
from typing import Any

from topores.domain import Analysis
from topores.quantities import DISTANCE, QUANTITIES, Quantity, measured_quantity
from topores.report.glossary import WORDS, title_of
from topores.report.html.numbers import digits
from topores.report.html.safe import escape_html
from topores.report.html.tables import facts, fold, key_values, table
from topores.report.language import later, say
from topores.report.names import distance_unit, unit_name

ORDER = 90
TITLE = later("Method, words and versions")

NOT_SHOWN = ("options", "plans", "nulls_left_out", "phrases")
"""Facts of the protocol that stand elsewhere on the page, or are not for readers."""


def render(analysis: Analysis) -> str:
    run = analysis.run
    parts = [
        _method(),
        _block(
            say("How the topology was computed"),
            {k: v for k, v in analysis.protocol.items() if k not in NOT_SHOWN},
        ),
        _quantities(analysis),
        _glossary(),
        _block(say("Versions"), run.get("versions")),
        _block(say("Seeds"), run.get("seeds")),
        _block(say("Fingerprints (SHA-256)"), run.get("sha256")),
    ]
    return "".join(parts)


def _method() -> str:
    return say(
        "<p>In each state and layer every passage is one point. Persistent homology (Vietoris–Rips) finds the clusters "
        "and loops of a cloud at all distances at once; its diagrams are kept whole. Two states of the same passages "
        "are compared row by row (Procrustes, CKA, RTD) and diagram by diagram (bottleneck, Wasserstein). The <i>p</i> "
        "of a loop is the larger of two: by the universal law of noise bars (Bobrowski and Skraba 2023; Holm over the "
        "bars of its cloud), and among the longest bars of Gaussian clouds of the same spectrum in which aligned pairs "
        "stay pairs; the second alone where a cloud has almost no bars. That of a followed loop, and of cells, is also "
        "corrected over all layers, states and clouds (Benjamini and Hochberg).</p><p>Numbers are shown "
        "with three significant digits; the exact numbers are in measures.parquet, beside the diagrams. Pictures that "
        "follow the slider are drawn from births and deaths rounded to 1/65,534 of the longest distance.</p>"
    )


def _quantities(analysis: Analysis) -> str:
    """Every quantity that this analysis has, with its unit and direction."""
    measured = {measured_quantity(*key).id for key in analysis.measured}
    logged = {key for line in analysis.metrics for key in line}
    shown = [q for q in QUANTITIES.values() if q.id in measured or logged.intersection(q.logged_as)]
    rows = ([_name_cell(q), _unit(analysis, q), *_direction(q), escape_html(say(q.meaning))] for q in shown)
    head = [say("Quantity"), say("Unit"), say("Better"), say("No change"), say("Meaning")]
    return fold(say("Quantities"), table(head, rows, look="quantities")) if shown else ""


def _name_cell(quantity: Quantity) -> str:
    return f"<dfn>{escape_html(title_of(quantity))}</dfn>"


def _unit(analysis: Analysis, quantity: Quantity) -> str:
    unit = distance_unit(analysis) if quantity.unit == DISTANCE else unit_name(quantity.unit)
    return escape_html(unit) or "–"


def _direction(quantity: Quantity) -> list[str]:
    better = {"higher": say("higher"), "lower": say("lower"), None: "–"}[quantity.better]
    return [better, "–" if quantity.no_change is None else digits(quantity.no_change)]


def _glossary() -> str:
    words = facts(
        (f"<dfn>{escape_html(say(word))}</dfn>", escape_html(say(meaning))) for word, meaning in WORDS.items()
    )
    return fold(say("Words"), words, opened=True)


def _block(title: str, values: Any) -> str:
    """Facts of any shape: a mapping, or one value."""
    if values is None or values == {}:
        return ""
    mapping = values if isinstance(values, Mapping) else {title.lower(): values}
    return fold(title, key_values({str(k): _plain(v) for k, v in mapping.items()}))


def _plain(value: Any) -> Any:
    """A list as its items, separated by commas."""
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else value
