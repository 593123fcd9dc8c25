"""Total loop persistence and held-out retrieval over the cycles, compared with shuffled pairings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from topores.domain import Analysis
from topores.quantities import quantity
from topores.report.figures._paper import (
    BAND,
    BLUE,
    QUIET,
    SINGLE,
    along_states,
    in_unit,
    letter_panel,
    new_figure,
    shape_or_none,
    with_gaps,
)
from topores.report.names import distance_unit, known_number, shown_cloud
from topores.report.run.metric_lines import cycles, thin_lines
from topores.runs import held_out_mrr

TITLE = "Loops and held-out retrieval over the cycles"

RUN, NULL = "this run", "shuffled"
"""Names of the lines."""


class Curve(NamedTuple):
    """One number of the run over its cycles."""

    name: str
    measure: str
    degree: int | None
    cycles: Sequence[int]
    values: Sequence[float | None]

    @property
    def known(self) -> bool:
        return any(value is not None for value in self.values)


def draw(analysis: Analysis) -> Figure | None:
    """At the encoder's output, over both texts; None without two states or without loops."""
    persistence, retrieval = _persistence(analysis), _retrieval(analysis)
    if len(analysis.states) < 2 or not persistence.known:
        return None
    curves = [persistence, retrieval] if retrieval.known else [persistence]
    figure = new_figure(SINGLE, 0.5 + 1.75 * len(curves))
    every = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for number, (axes, curve) in enumerate(zip(every, curves, strict=True)):
        _panel(axes, analysis, curve)
        axes.set_ylabel(curve.name)
        along_states(axes, analysis, title=axes is every[-1])
        if len(curves) > 1:
            letter_panel(axes, number)
    _legend(figure, analysis)
    return figure


def _persistence(analysis: Analysis) -> Curve:
    values = analysis.series("total_persistence", analysis.output, shown_cloud(analysis), degree=1)
    name = in_unit(quantity("loop_persistence").name, distance_unit(analysis))
    return Curve(name, "total_persistence", 1, [state.cycle for state in analysis.states], values)


def _retrieval(analysis: Analysis) -> Curve:
    """The mean of both directions at every logged cycle, which are more than the kept states."""
    lines, _ = thin_lines(analysis.metrics)
    values = [held_out_mrr(line) for line in lines]
    return Curve(quantity("held_out_mrr").name, "held_out_mrr", None, cycles(lines), values)


def _panel(axes: Axes, analysis: Analysis, curve: Curve) -> None:
    """The run as a line over the range of the null's draws and their mean."""
    known = _draws(analysis, curve)
    if known:
        at, by_cycle = list(known), list(known.values())
        axes.fill_between(at, list(map(min, by_cycle)), list(map(max, by_cycle)), color=BAND, linewidth=0)
        axes.plot(at, [float(np.mean(values)) for values in by_cycle], color=QUIET, linestyle="--", label=NULL)
    marker = shape_or_none("o", len(curve.cycles))
    axes.plot(curve.cycles, with_gaps(curve.values), color=BLUE, marker=marker, label=RUN)


def _draws(analysis: Analysis, curve: Curve) -> dict[int, list[float]]:
    """Values of the runs on shuffled pairings by cycle; only for both texts together."""
    if shown_cloud(analysis) != "union":
        return {}
    lines = analysis.null_series("shuffled", curve.measure, curve.degree)
    found = {
        state.cycle: [value for line in lines if (value := known_number(line[place])) is not None]
        for place, state in enumerate(analysis.states)
    }
    return {cycle: values for cycle, values in found.items() if values}


def _legend(figure: Figure, analysis: Analysis) -> None:
    """A legend, if there is a null to compare with."""
    if not any(NULL in axes.get_legend_handles_labels()[1] for axes in figure.axes):
        return
    runs = analysis.null_draws("shuffled")
    own = Line2D([], [], color=BLUE, marker="o")
    mean, spread = Line2D([], [], color=QUIET, linestyle="--"), Patch(color=BAND, linewidth=0)
    told = f"{runs} runs on shuffled pairings: mean and range" if runs > 1 else "a run on shuffled pairings"
    # The null's key is its line upon its band.
    keys: list[Any] = [own, (spread, mean) if runs > 1 else mean]
    figure.legend(handles=keys, labels=[RUN, told], loc="outside upper left", ncols=2)
