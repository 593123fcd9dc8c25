"""How the page calls states, layers, clouds, units and samples, in the language in force."""

import math
from typing import Any

from topores.domain import Analysis, State
from topores.report.language import later, many, say, speak

CLOUD_NAMES = {"t1": "T1", "t2": "T2", "union": later("T1 and T2 together")}

DEGREES = {0: later("clusters"), 1: later("loops"), 2: later("hollow spaces")}
KINDS = {0: "cluster", 1: "loop", 2: "hollow space"}
"""One of each degree; many say how many."""

PLAIN = (later("rad"), later("nats"), later("bits"), later("bars"), later("dimensions"), later("chord"))
"""Units that follow a number as they are, where they are one word."""

MEANINGS = (
    later("squared chord"), later("ratio"), later("0 to 1"), later("0.5 by chance"), later("mean reciprocal rank"),
    later("share"), later("share of the spread"),
    later("share of the size"), later("cosine"),
    later("share of the squared movement"), later("share of the change of inner products"),
    later("0.9 quantiles of the distances"), later("skewness"), later("log mean Gaussian potential"),
)  # fmt: skip
"""Units that follow a number in brackets."""

UNITS = (*PLAIN, *MEANINGS)
"""Units that have a translation."""

NO_UNIT = ("p",)
"""Units that the name of the measure says already."""


def known_number(value: Any) -> float | None:
    """A finite number, or None: a line of metrics may hold null, NaN or text instead."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def unit_of(analysis: Analysis, measure: str) -> str:
    """Unit of the measurements of `measure`."""
    return unit_name(analysis.unit(measure))


def unit_after(unit: str) -> str:
    """A unit as it follows a number: as it is, or in brackets where it is several words."""
    shown = unit_name(unit)
    return shown if not shown or (unit in PLAIN and " " not in shown) else f"({shown})"


def unit_name(unit: str) -> str:
    """A unit in the language in force; one that is not ours as it is."""
    return say(unit) if unit in UNITS else "" if unit in NO_UNIT else unit


def distance_unit(analysis: Analysis) -> str:
    """Unit of births and deaths."""
    return say("rad") if analysis.protocol.get("metric", "angle") == "angle" else ""


def distance_axis(analysis: Analysis) -> str:
    """Title of an axis of births, deaths or thresholds."""
    unit = distance_unit(analysis)
    return say("distance ({unit})", unit=unit) if unit else say("distance")


def state_axis(analysis: Analysis) -> str:
    """Title of the axis along the states."""
    return say("cycle") if analysis.trained else say("state")


def state_name(state: State) -> str:
    """The state's label in the language in force."""
    return speak(state.label)


def layer_name(analysis: Analysis, layer: int) -> str:
    """Layer 0 is the encoder's input and the last one its output; bare arrays have one layer only."""
    if len(analysis.layers) == 1:
        return say("the embeddings") if layer == 0 else say("layer {n}", n=layer)
    if layer == 0:
        return say("layer 0 (input)")
    return say("layer {n} (output)", n=layer) if layer == analysis.output else say("layer {n}", n=layer)


def cloud_name(analysis: Analysis, cloud: str) -> str:
    """Whose points a cloud holds; a single cloud, as of a bare array, holds all of them."""
    if analysis.clouds == ("union",):
        return say("all points")
    return say(CLOUD_NAMES[cloud]) if cloud in CLOUD_NAMES else cloud


def degree_name(degree: int) -> str:
    """
    >>> degree_name(1)
    'loops'
    """
    return say(DEGREES[degree]) if degree in DEGREES else say("degree {n}", n=degree)


def count_in_words(count: int, degree: int) -> str:
    """
    >>> count_in_words(3, 1)
    '3 loops'
    """
    return many(count, KINDS[degree]) if degree in KINDS else f"{degree_name(degree)}: {count}"


def sampling_of(analysis: Analysis, cloud: str) -> str:
    """Which subsamples stand for a cloud; as the protocol words it in results that lack the numbers."""
    plans = analysis.protocol.get("plans")
    plan = plans.get(cloud) if isinstance(plans, dict) else None
    known = {name: plan.get(name) for name in ("draws", "size", "points")} if isinstance(plan, dict) else {}
    if not known or not all(type(number) is int for number in known.values()):
        return str(analysis.protocol.get(f"cloud {cloud}", ""))
    if known["draws"] == 1:
        return say("1 uniform subsample of {size:,} of {points:,} points", size=known["size"], points=known["points"])
    return say("{draws:,} uniform subsamples of {size:,} of {points:,} points", **known)


def shown_cloud(analysis: Analysis) -> str:
    """The cloud that the page opens with."""
    return "union" if "union" in analysis.clouds else analysis.clouds[-1]
