"""Rotation, scale and deformation of the space over the cycles, compared with dropout alone."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topores.domain import Against, Analysis, settled
from topores.quantities import quantity
from topores.report.figures._paper import (
    BAND,
    BLUE,
    DOUBLE,
    ORANGE,
    along_states,
    in_unit,
    letter_panel,
    new_figure,
    shape_or_none,
    with_gaps,
)
from topores.report.names import shown_cloud, unit_of

TITLE = "Rotation, scale and deformation over the cycles"

PARTS = ("procrustes.angle", "procrustes.scale", "procrustes.residual")

LINES: tuple[tuple[Against, str, str, str, str], ...] = (
    ("first", "against the first state", BLUE, "o", "-"),
    ("previous", "against the state before", ORANGE, "s", "--"),
)


def draw(analysis: Analysis) -> Figure | None:
    """At the encoder's output, over both texts; None without two states that were compared."""
    shown = [measure for measure in PARTS if measure in analysis.changes]
    if len(analysis.states) < 2 or not shown:
        return None
    figure = new_figure(DOUBLE, 2.5)
    every = figure.subplots(1, len(shown), squeeze=False)[0]
    for number, (axes, measure) in enumerate(zip(every, shown, strict=True)):
        _panel(axes, analysis, measure)
        axes.set_ylabel(in_unit(quantity(measure).name, unit_of(analysis, measure)))
        along_states(axes, analysis)
        letter_panel(axes, number)
    # Not every part need have been measured under dropout.
    handles, labels = max((axes.get_legend_handles_labels() for axes in every), key=lambda found: len(found[1]))
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def _panel(axes: Axes, analysis: Analysis, measure: str) -> None:
    cloud = shown_cloud(analysis)
    cycles = [state.cycle for state in analysis.states]
    for against, name, color, shape, dashes in LINES:
        values = analysis.series(measure, analysis.output, cloud, against=against)
        axes.plot(
            cycles, with_gaps(values), color=color, linestyle=dashes, marker=shape_or_none(shape, len(cycles)),
            label=name,
        )  # fmt: skip
    alone = [settled(v) for v in analysis.null_changes("dropout").get((measure, None), [])] if cloud == "union" else []
    if alone:
        axes.axhspan(min(alone), max(alone), color=BAND, linewidth=0.6, zorder=0, label="dropout alone: range")
