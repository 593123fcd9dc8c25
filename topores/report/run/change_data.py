"""Which changes of the space the page shows, and their values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from topores.domain import Analysis
from topores.report.glossary import Term
from topores.report.html.numbers import digits
from topores.report.language import later, say
from topores.report.run.bars import degree_name
from topores.report.run.null_data import changes_by
from topores.report.run.readings import Against, readings, series

SINCE: dict[Against, str] = {"first": later("against the first state"), "previous": later("against the state before")}


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


COMPARED = (
    ("change", Term("change", "Change"), later("how far the passages moved; 0: not at all")),
    ("procrustes.angle", Term("rotation", "Rotation"), later("0: the space has not turned")),
    ("procrustes.mean_angle", Term("mean rotation", "Mean rotation"), later("of what the points are spread along")),
    ("procrustes.scale", Term("scale", "Scale"), later("1: neither wider nor narrower")),
    ("procrustes.residual", Term("deformation", "Deformation"), later("what turn and scale leave of the change")),
    ("linear_cka", Term("linear CKA", "Linear CKA"), later("1: alike but for rotation and scale")),
    ("rtd", Term("RTD", "RTD"), later("0: the same loops")),
    ("rtd_spanning_tree", Term("RTD by trees", "RTD by trees"), later("0: the same clusters")),
)
DIVIDED = (
    (
        "movement.shared",
        Term("shared rotation", "Shared rotation"),
        later("of the movement, what turns both texts as one"),
    ),
    ("movement.relative", Term("relative rotation", "Relative rotation"), later("what turns each text on its own")),
    ("movement.shift", Term("shift of the texts", "Shift of the texts"), later("what moves the texts' centres apart")),
    ("movement.deformation", Term("own deformation", "Own deformation"), later("what is left: each text's shape")),
    (
        "movement.between",
        Term("between the texts", "Between the texts"),
        later("1: neither changed but against the other"),
    ),
)
"""Shares of one movement, of which the first four add to 1; each is held against what chance gives."""
FROM_ONE = ("procrustes.scale", "linear_cka")
"""Of which 1 is no change."""

COMPARED_BY_DEGREE = (
    ("bottleneck_distance", Term("bottleneck", "Bottleneck"), later("how far the worst-matched bar moved")),
    ("wasserstein_distance", Term("Wasserstein", "Wasserstein"), later("how far all bars moved together")),
)
OWN_BY_DEGREE = (
    ("total_persistence", Term("total persistence", "Total persistence"), later("lengths of all bars added up")),
)
ENTROPY = (
    "persistence_entropy",
    Term("persistence entropy", "Persistence entropy"),
    later("higher: bars of more equal length"),
)


def panels(analysis: Analysis) -> list[Panel]:
    """The charts for which anything was measured; those of comparison need two states."""
    known = {(m.measure, m.degree) for m in analysis.measurements}
    found = [_compared(m, str(title), note, None) for m, title, note in COMPARED if (m, None) in known]
    found += [_divided(m, str(title), note) for m, title, note in DIVIDED if (m, None) in known]
    for measure, title, note in COMPARED_BY_DEGREE:
        found += [_compared(measure, str(title), note, degree) for degree in _degrees(known, measure)]
    alone = changes_by(analysis, "dropout")
    found = [_beside_noise(panel, alone.get((panel.measure, panel.series[0].degree), [])) for panel in found]
    if len(analysis.states) < 2:
        found = []
    for measure, title, note in OWN_BY_DEGREE:
        found += [_own(measure, f"{title}, {degree_name(d)}", note, [d]) for d in _degrees(known, measure)]
    measure, title, note = ENTROPY
    return found + ([_own(measure, str(title), note, _degrees(known, measure))] if _degrees(known, measure) else [])


def _degrees(known: set[tuple[str, int | None]], measure: str) -> list[int]:
    return sorted(degree for name, degree in known if name == measure and degree is not None)


def _compared(measure: str, title: str, note: str, degree: int | None) -> Panel:
    of = "" if degree is None else f", {degree_name(degree)}"
    lines = tuple(Series(measure, degree, against, say(told), str(against)) for against, told in SINCE.items())
    return Panel(title + of, say(note), lines)


def _beside_noise(panel: Panel, alone: Sequence[float]) -> Panel:
    """Says how far two draws of dropout are apart, where that is a distance from 0."""
    if not alone or panel.measure in FROM_ONE:
        return panel
    told = say(
        "{note}; dropout alone, at the output, both texts: up to {most}", note=panel.note, most=digits(max(alone))
    )
    return replace(panel, note=told)


def _divided(measure: str, title: str, note: str) -> Panel:
    compared = _compared(measure, title, note, None)
    by_chance = Series(f"{measure}_by_chance", None, "first", say("by chance, against the first state"), "null")
    return Panel(title, compared.note, (*compared.series, by_chance))


def _own(measure: str, title: str, note: str, degrees: list[int]) -> Panel:
    lines = tuple(Series(measure, d, None, degree_name(d), f"degree{min(d, 2)}") for d in degrees)
    return Panel(title, say(note), lines)


def all_series(analysis: Analysis, shown: Sequence[Panel]) -> list[list[list[list[float | None]]]]:
    """Values by series (in the order of the panels), layer, cloud and state."""
    found = readings(analysis, {one.measure for panel in shown for one in panel.series})
    return [
        [
            [
                series(found, analysis, one.measure, layer, cloud, degree=one.degree, against=one.against)
                for cloud in analysis.clouds
            ]
            for layer in analysis.layers
        ]
        for panel in shown
        for one in panel.series
    ]
