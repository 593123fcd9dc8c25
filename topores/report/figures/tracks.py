"""Persistence over the cycles of the loops that were followed through the states."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from topores.domain import Analysis, Track
from topores.report.figures._paper import (
    BLUE,
    GREEN,
    INK,
    OLIVE,
    ORANGE,
    PURPLE,
    QUIET,
    SINGLE,
    along_states,
    in_unit,
    new_figure,
    shape_or_none,
)
from topores.report.names import distance_unit

TITLE = "Loops followed through the states"

LOOKS = ((BLUE, "o"), (ORANGE, "^"), (GREEN, "s"), (PURPLE, "D"), (INK, "v"), (OLIVE, "P"))
"""Colour and shape of each loop; dotted lines are for ambiguous steps."""


def draw(analysis: Analysis) -> Figure | None:
    """None where no loop was followed."""
    tracks = analysis.tracks[: len(LOOKS)]
    if len(analysis.states) < 2 or not tracks:
        return None
    figure = new_figure(SINGLE, 3.0)
    axes = figure.subplots()
    for number, (track, (color, shape)) in enumerate(zip(tracks, LOOKS, strict=False), 1):
        _follow(axes, [state.cycle for state in analysis.states], track, color, shape, f"loop {number}{_p(track)}")
    along_states(axes, analysis)
    axes.set_ylabel(in_unit("persistence", distance_unit(analysis)))
    axes.set_ylim(bottom=0)
    handles, _ = axes.get_legend_handles_labels()
    if not all(all(track.sure) for track in tracks):
        handles.append(Line2D([], [], color=QUIET, linestyle=":", label="may be another loop"))
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def persistence(track: Track) -> list[float]:
    """Persistence by state; 0 where the loop does not exist."""
    return [
        0.0 if birth is None or death is None else death - birth
        for birth, death in zip(track.births, track.deaths, strict=True)
    ]


def _follow(axes: Axes, cycles: list[int], track: Track, color: str, shape: str, label: str) -> None:
    """One line per step: from 0 where the loop opens and to 0 where it closes, dotted where it is ambiguous."""
    values, there = persistence(track), [birth is not None for birth in track.births]
    for place, sure in enumerate(track.sure):
        if there[place] or there[place + 1]:
            step = slice(place, place + 2)
            axes.plot(cycles[step], values[step], color=color, linestyle="-" if sure else ":")
    marks = shape_or_none(shape, len(cycles)) or "."
    seen = [place for place, is_there in enumerate(there) if is_there]
    axes.plot(
        [cycles[place] for place in seen], [values[place] for place in seen], color=color, linestyle="", marker=marks,
        clip_on=False,
    )  # fmt: skip
    axes.plot([], [], color=color, marker=marks, label=label)


def _p(track: Track) -> str:
    return "" if track.p is None or track.p != track.p else f" (p = {track.p:.2g})"
