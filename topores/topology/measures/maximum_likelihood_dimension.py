"""Intrinsic dimension by maximum likelihood, from the distances to the k nearest neighbours."""

import numpy as np

from topores.topology.distances import distinct_distances
from topores.topology.points import Numbers, WholeNumber, as_whole

UNIT = "dimensions"
SOURCE = "Levina and Bickel 2004, Maximum Likelihood Estimation of Intrinsic Dimension, equation 8, mean of inverses"


def maximum_likelihood_dimension(points: Numbers, *, neighbours: WholeNumber = 20, metric: str = "euclidean") -> float:
    """Maximum-likelihood dimension, assuming neighbours uniform in a ball: 1 / mean log(T_k / T_j).

    T_j is the distance to the j-th neighbour, j = 1 to k - 1; the mean is over all points and all j.
    Points that are equal up to float32 rounding count once. With few points in many dimensions the estimate is too low.
    `intrinsic_dimension` (TwoNN) uses only two neighbours, so it is less affected by curvature and more by noise.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        neighbours: k, 3 or more (the authors use 10 to 20); limited to the number of different points minus 1.
        metric: "euclidean", "angle" or "precomputed".

    Returns:
        Above 0; inf if each point's k nearest neighbours are at equal distance, as in a regular simplex.

    Raises:
        ValueError: Unusable points, fewer than 4 different ones, or fewer than 3 neighbours.

    Source:
        Levina and Bickel 2004; inverses are averaged over points, following MacKay and Ghahramani's correction:
        https://www.inference.org.uk/mackay/dimension/
    """
    wanted = as_whole(neighbours, "neighbours")
    if wanted < 3:
        raise ValueError(f"neighbours is {wanted}; expected 3 or more. Use 10 to 20.")
    distances = distinct_distances(points, metric)
    count = len(distances)
    if count < 4:
        raise ValueError(f"points has {count} different rows; expected at least 4. Pass a larger cloud.")
    kept = min(wanted, count - 1)
    np.fill_diagonal(distances, np.inf)
    nearest = np.sort(np.partition(distances, kept - 1, axis=1)[:, :kept], axis=1)
    growth = np.log(nearest[:, -1:] / nearest[:, :-1]).sum() / (count * (kept - 1))
    return float(1 / growth) if growth else np.inf
