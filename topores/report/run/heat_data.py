"""Measures that the heat map of layers and states can show, and their values."""

from dataclasses import dataclass
from typing import Any

from topores.domain import Against, Analysis
from topores.quantities import measured_quantity
from topores.report.glossary import title_of
from topores.report.html.safe import clean
from topores.report.language import say
from topores.report.names import unit_after


@dataclass(frozen=True)
class HeatMeasure:
    measure: str
    degree: int | None = None
    against: Against = None

    @property
    def title(self) -> str:
        """In the language in force."""
        name = title_of(measured_quantity(self.measure, self.degree), self.degree)
        return name if self.against is None else say("{measure}, against the first state", measure=name)


MEASURES = (
    HeatMeasure("total_persistence", 1), HeatMeasure("longest_bar", 1), HeatMeasure("total_persistence", 0),
    HeatMeasure("longest_bar", 0), HeatMeasure("change", None, "first"), HeatMeasure("procrustes.angle", None, "first"),
    HeatMeasure("procrustes.scale", None, "first"), HeatMeasure("procrustes.residual", None, "first"),
    HeatMeasure("linear_cka", None, "first"), HeatMeasure("rtd_spanning_tree", None, "first"),
    HeatMeasure("bottleneck_distance", 1, "first"), HeatMeasure("wasserstein_distance", 1, "first"),
    HeatMeasure("uniformity"), HeatMeasure("rank_me"), HeatMeasure("intrinsic_dimension"),
    HeatMeasure("hubness_skewness"), HeatMeasure("alignment"), HeatMeasure("modality_gap"),
    HeatMeasure("linear_probe_auc"), HeatMeasure("loop_p", 1),
)  # fmt: skip

Values = list[list[list[float | None]]]
"""By layer, cloud and state."""


def heat_measures(analysis: Analysis) -> list[tuple[HeatMeasure, Values]]:
    """Measures with at least one number, and their values."""
    every = [(one, _values(analysis, one)) for one in MEASURES if (one.measure, one.degree) in analysis.measured]
    return [(one, values) for one, values in every if any(v is not None for layer in values for c in layer for v in c)]


def _values(analysis: Analysis, one: HeatMeasure) -> Values:
    return [
        [
            analysis.series(one.measure, layer, cloud, degree=one.degree, against=one.against)
            for cloud in analysis.clouds
        ]
        for layer in analysis.layers
    ]


def packed_heat(analysis: Analysis) -> list[dict[str, Any]]:
    """Title, and the unit as it follows a number, in the language in force; six digits of each value."""
    return [
        {
            "title": one.title,
            "unit": clean(unit_after(analysis.unit(one.measure))),
            "values": [[[None if v is None else float(f"{v:.6g}") for v in c] for c in layer] for layer in values],
        }
        for one, values in heat_measures(analysis)
    ]
