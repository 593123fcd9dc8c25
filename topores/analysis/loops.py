"""The loops worth reading: the longest bars of degree 1, with the passages around them."""

import numpy as np

from topores.analysis.measure import Cell
from topores.domain import Loop
from topores.topology import representative_loop, universal_p_values
from topores.topology.distances import pairwise_distances

SHOWN = 5
"""Loops kept for each cell, beside all that are significant."""


def longest_loops(cell: Cell, metric: str) -> list[Loop]:
    """Loops of one cell by rising p, at least the `SHOWN` most persistent, and every one with p < .05."""
    if len(cell.diagrams) < 2:
        return []
    bars = cell.diagrams[1]
    bars = bars[np.isfinite(bars[:, 1])]
    if not len(bars):
        return []
    p = np.minimum(1.0, universal_p_values(bars) * len(bars))  # Bonferroni
    order = np.lexsort((bars[:, 0] / bars[:, 1], p))
    distances = pairwise_distances(cell.points[cell.shown], metric=metric)
    chosen = [i for place, i in enumerate(order) if place < SHOWN or p[i] < 0.05]
    return [
        Loop(
            cell.cycle, cell.layer, cell.cloud, float(bars[i, 0]), float(bars[i, 1]), float(p[i]),
            tuple(cell.shown[representative_loop(distances, bars[i], metric="precomputed")].tolist()),
        )
        for i in chosen
    ]  # fmt: skip
