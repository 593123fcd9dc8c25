"""Which changes of the space the page shows, and their values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from topores.domain import Against, Analysis, settled
from topores.quantities import measured_quantity, quantity
from topores.report.glossary import hint_of, measure_term
from topores.report.html.numbers import digits
from topores.report.language import later, say
from topores.report.names import degree_name

SINCE: dict[Against, str] = {
    "first": later("against the first state"),
    "previous": later("against the previous state"),
}


@dataclass(frozen=True)
class Series:
    """One line: a measure, its degree of homology, and the state it is compared to."""

    measure: str
    degree: int | None
    against: Against
    name: str
    look: str


@dataclass(frozen=True)
class Panel:
    """One chart: its title as HTML, how to read it, and its lines."""

    title: str
    note: str
    series: tuple[Series, ...]

    @property
    def measure(self) -> str:
        return self.series[0].measure

    @property
    def degree(self) -> int | None:
        return self.series[0].degree


COMPARED = (
    "change", "procrustes.angle", "procrustes.mean_angle", "procrustes.scale", "procrustes.residual", "linear_cka",
    "rtd", "rtd_spanning_tree",
)  # fmt: skip
"""Changes of a cloud between two states."""

DIVIDED = ("movement.shared", "movement.relative", "movement.shift", "movement.deformation", "movement.between")
"""Shares of one movement, each shown beside its value by chance; the first four add up to 1."""

COMPARED_BY_DEGREE = ("bottleneck_distance", "wasserstein_distance")
"""Changes of a diagram between two states."""


def panels(analysis: Analysis) -> list[Panel]:
    """The charts for which anything was measured; a chart of a change needs two states."""
    return [*(_change_panels(analysis) if len(analysis.states) > 1 else []), *_diagram_panels(analysis)]


def _change_panels(analysis: Analysis) -> list[Panel]:
    found = [_change_panel(name) for name in COMPARED if (name, None) in analysis.measured]
    found += [_share_panel(name) for name in DIVIDED if (name, None) in analysis.measured]
    found += [_change_panel(name, degree) for name in COMPARED_BY_DEGREE for degree in _degrees(analysis, name)]
    alone = analysis.null_changes("dropout")
    return [_beside_noise(panel, alone.get((panel.measure, panel.degree), [])) for panel in found]


def _diagram_panels(analysis: Analysis) -> list[Panel]:
    """Total persistence, a chart per degree, and entropy with all degrees in one."""
    found = [
        _state_panel(measure_term("total_persistence", degree), "total_persistence", [degree])
        for degree in _degrees(analysis, "total_persistence")
    ]
    degrees = _degrees(analysis, "persistence_entropy")
    title = measure_term("persistence_entropy", degrees[0] if len(degrees) == 1 else None)
    return [*found, _state_panel(title, "persistence_entropy", degrees)] if degrees else found


def _degrees(analysis: Analysis, measure: str) -> list[int]:
    return sorted(degree for name, degree in analysis.measured if name == measure and degree is not None)


def _change_panel(measure: str, degree: int | None = None) -> Panel:
    lines = tuple(Series(measure, degree, against, say(told), str(against)) for against, told in SINCE.items())
    return Panel(measure_term(measure, degree), hint_of(measured_quantity(measure, degree)), lines)


def _beside_noise(panel: Panel, alone: Sequence[float]) -> Panel:
    """Adds how far two draws of dropout are apart, where no change is 0."""
    if not alone or quantity(panel.measure).no_change == 1:
        return panel
    told = say(
        "{note}; dropout alone, at the output, both texts: up to {most}",
        note=panel.note,
        most=digits(max(map(settled, alone))),
    )
    return replace(panel, note=told)


def _share_panel(measure: str) -> Panel:
    compared = _change_panel(measure)
    by_chance = Series(f"{measure}_by_chance", None, "first", say("by chance, against the first state"), "null")
    return replace(compared, series=(*compared.series, by_chance))


def _state_panel(title: str, measure: str, degrees: list[int]) -> Panel:
    lines = tuple(Series(measure, d, None, degree_name(d), f"degree{min(d, 2)}") for d in degrees)
    return Panel(title, hint_of(measured_quantity(measure, degrees[0])), lines)


def all_series(analysis: Analysis, shown: Sequence[Panel]) -> list[list[list[list[float | None]]]]:
    """Values by series (in the order of the panels), layer, cloud and state."""
    return [
        [
            [
                analysis.series(one.measure, layer, cloud, degree=one.degree, against=one.against)
                for cloud in analysis.clouds
            ]
            for layer in analysis.layers
        ]
        for panel in shown
        for one in panel.series
    ]
