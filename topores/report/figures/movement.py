"""How the space turned, widened and deformed over the cycles, beside what dropout alone does to it."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topores.domain import Analysis
from topores.report.figures._paper import (
    BAND,
    BLUE,
    DOUBLE,
    ORANGE,
    along_states,
    in_unit,
    lettered,
    new_figure,
    shape_or_none,
    with_gaps,
)
from topores.report.run.null_data import changes_by
from topores.report.run.readings import Against, readings, series, shown_cloud, unit_of

TITLE = "Rotation, scale and deformation over the cycles"

PARTS = (
    ("procrustes.angle", "largest rotation"),
    ("procrustes.scale", "scale"),
    ("procrustes.residual", "deformation"),
)

LINES: tuple[tuple[Against, str, str, str, str], ...] = (
    ("first", "against the first state", BLUE, "o", "-"),
    ("previous", "against the state before", ORANGE, "s", "--"),
)


def draw(analysis: Analysis) -> Figure | None:
    """At the encoder's output, over both texts; None without two states that were compared."""
    known = {m.measure for m in analysis.measurements if m.against is not None}
    shown = [(measure, name) for measure, name in PARTS if measure in known]
    if len(analysis.states) < 2 or not shown:
        return None
    figure = new_figure(DOUBLE, 2.5)
    every = figure.subplots(1, len(shown), squeeze=False)[0]
    for number, (axes, (measure, name)) in enumerate(zip(every, shown, strict=True)):
        _panel(axes, analysis, measure)
        axes.set_ylabel(in_unit(name, unit_of(analysis, measure)))
        along_states(axes, analysis)
        lettered(axes, number)
    # Not every part need have been measured under dropout.
    handles, labels = max((axes.get_legend_handles_labels() for axes in every), key=lambda found: len(found[1]))
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def _panel(axes: Axes, analysis: Analysis, measure: str) -> None:
    found, cloud = readings(analysis, {measure}), shown_cloud(analysis)
    cycles = [state.cycle for state in analysis.states]
    for against, name, color, shape, dashes in LINES:
        values = series(found, analysis, measure, analysis.layers[-1], cloud, against=against)
        axes.plot(
            cycles, with_gaps(values), color=color, linestyle=dashes, marker=shape_or_none(shape, len(cycles)),
            label=name,
        )  # fmt: skip
    alone = changes_by(analysis, "dropout").get((measure, None), []) if cloud == "union" else []
    if alone:
        axes.axhspan(min(alone), max(alone), color=BAND, linewidth=0.6, zorder=0, label="dropout alone: range")
