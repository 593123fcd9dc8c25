"""Intrinsic dimension by TwoNN, from the distances to the two nearest neighbours."""

import numpy as np

from topores.topology.distances import distinct_distances
from topores.topology.points import Numbers

UNIT = "dimensions"
SOURCE = "Facco, d'Errico, Rodriguez and Laio 2017, Estimating the intrinsic dimension of datasets (TwoNN), equation 5"

KEPT = 0.9
"""Share of the ratios used for the fit; as in the paper, the largest tenth is discarded."""


def intrinsic_dimension(points: Numbers, *, metric: str = "euclidean") -> float:
    """Slope of -log(1 - F(mu)) against log(mu) through the origin; mu = second / first neighbour's distance.

    Points that are equal up to float32 rounding count once. With few points in many dimensions the estimate is too low.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "euclidean", "angle" or "precomputed".

    Returns:
        Above 0; inf if every point's two nearest neighbours are at equal distance, as in a regular simplex.

    Raises:
        ValueError: Unusable points, or fewer than 3 different ones.

    Source:
        https://doi.org/10.1038/s41598-017-11873-y
    """
    distances = distinct_distances(points, metric)
    count = len(distances)
    if count < 3:
        raise ValueError(f"points has {count} different rows; expected at least 3. Pass a larger cloud.")
    np.fill_diagonal(distances, np.inf)
    first, second = np.partition(distances, 1, axis=1)[:, :2].T
    kept = int(KEPT * count)
    log_ratio = np.sort(np.log(second / first))[:kept]
    log_rest = -np.log1p(-np.arange(1, kept + 1) / count)
    spread = log_ratio @ log_ratio
    return float(log_ratio @ log_rest / spread) if spread else np.inf
