"""Representation topology divergence: loops that one cloud has and its matched twin fills in."""

import numpy as np
from jaxtyping import Float

from topores.topology.distances import Numbers, as_matched_points, pairwise_distances
from topores.topology.homology import persistent_homology
from topores.topology.measures.total_persistence import total_persistence

UNIT = "0.9 quantiles of the distances"
SOURCE = "Barannikov, Trofimov, Balabin and Burnaev 2022, Representation Topology Divergence, algorithms 1 and 2"

QUANTILE = 0.9


def rtd(a: Numbers, b: Numbers, *, metric: str = "euclidean") -> float:
    """Mean over both directions of the summed lengths of the degree-1 bars of the R-Cross-Barcode.

    Args:
        a: One row per point, or the square matrix of distances if `metric` is "precomputed".
        b: The same points, row by row, elsewhere; its columns may be others.
        metric: "euclidean", "angle" or "precomputed", for both.

    Returns:
        0 if all distances agree up to one factor; it grows with the number of points. All points are used, where the
        authors average over subsamples of 500.

    Raises:
        ValueError: Unusable points, different numbers of rows, or more than 9 in 10 distances equal to 0.

    Source:
        https://arxiv.org/abs/2201.00058, algorithms 1 and 2.
    """
    to_b, to_a = cross_barcode(a, b, metric=metric), cross_barcode(b, a, metric=metric)
    return (total_persistence(to_b) + total_persistence(to_a)) / 2


def cross_barcode(a: Numbers, b: Numbers, *, metric: str = "euclidean") -> Float[np.ndarray, "bars 2"]:
    """R-Cross-Barcode of degree 1: bars of `a` that are filled in where the smaller of both distances is used.

    Args:
        a: One row per point, or the square matrix of distances if `metric` is "precomputed".
        b: The same points, row by row, elsewhere.
        metric: "euclidean", "angle" or "precomputed", for both.

    Returns:
        Births and deaths in units of the 0.9 quantile of each cloud's distances.

    Raises:
        ValueError: As `rtd`.
    """
    as_matched_points(a, b)
    own, other = _normalised(a, metric, "a"), _normalised(b, metric, "b")
    # Two copies of each point: the first copies lie on one spot, the second keep the smaller distance.
    doubled = np.block([[np.zeros_like(own), own], [own, np.minimum(own, other)]])
    return persistent_homology(doubled, metric="precomputed")[1]


def _normalised(points: Numbers, metric: str, name: str) -> Float[np.ndarray, "points points"]:
    distances = pairwise_distances(points, metric)
    # The authors take the quantile over the whole matrix, its diagonal included.
    unit = np.quantile(distances, QUANTILE)
    if unit == 0:
        raise ValueError(f"{name} has 9 in 10 distances equal to 0; expected different points. Drop duplicates.")
    return distances / unit
