"""Persistence diagram of loops: the first state against the last."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topores.domain import Analysis
from topores.report.figures._loop_bars import Loops, loops_at_ends, span_of
from topores.report.figures._paper import BLUE, INK, ORANGE, QUIET, SINGLE, new_figure, state_label
from topores.report.names import distance_axis

TITLE = "Persistence diagram of loops, the first state against the last"


class Look(NamedTuple):
    color: str
    filling: str
    shape: str
    dashes: tuple[float, float]
    """Dashes of the line that noise stays below."""
    above: float
    """Drawing order: hollow marks lie over filled ones, so that both are visible."""


LOOKS = (Look(BLUE, "none", "o", (4, 2), 3.1), Look(ORANGE, ORANGE, "^", (1, 1.2), 3.0))
"""Looks of the first and the last state."""


def draw(analysis: Analysis) -> Figure | None:
    """At the encoder's output, over both texts; None where neither state has a loop."""
    found = loops_at_ends(analysis)
    if not found:
        return None
    figure = new_figure(SINGLE, SINGLE + 0.25 * len(found), "compressed")
    axes = figure.subplots()
    span = span_of(found)
    axes.plot(span, span, color=QUIET, linewidth=0.6)
    for loops, look in zip(found, LOOKS, strict=False):
        _points(axes, loops, look, span)
        _reach(axes, loops, look, span)
    axes.set(xlim=span, ylim=span, aspect="equal")
    axes.set_xlabel(f"birth: {distance_axis(analysis)}")
    axes.set_ylabel(f"death: {distance_axis(analysis)}")
    if any(loops.endless for loops in found):
        axes.text(0.98, 0.03, "on the upper rim: never dies", ha="right", transform=axes.transAxes, color=INK)
    figure.legend(loc="outside upper left", ncols=1)
    return figure


def _points(axes: Axes, loops: Loops, look: Look, span: tuple[float, float]) -> None:
    """A mark for each loop; on the upper rim where it never dies."""
    births, deaths = loops.bars.T
    axes.scatter(
        births,
        np.where(np.isfinite(deaths), deaths, span[1]),
        s=8,
        marker=look.shape,
        linewidths=0.6,
        edgecolors=look.color,
        facecolors=look.filling,
        zorder=look.above,
        clip_on=False,
        label=f"{state_label(loops.state)}: {loops.counts}",
    )


def _reach(axes: Axes, loops: Loops, look: Look, span: tuple[float, float]) -> None:
    """The line that noise stays below, where it crosses the picture."""
    low, high = span
    if loops.reach is None or low * loops.reach >= high:
        return
    axes.plot(
        [low, high / loops.reach],
        [low * loops.reach, high],
        color=look.color,
        linewidth=0.9,
        dashes=look.dashes,
        label=f"{state_label(loops.state)}: as far as noise reaches",
    )
