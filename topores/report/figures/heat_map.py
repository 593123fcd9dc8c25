"""Total persistence of loops in every layer and state."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topores.domain import Analysis
from topores.report.figures._paper import DOUBLE, QUIET, SINGLE, in_unit, new_figure, with_gaps
from topores.report.html.numbers import short
from topores.report.run.readings import distance_unit, readings, series, shown_cloud, state_axis, trained

TITLE = "Total persistence of loops by layer and cycle"

MOST_STATES = 14
"""In one column of a paper."""

LETTERS_PER_INCH = 18
"""Of a tick's label."""


def draw(analysis: Analysis) -> Figure | None:
    """Over both texts; None without two layers and two states, or without loops."""
    values = _values(analysis)
    if min(values.shape) < 2 or np.isnan(values).all():
        return None
    figure = new_figure(DOUBLE if _is_wide(analysis) else SINGLE, 0.9 + min(max(0.2 * len(analysis.layers), 0.8), 3.2))
    axes = figure.subplots()
    cells = axes.pcolormesh(np.ma.masked_invalid(values), cmap="cividis", edgecolors="face", linewidth=0.2)
    bar = figure.colorbar(cells, ax=axes, pad=0.02, aspect=16)
    bar.set_label(in_unit("total persistence of loops", distance_unit(analysis)))
    bar.outline.set_visible(False)
    # Colours as shapes, as all else: a picture within an SVG is blurred where it is enlarged.
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
    found, cloud = readings(analysis, {"total_persistence"}), shown_cloud(analysis)
    return np.array(
        [with_gaps(series(found, analysis, "total_persistence", layer, cloud, degree=1)) for layer in analysis.layers]
    )


def _label(axes: Axes, analysis: Analysis) -> None:
    """Columns are as wide as each other, whatever the cycles between them; so each has its name, if there is room."""
    states, layers = analysis.states, analysis.layers
    named = [short(state.cycle) if trained(analysis) else str(number) for number, state in enumerate(states)]
    letters = (6 if _is_wide(analysis) else 2.7) * LETTERS_PER_INCH
    across = _spaced(len(states), int(letters / (max(map(len, named)) + 1)))
    up = _spaced(len(layers), MOST_STATES)
    axes.set_xticks([place + 0.5 for place in across], [named[place] for place in across])
    axes.set_yticks([place + 0.5 for place in up], [str(layers[place]) for place in up])
    axes.set_xlabel(state_axis(analysis))
    axes.set_ylabel(f"layer ({'0: input, ' if layers[0] == 0 else ''}{layers[-1]}: output)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _spaced(count: int, most: int) -> list[int]:
    """At most so many places, evenly, from the first one.

    >>> _spaced(5, 3)
    [0, 2, 4]
    """
    return list(range(0, count, -(-count // max(most, 1))))
