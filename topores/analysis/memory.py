"""Peak memory of an analysis, counted before the work."""

from typing import NamedTuple

import joblib

from topores.analysis.cells import Protocol
from topores.analysis.maps import MOST_BYTES, MOST_ROWS
from topores.analysis.nulls._ground import DRAWN_AT_ONCE
from topores.analysis.sources import Source
from topores.analysis.tracks import MOST_POINTS
from topores.topology.estimates import estimate

OF_GEOMETRY, OF_RTD = 33, 200
"""Bytes per pair of points beside homology, and of RTD altogether, as `benchmarks/analysis_memory.py` prints them."""

MOST_DRAWS = 80
"""Draws of the null that has most of them, each with a twin."""


class Memory(NamedTuple):
    """Peak memory of an analysis, on top of what the process already uses, in bytes."""

    rows: float
    """Rows of three states at a time, the first, the previous one and this one, and of draws of a null."""
    kept_for_the_page: float
    homology: float
    """Homology of the clouds, or of the pairs of clouds whose RTD is computed, at the same time."""

    @property
    def total(self) -> float:
        return self.rows + self.kept_for_the_page + self.homology


def needed_memory(source: Source, protocol: Protocol, layers: int, width: int) -> Memory:
    """
    Args:
        layers: How many are measured.
        width: Columns of a row.
    """
    sizes = [len(rows) for rows in source.clouds.values()]
    states = min(len(source.states), 3)
    of_rows = 8.0 * width * layers * sum(sizes) * states
    kept = kept_bytes(source, layers * len(source.states), width)
    of_nulls = min(2.0 * MOST_DRAWS * 8 * width * sum(sizes), DRAWN_AT_ONCE)
    return Memory(of_rows + of_nulls, kept, max(cloud_bytes(source, protocol, layers), rtd_bytes(source, protocol)))


def kept_bytes(source: Source, cells: int, width: int) -> float:
    """What is kept of every state until the end: rows for the maps, and for the tracks of small clouds.

    Args:
        cells: Layers times states.
    """
    count, states = len(source.clouds["union"]), len(source.states)
    of_map = min(4.0 * width * min(count, MOST_ROWS) * cells, MOST_BYTES)
    return of_map + (8.0 * width * count * states if count <= MOST_POINTS else 0.0)


def cloud_bytes(source: Source, protocol: Protocol, layers: int) -> float:
    """Homology and geometry of as many clouds as are measured at once, the largest first."""
    sizes = [protocol.plan(len(rows)).size for rows in source.clouds.values()] * layers
    costs = (
        estimate(size, max_degree=protocol.max_degree, engine="auto").bytes + OF_GEOMETRY * size**2 for size in sizes
    )
    return float(sum(sorted(costs, reverse=True)[: joblib.cpu_count()]))


def rtd_bytes(source: Source, protocol: Protocol) -> float:
    """RTD at the last layer compares clouds of twice as many points; those of all clouds are computed at once."""
    if len(source.states) < 2:
        return 0.0
    # Each against the first and against the previous state.
    pairs = min(len(source.states) - 1, 2)
    sizes = [protocol.plan(len(rows)).size for rows in source.clouds.values()] * pairs
    return float(sum(OF_RTD * size**2 for size in sorted(sizes, reverse=True)[: joblib.cpu_count()]))
