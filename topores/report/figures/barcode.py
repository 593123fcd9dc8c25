"""Barcodes of the loops of the first and the last state, with the band of noise."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from topores.domain import Analysis
from topores.report.figures._loop_bars import Loops, loops_at_ends, span_of
from topores.report.figures._paper import BAND, DOUBLE, INK, SINGLE, SOFT, letter_panel, new_figure, state_label
from topores.report.names import distance_axis

TITLE = "Barcodes of the loops of the first and the last state"

MOST_BARS = 500
"""With more bars than this, one would be thinner than a printed dot."""

HEIGHT = 2.6
"""Height of the bars, in inches."""


def draw(analysis: Analysis) -> Figure | None:
    """At the encoder's output, over both texts; None where neither state has a loop."""
    found = loops_at_ends(analysis)
    if not found:
        return None
    figure = new_figure(DOUBLE if len(found) > 1 else SINGLE, HEIGHT + 0.7)
    every = figure.subplots(1, len(found), sharex=True, squeeze=False)[0]
    for number, (axes, loops) in enumerate(zip(every, found, strict=True)):
        _panel(axes, _most_surprising(loops), span_of(found))
        axes.set_xlabel(distance_axis(analysis))
        told = f"{state_label(loops.state)}: {loops.counts}"
        if len(found) > 1:
            letter_panel(axes, number, told)
        else:
            axes.set_title(told, loc="left", color=INK)
        axes.text(0.02, 0.03, _notes(loops), transform=axes.transAxes, color=INK)
    every[0].set_ylabel("loops in order of birth")
    figure.legend(handles=_keys(found), loc="outside upper left", ncols=3 if len(found) > 1 else 1)
    return figure


def _notes(loops: Loops) -> str:
    hidden = [f"drawn: the {MOST_BARS}", "longest for", "their birth"] if len(loops.bars) > MOST_BARS else []
    return "\n".join([*hidden, *(["at the right edge:", "never dies"] if loops.endless else [])])


def _most_surprising(loops: Loops) -> Loops:
    """The bars with the largest ratio of death to birth, as many as can be drawn."""
    births, deaths = loops.bars.T
    kept = np.argsort(births / deaths, kind="stable")[:MOST_BARS]
    return loops._replace(bars=loops.bars[np.sort(kept)])


def _panel(axes: Axes, loops: Loops, span: tuple[float, float]) -> None:
    births, deaths = loops.bars.T
    rows, width = np.arange(len(births)), 72 * HEIGHT / max(len(births), 20)
    if loops.reach is not None:
        # Steps, so that each row has its own band without a seam to the next.
        edges = np.arange(len(births) + 1) - 0.5
        left = np.append(births, births[-1:])
        axes.fill_betweenx(edges, left, left * loops.reach, step="post", color=BAND, linewidth=0)
    ends = np.where(np.isfinite(deaths), deaths, span[1])
    for chosen, color, share in ((~loops.beyond, SOFT, 0.6), (loops.beyond, INK, 0.95)):
        thick = float(np.clip(share * width, 0.3, 2.2))
        axes.hlines(rows[chosen], births[chosen], ends[chosen], color=color, linewidth=thick)
    axes.set(xlim=span, ylim=(max(len(births), 1) - 0.5, -0.5), yticks=[])


def _keys(found: list[Loops]) -> list[Artist]:
    keys: list[Artist] = [Line2D([], [], color=SOFT, linewidth=1.2, label="loop, from birth to death")]
    if any(one.beyond.any() for one in found):
        keys.append(Line2D([], [], color=INK, linewidth=2.2, label="beyond noise (p < .05, corrected)"))
    if any(one.reach is not None for one in found):
        keys.append(Patch(color=BAND, linewidth=0, label="as long as noise gets (universal null)"))
    return keys
