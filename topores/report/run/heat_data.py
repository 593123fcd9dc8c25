"""Measures that the heat map of layers and states can show, and their values."""

from dataclasses import dataclass
from typing import Any

from topores.domain import Analysis
from topores.report.html.safe import clean
from topores.report.language import later, say
from topores.report.run.readings import Against, readings, series, unit_after


@dataclass(frozen=True)
class HeatMeasure:
    title: str
    """In English."""
    measure: str
    degree: int | None = None
    against: Against = None


MEASURES = (
    HeatMeasure(later("Total persistence of loops"), "total_persistence", 1),
    HeatMeasure(later("Longest loop"), "longest_bar", 1),
    HeatMeasure(later("Length of the spanning tree"), "total_persistence", 0),
    HeatMeasure(later("Widest gap between clusters"), "longest_bar", 0),
    HeatMeasure(later("Movement since the first state"), "change", None, "first"),
    HeatMeasure(later("Rotation since the first state"), "procrustes.angle", None, "first"),
    HeatMeasure(later("Scale since the first state"), "procrustes.scale", None, "first"),
    HeatMeasure(later("Deformation since the first state"), "procrustes.residual", None, "first"),
    HeatMeasure(later("Linear CKA with the first state"), "linear_cka", None, "first"),
    HeatMeasure(later("RTD by trees since the first state"), "rtd_spanning_tree", None, "first"),
    HeatMeasure(later("Bottleneck distance of loops since the first state"), "bottleneck_distance", 1, "first"),
    HeatMeasure(later("Wasserstein distance of loops since the first state"), "wasserstein_distance", 1, "first"),
    HeatMeasure(later("Uniformity"), "uniformity"),
    HeatMeasure(later("RankMe"), "rank_me"),
    HeatMeasure(later("Intrinsic dimension"), "intrinsic_dimension"),
    HeatMeasure(later("Hubness"), "hubness_skewness"),
    HeatMeasure(later("Alignment of partners"), "alignment"),
    HeatMeasure(later("Gap between the texts"), "modality_gap"),
    HeatMeasure(later("Texts told apart"), "linear_probe_auc"),
    HeatMeasure(later("p of the surest loop"), "loop_p", 1),
)

Values = list[list[list[float | None]]]
"""By layer, cloud and state."""


def heat_measures(analysis: Analysis) -> list[tuple[HeatMeasure, Values]]:
    """Those that were measured anywhere."""
    found = readings(analysis, {one.measure for one in MEASURES})
    every = [
        (
            one,
            [
                [
                    series(found, analysis, one.measure, layer, cloud, degree=one.degree, against=one.against)
                    for cloud in analysis.clouds
                ]
                for layer in analysis.layers
            ],
        )
        for one in MEASURES
    ]
    return [(one, values) for one, values in every if any(v is not None for layer in values for c in layer for v in c)]


def packed_heat(analysis: Analysis) -> list[dict[str, Any]]:
    """Title, and the unit as it stands after a number, in the language in force; six digits of each value."""
    return [
        {
            "title": say(one.title),
            "unit": clean(unit_after(analysis, one.measure)),
            "values": [[[None if v is None else float(f"{v:.6g}") for v in c] for c in layer] for layer in values],
        }
        for one, values in heat_measures(analysis)
    ]
