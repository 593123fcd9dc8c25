"""Total loop persistence in every layer and state."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topores.domain import Analysis
from topores.quantities import quantity
from topores.report.figures._paper import DOUBLE, QUIET, SINGLE, in_unit, new_figure, with_gaps
from topores.report.html.numbers import short
from topores.report.names import distance_unit, shown_cloud, state_axis

TITLE = "Loops by layer and cycle"

MOST_STATES = 14
"""Most states in one column of a paper."""

LETTERS_PER_INCH = 18
"""Characters per inch of a tick label."""


def draw(analysis: Analysis) -> Figure | None:
    """Over both texts; None without two layers and two states, or without loops."""
    values = _values(analysis)
    if min(values.shape) < 2 or np.isnan(values).all():
        return None
    figure = new_figure(DOUBLE if _is_wide(analysis) else SINGLE, 0.9 + min(max(0.2 * len(analysis.layers), 0.8), 3.2))
    axes = figure.subplots()
    cells = axes.pcolormesh(np.ma.masked_invalid(values), cmap="cividis", edgecolors="face", linewidth=0.2)
    bar = figure.colorbar(cells, ax=axes, pad=0.02, aspect=16)
    bar.set_label(in_unit(quantity("loop_persistence").name, distance_unit(analysis)))
    bar.outline.set_visible(False)
    # Vector shapes like everything else: a bitmap within an SVG gets blurred when enlarged.
    assert bar.solids is not None
    bar.solids.set(rasterized=False, edgecolor="face", linewidth=0.2)
    _label(axes, analysis)
    if np.isnan(values).any():
        axes.patch.set(hatch="////", facecolor="white", edgecolor=QUIET)
        axes.set_title("hatched: not measured", loc="left", color=QUIET)
    return figure


def _is_wide(analysis: Analysis) -> bool:
    return len(analysis.states) > MOST_STATES


def _values(analysis: Analysis) -> Float[np.ndarray, "layers states"]:
    cloud = shown_cloud(analysis)
    return np.array(
        [with_gaps(analysis.series("total_persistence", layer, cloud, degree=1)) for layer in analysis.layers]
    )


def _label(axes: Axes, analysis: Analysis) -> None:
    """All columns have the same width, whatever the cycles between them, so each is labelled if there is room."""
    states, layers = analysis.states, analysis.layers
    named = [short(state.cycle) if analysis.trained else str(number) for number, state in enumerate(states)]
    letters = (6 if _is_wide(analysis) else 2.7) * LETTERS_PER_INCH
    across = _spaced_indices(len(states), int(letters / (max(map(len, named)) + 1)))
    up = _spaced_indices(len(layers), MOST_STATES)
    axes.set_xticks([place + 0.5 for place in across], [named[place] for place in across])
    axes.set_yticks([place + 0.5 for place in up], [str(layers[place]) for place in up])
    axes.set_xlabel(state_axis(analysis))
    axes.set_ylabel(f"layer ({'0: input, ' if layers[0] == 0 else ''}{layers[-1]}: output)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _spaced_indices(count: int, most: int) -> list[int]:
    """At most `most` indices, evenly spaced, starting at the first.

    >>> _spaced_indices(5, 3)
    [0, 2, 4]
    """
    return list(range(0, count, -(-count // max(most, 1))))
