"""Shared by all figures: column widths, colours, and axes along the states."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topores.domain import Analysis, State
from topores.report.html.axes import cycle_scale
from topores.report.html.safe import clean
from topores.report.names import state_axis, state_name

SINGLE, DOUBLE = 3.5, 7.0
"""Widths of one and of two columns of a paper, in inches."""

BLUE, ORANGE, GREEN, PURPLE, OLIVE = "#0072b2", "#c05200", "#00805d", "#9c4a86", "#756500"
"""Colours of Okabe and Ito, as in report.css; each line also has its own shape or dashes."""

INK, QUIET, SOFT, BAND = "#1b1d1f", "#5a5f64", "#5a7f9c", "#dcdcd4"

LETTERS = "abcdefgh"
"""Letters of a figure's panels."""

MOST_SHAPES = 40
"""With more points than this, their shapes would hide the line."""

LONGEST_LABEL, LONGEST_UNIT = 24, 20
"""Characters."""

Bounds = Float[np.ndarray, " states"]


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Figure:
    """A figure of a size in inches; without pyplot, which would keep a reference to it.

    Args:
        layout: Compressed for axes of a fixed shape.
    """
    return Figure(figsize=(width, height), layout=layout)


def as_label(text: object, most: int = LONGEST_LABEL) -> str:
    """Text of a user on one line, short enough for a legend.

    >>> as_label("a\\nb"), as_label("abcdef", 3)
    ('a b', 'abc…')
    """
    line = " ".join(clean(text).split())
    return line if len(line) <= most else f"{line[:most]}…"


def state_label(state: State) -> str:
    """Name of a state in a legend, for matplotlib skips names that start with an underscore."""
    label = as_label(state_name(state))
    return f"\N{HAIR SPACE}{label}" if label.startswith("_") else label


def in_unit(name: str, unit: str) -> str:
    """Title of an axis.

    >>> in_unit("persistence", "rad"), in_unit("persistence", "")
    ('persistence (rad)', 'persistence')
    """
    return f"{name} ({as_label(unit, LONGEST_UNIT)})" if unit else name


def with_gaps(values: Sequence[float | None]) -> Bounds:
    """Values with NaN for None, which leaves a gap in a line."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def shape_or_none(shape: str, points: int) -> str:
    return shape if points <= MOST_SHAPES else ""


def along_states(axes: Axes, analysis: Analysis, *, title: bool = True) -> None:
    """Cycles on the x axis, logarithmic if they span decades, as on the page."""
    scale = cycle_scale([state.cycle for state in analysis.states], 0, 1)
    if scale.bend is not float:
        axes.set_xscale("function", functions=(np.log1p, np.expm1))
    axes.set_xticks([place for place, _ in scale.ticks], [name for _, name in scale.ticks])
    axes.minorticks_off()
    if title:
        axes.set_xlabel(state_axis(analysis))
    axes.grid(axis="y", color=BAND, linewidth=0.5)
    axes.set_axisbelow(True)


def letter_panel(axes: Axes, number: int, text: str = "") -> None:
    """Title of a panel: its letter, and what it shows."""
    axes.set_title(f"{LETTERS[number]}\u2003{text}".rstrip(), loc="left", color=INK)
