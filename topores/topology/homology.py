"""Persistent homology of the Vietoris-Rips filtration, by redzed or ripser, with exact float64 births and deaths."""

from typing import SupportsFloat

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import squareform

from topores.topology.distances import filtered_distances
from topores.topology.engines import TREE, as_degree, choose_engine, run_engine
from topores.topology.neighbours import comparable_rows
from topores.topology.points import Numbers, WholeNumber, as_points, as_real, as_whole
from topores.topology.ranking import Ranking
from topores.topology.rounding import first_of_twin_rows, twin_distance
from topores.topology.spanning_tree import minimum_spanning_tree

ROUNDING = 1e-12
"""Bars shorter than this share of their death are rounding errors between tied distances."""

Diagrams = list[Float[np.ndarray, "_ 2"]]


def persistent_homology(
    points: Numbers,
    *,
    metric: str = "angle",
    max_degree: WholeNumber = 1,
    threshold: SupportsFloat | None = None,
    field: WholeNumber = 2,
    engine: str = "auto",
) -> list[Float[np.ndarray, "_ 2"]]:
    """Diagrams of degree 0 (clusters), 1 (loops), 2 (voids), ... of the Vietoris-Rips filtration.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed": an infinite entry, or
            one that a sparse matrix does not store, means that there is no edge. Points that are equal but for rounding
            (see `storage_rounding`) count as one.
        metric: "angle" (radians), "euclidean" or "precomputed".
        max_degree: Highest degree wanted, 0 or more. Time and memory grow steeply with it.
        threshold: Edges longer than this are left out; a bar still alive there gets death = inf. None: all edges.
        field: Prime p from 2 to 127; homology has coefficients modulo p.
        engine: "auto", "redzed" (modulo 2 only) or "ripser"; all give the same diagrams. See `choose_engine`.

    Returns:
        One array (bars, 2) of births and deaths per degree, sorted by birth, then death, in units of the metric.
        Essential bars have death = inf. Bars of length 0 are dropped, and so are bars shorter than 1e-12 of their
        death, which are rounding errors. Above 16.7 million distances (5,793 points) adjacent distances are merged,
        which moves births and deaths by less than float32 rounding; degree 0 alone is exact at any size.

    Raises:
        ValueError: Unusable points, an unknown name, a degree below 0, a field that is not a prime up to 127.

    Source:
        Bauer 2021, Ripser, https://arxiv.org/abs/1908.02518; redzed, https://pypi.org/project/redzed-tda.
    """
    if choose_engine(engine, field, max_degree) == TREE:
        return [_diagram_of_clusters(points, metric, _as_threshold(threshold))]
    return Filtration(points, metric=metric).diagrams(
        max_degree=max_degree, threshold=threshold, field=field, engine=engine
    )


class Filtration:
    """A cloud's distances, measured and sorted once, for diagrams of the cloud and of any subset of its rows.

    A subset costs the engine's time only: no distance is measured or sorted again.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "angle" (radians), "euclidean" or "precomputed".

    Raises:
        ValueError: Unusable points, or an unknown metric.
    """

    def __init__(self, points: Numbers, *, metric: str = "angle") -> None:
        self.distances = filtered_distances(points, metric)
        """In condensed form, as scipy.spatial.distance.squareform reads them; infinite where there is no edge."""
        self.points = (1 + int(np.sqrt(1 + 8 * len(self.distances)))) // 2
        self._longest = np.inf if np.isfinite(self.distances).all() else _longest_edge(self.distances)
        self._ranking = _ranking(self.distances, self._longest) if len(self.distances) else None
        self._square: Float[np.ndarray, "points points"] | None = None

    def diagrams(
        self,
        *,
        rows: Numbers | None = None,
        max_degree: WholeNumber = 1,
        threshold: SupportsFloat | None = None,
        field: WholeNumber = 2,
        engine: str = "auto",
    ) -> Diagrams:
        """The diagrams of `persistent_homology` for the points in `rows`.

        Args:
            rows: Indices; None means all points. Repeated indices count once, since a duplicate point changes no
                diagram.

        Raises:
            ValueError: As `persistent_homology`, or a row index out of range.
        """
        name = choose_engine(engine, field)
        degree, cap = as_degree(max_degree), _as_threshold(threshold)
        chosen = None if rows is None else _as_rows(rows, self.points)
        count = self.points if chosen is None else len(chosen)
        if self._ranking is None or count == 1:
            return _pad_diagrams([np.array([[0.0, np.inf]])], degree)
        ranks = self._ranking.ranks if chosen is None else self._ranks_among(chosen)
        highest = min(degree, count - 2)
        last = self._ranking.last_up_to(min(cap, self._longest))
        found = run_engine(name, ranks, highest, last, as_whole(field, "field"))
        return _pad_diagrams([_diagram(bars, self._ranking) for bars in found], degree)

    def _ranks_among(self, rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, "rows rows"]:
        assert self._ranking is not None
        if self._square is None:
            self._square = squareform(self._ranking.ranks, checks=False)
        return self._square[np.ix_(rows, rows)]


def _longest_edge(distances: Float[np.ndarray, " pairs"]) -> float:
    return float(distances.max(initial=0.0, where=np.isfinite(distances)))


def _ranking(distances: Float[np.ndarray, " pairs"], longest: float) -> Ranking:
    """Ranks of the distances; pairs without an edge come after `longest`, the last that enters the filtration."""
    if np.isinf(longest):
        return Ranking(distances)
    found = Ranking(np.minimum(distances, 2 * longest or 1.0))
    # With very many distances, adjacent ones share a rank: no pair without an edge may share that of an edge.
    found.ranks[np.isinf(distances)] = found.ranks.max() + 1
    return found


def _diagram(ranks: np.ndarray, ranking: Ranking) -> Float[np.ndarray, "bars 2"]:
    return _longer_than_rounding(ranking.lengths(np.asarray(ranks, dtype=np.float64)))


def _diagram_of_clusters(points: Numbers, metric: str, cap: float) -> Float[np.ndarray, "bars 2"]:
    """The diagram of degree 0: each spanning-tree edge ends one bar; bars past the threshold are essential."""
    if metric == "precomputed":
        own = squareform(filtered_distances(points, metric), checks=False)
    else:
        own = _merged_rows(points, metric)
    lengths = minimum_spanning_tree(own, metric=metric).lengths
    deaths = np.full(len(own), np.inf)
    deaths[: len(lengths)] = np.where(lengths > cap, np.inf, lengths)
    return _longer_than_rounding(np.stack([np.zeros_like(deaths), deaths], axis=1))


def _merged_rows(points: Numbers, metric: str) -> Float[np.ndarray, "points dim"]:
    """The rows, without those that equal an earlier one but for rounding."""
    rows, _ = comparable_rows(points, metric)
    twins = twin_distance(points if metric == "angle" else rows, metric)
    kept = np.unique(first_of_twin_rows(rows, twins))
    return as_points(points)[kept]


def _longer_than_rounding(bars: Float[np.ndarray, "bars 2"]) -> Float[np.ndarray, "kept 2"]:
    births, deaths = bars.T
    bars = bars[np.isinf(deaths) | (births < deaths * (1 - ROUNDING))]
    return bars[np.lexsort((bars[:, 1], bars[:, 0]))]


def _pad_diagrams(diagrams: list[np.ndarray], degree: int) -> list[np.ndarray]:
    """Append empty diagrams: n points have no homology above degree n - 2."""
    empty = [np.empty((0, 2)) for _ in range(degree + 1)]
    return (diagrams + empty[len(diagrams) :])[: degree + 1]


def _as_rows(rows: Numbers, count: int) -> Int[np.ndarray, " rows"]:
    chosen = np.asarray(rows)
    if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
        raise ValueError(
            f"rows has shape {chosen.shape} and type {chosen.dtype}; expected a list of whole numbers. "
            "Pass indices of points, or None for all."
        )
    if chosen.min() < 0 or chosen.max() >= count:
        wrong = chosen[(chosen < 0) | (chosen >= count)][0]
        raise ValueError(f"rows has {wrong}; expected 0 to {count - 1}. Pass indices of the {count} points.")
    return np.unique(chosen)


def _as_threshold(threshold: SupportsFloat | None) -> float:
    if threshold is None:
        return np.inf
    cap = as_real(threshold, "threshold")
    if not cap >= 0:
        raise ValueError(f"threshold is {cap}; expected a length of 0 or more. Use None to keep all edges.")
    return cap
