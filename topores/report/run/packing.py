"""Data for the script of the page: names as JSON, numbers as JSON and as packed integers."""

import json
from typing import Any

from topores.domain import Analysis
from topores.report.html.arrays import Arrays, compressed_block
from topores.report.html.charts import BOTTOM, LEFT, RIGHT, TOP
from topores.report.html.safe import clean, json_block
from topores.report.language import forms, language, later, template
from topores.report.names import cloud_name, degree_name, distance_unit, layer_name, shown_cloud, state_name
from topores.report.run import shape_data, space_data
from topores.report.run.change_data import all_series, panels
from topores.report.run.diagram_charts import MOST_BARS
from topores.report.run.heat_data import packed_heat
from topores.report.run.passage_data import Passages

WORDS = (
    later("never"), later("none"), later("{bars}, the longest {most} drawn"), later("{kind}: {bars}. "),
    later("Loop {n}"), later("Loop {n}, followed through the states"), later("A bar of {place}"),
    later("It does not exist in this state."), later("The passages around it were not computed."),
    later("born at {birth}, dies at {death}: it lasts {length}"), later("never dies"),
    later("Noise bars born here last up to {reach}: this one is longer."),
    later("Noise bars born here last up to {reach}: this one is not longer."),
    later("p = {p}: {universal} by the universal law of noise bars, {spectrum} among clouds of the same spectrum."),
    later("p = {p} where it is longest."), later("Found again in {share} of subsamples."),
    later("{passages} around it, in order:"),
    later("passage {n}"), later("point {n}"), later("trained on"), later("held out"), later("in neither split"),
    later("Its partner"), later("Its partners"), later("It has no aligned partner."),
    later("Nearest in the other text, {state}, at the output"), later("Nearest, {state}, at the output"),
    later("Neighbours were kept for {states} only."), later("partner"),
    later("{found} found"), later("{found} within the outline"), later("the first {n} are listed"),
    later("Nothing found."), later("The plane shows {share} of the variance of this state."),
    later("{state}, {layer}: {value}"), later("not measured"), later("Play"), later("Pause"),
    later("No text was supplied."),
)  # fmt: skip
"""Texts of the script, in English."""

NOUNS = ("bar", "passage", "cluster", "loop")


def data_blocks(analysis: Analysis) -> str:
    """Blocks of data for the page; none of them is run as a script."""
    arrays, passages = Arrays(), Passages(analysis)
    index = _index(analysis) | {
        "maps": space_data.pack_maps(analysis, passages, arrays),
        "near": space_data.pack_neighbours(analysis, passages, arrays),
    }
    space_data.pack_outlines(analysis, passages, arrays)
    for cloud in analysis.clouds:
        arrays.put(f"cloud.{analysis.clouds.index(cloud)}", passages.in_cloud(cloud))
    arrays.put("passages", passages.rows % (1 << 16))
    arrays.put("passages.high", passages.rows >> 16)
    numbers = _numbers(analysis) | space_data.pack_bars(analysis, arrays)
    numbers |= {"tracks": space_data.tracks(analysis, passages), "judged": space_data.judged_loops(analysis)}
    return "".join(
        [
            json_block("index", index | {"arrays": arrays.directory}),
            _json("numbers", numbers),
            arrays.block("arrays"),
            _json("texts", passages.texts()),
        ]
    )


def _json(name: str, data: Any) -> str:
    return compressed_block(name, json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode())


def _index(analysis: Analysis) -> dict[str, Any]:
    degrees = analysis.degrees
    return {
        "lang": language(),
        "words": {word: template(word) for word in WORDS if template(word) != word},
        "nouns": {noun: forms(noun) for noun in NOUNS},
        "states": [{"cycle": s.cycle, "label": clean(state_name(s))} for s in analysis.states],
        "layers": list(analysis.layers),
        "layerNames": [clean(layer_name(analysis, layer)) for layer in analysis.layers],
        "clouds": [clean(cloud) for cloud in analysis.clouds],
        "cloudNames": [clean(cloud_name(analysis, cloud)) for cloud in analysis.clouds],
        "shown": [len(analysis.states) - 1, len(analysis.layers) - 1, analysis.clouds.index(shown_cloud(analysis))],
        "degrees": degrees,
        "kinds": [degree_name(degree) for degree in degrees],
        "most": MOST_BARS,
        "edge": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "step": shape_data.reach(analysis) / space_data.STEPS,
        "farStep": shape_data.span_of_distances(analysis) / space_data.STEPS,
        "unit": distance_unit(analysis),
    }


def _numbers(analysis: Analysis) -> dict[str, Any]:
    """Nested lists: change by series, layer, cloud, state; Betti curves by place and degree; the heat map's values."""
    degrees, curves = analysis.degrees, analysis.curves("betti_curve")
    return {
        "change": _change(analysis),
        "betti": [[_curve(curves.get((*place, d), [])) for d in degrees] for place in space_data.places(analysis)],
        "heat": packed_heat(analysis),
    }


def _change(analysis: Analysis) -> list[list[list[list[float | None]]]]:
    """Six digits of each value: more than the page shows."""
    return [
        [[[None if v is None else float(f"{v:.6g}") for v in cloud] for cloud in layer] for layer in one]
        for one in all_series(analysis, panels(analysis))
    ]


def _curve(points: list[tuple[float, float]]) -> list[list[float]]:
    return [[float(f"{t:.5g}") for t, _ in points], [float(n) for _, n in points]]
