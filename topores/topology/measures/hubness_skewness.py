"""Hubness: whether a few points are among the nearest neighbours of many others."""

import numpy as np

from topores.topology.distances import pairwise_distances
from topores.topology.points import Numbers, WholeNumber, as_whole

UNIT = "skewness, without unit"
SOURCE = "Radovanovic, Nanopoulos and Ivanovic 2010, Hubs in Space, equation 1 (standardised third moment)"

SAME_LENGTH = 1e-9
"""Neighbours count as tied if their distances differ by less than this share."""

ROUNDING = 1e-9
"""Counts count as equal if their standard deviation is below this share of k."""


def hubness_skewness(points: Numbers, *, neighbours: WholeNumber = 10, metric: str = "angle") -> float:
    """Skewness of N_k, how often a point is among the k nearest neighbours of the others.

    Neighbours tied for the last places share them equally, so the order of the points does not matter.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        neighbours: k, at least 1 and fewer than the points.
        metric: "angle", "euclidean" or "precomputed".

    Returns:
        About 0 if all points occur equally often, positive with hubs; it grows with the intrinsic dimension.

    Raises:
        ValueError: Unusable points, or a number of neighbours below 1 or not below the number of points.

    Source:
        https://jmlr.org/papers/v11/radovanovic10a.html
    """
    wanted = as_whole(neighbours, "neighbours")
    distances = pairwise_distances(points, metric).copy()
    if not 1 <= wanted < len(distances):
        raise ValueError(
            f"neighbours is {wanted} for {len(distances)} points; expected at least 1, and fewer than the points. "
            "Pass fewer neighbours or more points."
        )
    np.fill_diagonal(distances, np.inf)
    last = np.partition(distances, wanted - 1, axis=1)[:, [wanted - 1]]
    nearer, tied = distances < last * (1 - SAME_LENGTH), np.abs(distances - last) <= last * SAME_LENGTH
    share = (wanted - nearer.sum(axis=1, keepdims=True)) / tied.sum(axis=1, keepdims=True)
    # Each point has k neighbours, so the mean is k.
    off = (nearer + tied * share).sum(axis=0) - wanted
    spread = np.sqrt(np.mean(off**2))
    return float(np.mean((off / spread) ** 3)) if spread > ROUNDING * wanted else 0.0
