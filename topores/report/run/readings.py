"""The analysis as sections ask for it: names of states, layers and clouds, and series over states."""

import math
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Literal

from topores.domain import Analysis, State
from topores.report.html.numbers import settled
from topores.report.language import later, say, spoken

Key = tuple[str, int, int, str, int | None, int | None]
"""measure, cycle, layer, cloud, degree, against"""

Against = Literal["first", "previous"] | None

CLOUD_NAMES = {"t1": "T1", "t2": "T2", "union": later("T1 and T2 together")}

PLAIN = (later("rad"), later("nats"), later("bars"), later("dimensions"), later("chord"))
"""Units that stand after a number as they are, where they are one word."""

MEANINGS = (
    later("squared chord"), later("ratio"), later("0 to 1"), later("0.5 by chance"), later("mean reciprocal rank"),
    later("share of the spread"), later("share of the squared movement"),
    later("share of the change of inner products"), later("0.9 quantiles of the distances"), later("skewness"),
    later("log mean Gaussian potential"),
)  # fmt: skip
"""Those that stand after a number in brackets."""

UNITS = (*PLAIN, *MEANINGS)
"""Those that have a translation."""

NO_UNIT = ("p",)
"""What the name of the measure says already."""


def readings(analysis: Analysis, measures: Iterable[str]) -> dict[Key, float]:
    """The chosen measures by everything that tells them apart; Betti curves need their threshold and are left out.

    What rounding leaves of 0 is 0; a p may be as small.
    """
    chosen = set(measures)
    return {
        (m.measure, m.cycle, m.layer, m.cloud, m.degree, m.against): m.value if m.unit == "p" else settled(m.value)
        for m in analysis.measurements
        if m.measure in chosen and m.threshold is None
    }


def series(
    found: Mapping[Key, float],
    analysis: Analysis,
    measure: str,
    layer: int,
    cloud: str,
    *,
    degree: int | None = None,
    against: Against = None,
) -> list[float | None]:
    """One value per state; None where it was not measured or is not a number."""
    cycles = [state.cycle for state in analysis.states]
    values = []
    for place, cycle in enumerate(cycles):
        other = _other(cycles, place, against)
        known = against is None or other is not None
        values.append(known_number(found.get((measure, cycle, layer, cloud, degree, other))) if known else None)
    return values


def _other(cycles: list[int], place: int, against: Against) -> int | None:
    """Cycle of the state that the state at `place` is compared to."""
    if against is None or place == 0:
        return None
    return cycles[0] if against == "first" else cycles[place - 1]


def known_number(value: Any) -> float | None:
    """A finite number, or None: what a line of metrics may hold instead is null or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def unit_of(analysis: Analysis, measure: str) -> str:
    """The unit the measurements of `measure` carry; as it is where it is none of ours."""
    return unit_name(_unit(analysis, measure))


def unit_after(analysis: Analysis, measure: str) -> str:
    """The unit as it stands after a number: as it is, or in brackets where it is a phrase."""
    unit, shown = _unit(analysis, measure), unit_of(analysis, measure)
    return shown if not shown or (unit in PLAIN and " " not in shown) else f"({shown})"


def unit_name(unit: str) -> str:
    """A unit in the language in force; as it is where it is none of ours."""
    return say(unit) if unit in UNITS else "" if unit in NO_UNIT else unit


def _unit(analysis: Analysis, measure: str) -> str:
    of_nulls = (n.measurement for n in analysis.nulls)
    return next((m.unit for m in chain(analysis.measurements, of_nulls) if m.measure == measure), "")


def distance_unit(analysis: Analysis) -> str:
    """Unit of births and deaths."""
    return say("rad") if analysis.protocol.get("metric", "angle") == "angle" else ""


def distance_axis(analysis: Analysis) -> str:
    """Title of an axis of births, deaths or thresholds."""
    unit = distance_unit(analysis)
    return say("distance ({unit})", unit=unit) if unit else say("distance")


def trained(analysis: Analysis) -> bool:
    """Whether a training run stands behind the states, so that their cycles count training."""
    return bool(analysis.metrics) or "options" in analysis.run


def state_axis(analysis: Analysis) -> str:
    """Title of the axis along the states."""
    return say("cycle") if trained(analysis) else say("state")


def state_name(state: State) -> str:
    """How people call a state: the cycle, or the label as it is."""
    return spoken(state.name)


def layer_name(analysis: Analysis, layer: int) -> str:
    """Layer 0 is the encoder's input and the last one its output; bare arrays have one layer only."""
    if len(analysis.layers) == 1:
        return say("the embeddings") if layer == 0 else say("layer {n}", n=layer)
    if layer == 0:
        return say("layer 0 (input)")
    return say("layer {n} (output)", n=layer) if layer == max(analysis.layers) else say("layer {n}", n=layer)


def cloud_name(analysis: Analysis, cloud: str) -> str:
    """Whose points they are; a lone union is all there is, as of a bare array."""
    if analysis.clouds == ("union",):
        return say("all points")
    return say(CLOUD_NAMES[cloud]) if cloud in CLOUD_NAMES else cloud


def sampling_of(analysis: Analysis, cloud: str) -> str:
    """Which subsamples stand for a cloud, as the protocol says."""
    told = str(analysis.protocol.get(f"cloud {cloud}", ""))
    found = re.fullmatch(r"([\d,]+) uniform subsamples? of ([\d,]+) of ([\d,]+) points", told, re.ASCII)
    if found is None:
        return told
    draws, size, points = (int(number.replace(",", "")) for number in found.groups())
    if draws == 1:
        return say("1 uniform subsample of {size:,} of {points:,} points", size=size, points=points)
    return say("{draws:,} uniform subsamples of {size:,} of {points:,} points", draws=draws, size=size, points=points)


def shown_cloud(analysis: Analysis) -> str:
    """The cloud the page opens with."""
    return "union" if "union" in analysis.clouds else analysis.clouds[-1]
