"""Modality gap: the distance between the centroids of the two texts' clouds."""

import numpy as np

from topores.topology.points import Numbers, as_points, same_columns

UNIT = "unit of the columns"
SOURCE = "Liang, Zhang, Kwon, Yeung and Zou 2022, Mind the Gap, the distance of the modalities' centres"


def modality_gap(a: Numbers, b: Numbers) -> float:
    """Euclidean distance between the two centroids.

    Args:
        a: One row per point.
        b: One row per point, not matched with `a`, with equally many columns.

    Raises:
        ValueError: Unusable points, or different numbers of columns.

    Source:
        https://arxiv.org/abs/2203.02053
    """
    rows_a, rows_b = as_points(a, "a"), as_points(b, "b")
    same_columns(rows_a, rows_b)
    return float(np.linalg.norm(rows_a.mean(axis=0) - rows_b.mean(axis=0)))
