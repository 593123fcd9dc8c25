"""Uniformity: how evenly a cloud spreads over the sphere."""

import numpy as np
from scipy.spatial.distance import pdist
from scipy.special import logsumexp

from topores.errors import did_you_mean
from topores.topology.distances import condensed_distances
from topores.topology.points import Numbers, as_points

UNIT = "nats"
SOURCE = "Wang and Isola 2020, Understanding Contrastive Representation Learning, section 4.1, with t = 2"

METRICS = ("euclidean", "precomputed")


def uniformity(points: Numbers, *, metric: str = "euclidean") -> float:
    """log of the mean of exp(-2 d^2) over pairs of different rows. Rows are not normalised: pass unit rows.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "euclidean" or "precomputed"; "angle" would define another measure.

    Returns:
        At most 0 (all rows equal); -8 for two opposite unit rows. Lower is more uniform.

    Raises:
        ValueError: Unusable points, a single point, or another metric.

    Source:
        https://arxiv.org/abs/2005.10242
    """
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}. {did_you_mean(str(metric), METRICS)}")
    given = as_points(points)
    if len(given) < 2:
        raise ValueError("points has 1 row; expected at least 2. Pass a larger cloud.")
    squared = pdist(given, "sqeuclidean") if metric == "euclidean" else condensed_distances(given, metric) ** 2
    return float(logsumexp(-2 * squared) - np.log(len(squared)))
