"""What report.js needs to show another state: names as JSON, numbers as gzip within base64."""

import base64
import gzip
import json
from typing import Any

import numpy as np

from topores.domain import Analysis
from topores.report import shape_data
from topores.report.bars import MOST_BARS, degree_name, longest
from topores.report.change_data import all_series, panels
from topores.report.charts import RIGHT, TOP
from topores.report.readings import shown_cloud
from topores.report.safe import clean, json_block

STEPS = 65_534
"""Births and deaths are packed as whole numbers of steps, this many from 0 to the largest death."""


def packed(analysis: Analysis) -> str:
    """Two blocks of data for the page; neither is ever run as a script."""
    numbers = json.dumps(_numbers(analysis), allow_nan=False, separators=(",", ":")).encode()
    # A fixed time keeps the page the same for the same analysis.
    block = base64.b64encode(gzip.compress(numbers, mtime=0)).decode()
    return json_block("index", _index(analysis)) + f'<script type="text/plain" id="numbers">{block}</script>'


def _index(analysis: Analysis) -> dict[str, Any]:
    return {
        "states": [{"cycle": s.cycle, "label": clean(s.label)} for s in analysis.states],
        "layers": list(analysis.layers),
        "clouds": [clean(cloud) for cloud in analysis.clouds],
        "shown": [len(analysis.states) - 1, len(analysis.layers) - 1, analysis.clouds.index(shown_cloud(analysis))],
        "degrees": shape_data.degrees(analysis),
        "kinds": [degree_name(degree) for degree in shape_data.degrees(analysis)],
        "most": MOST_BARS,
        "edge": {"right": RIGHT, "top": TOP},
        "step": shape_data.reach(analysis) / STEPS,
    }


def _numbers(analysis: Analysis) -> dict[str, Any]:
    """Nested lists: change by series, layer, cloud, state; bars and Betti curves by state, layer, cloud, degree."""
    degrees = shape_data.degrees(analysis)
    step = shape_data.reach(analysis) / STEPS
    curves = shape_data.betti_curves(analysis)
    places = [
        [[(state.cycle, layer, cloud) for cloud in analysis.clouds] for layer in analysis.layers]
        for state in analysis.states
    ]
    return {
        "change": _change(analysis),
        "bars": _each(places, lambda place: [_bars(analysis, place, d, step) for d in degrees]),
        "betti": _each(places, lambda place: [_curve(curves.get((*place, d), [])) for d in degrees]),
    }


def _each(places: list[list[list[shape_data.Place]]], make: Any) -> list[list[list[Any]]]:
    return [[[make(place) for place in clouds] for clouds in layers] for layers in places]


def _change(analysis: Analysis) -> list[list[list[list[float | None]]]]:
    """Six digits of each value: more than the page shows."""
    return [
        [[[None if v is None else float(f"{v:.6g}") for v in cloud] for cloud in layer] for layer in one]
        for one in all_series(analysis, panels(analysis))
    ]


def _bars(analysis: Analysis, place: shape_data.Place, degree: int, step: float) -> list[Any]:
    """[how many there are, growing births, lengths, places of pinned bars]; a length of -1 never ends.

    Births and lengths are whole steps, births as differences to the one before: small numbers pack well.
    """
    whole = shape_data.diagram(analysis, place, degree)
    bars = longest(whole)
    steps = np.round(np.where(np.isfinite(bars), bars, -1.0) / step).astype(int)
    lengths = np.where(np.isfinite(bars[:, 1]), steps[:, 1] - steps[:, 0], -1)
    births = np.diff(steps[:, 0], prepend=0)
    pins = np.flatnonzero(shape_data.pinned(analysis, place, degree, bars))
    return [len(whole), births.tolist(), lengths.tolist(), pins.tolist()]


def _curve(points: list[tuple[float, float]]) -> list[list[float]]:
    return [[float(f"{t:.5g}") for t, _ in points], [float(n) for _, n in points]]
