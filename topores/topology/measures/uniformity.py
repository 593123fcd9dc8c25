"""Uniformity: how evenly a cloud spreads over the sphere."""

import numpy as np
from scipy.spatial.distance import pdist
from scipy.special import logsumexp

from topores.topology.points import Numbers, as_points

UNIT = "nats"
SOURCE = "Wang and Isola 2020, Understanding Contrastive Representation Learning, section 4.1, with t = 2"


def uniformity(points: Numbers) -> float:
    """log of the mean of exp(-2 d^2) over pairs of different rows, taken as they are: pass unit rows.

    Args:
        points: One row per point.

    Returns:
        0 (all rows equal) or less; -8 for two opposite unit rows. Lower is more even.

    Raises:
        ValueError: Unusable points, or a single one.

    Source:
        https://arxiv.org/abs/2005.10242
    """
    rows = as_points(points)
    if len(rows) < 2:
        raise ValueError("points has 1 row; expected at least 2. Pass a larger cloud.")
    squared = pdist(rows, "sqeuclidean")
    return float(logsumexp(-2 * squared) - np.log(len(squared)))
