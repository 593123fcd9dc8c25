"""Alignment: mean squared distance between partners from the two texts."""

import numpy as np

from topores.topology.points import Numbers, as_matched_points, same_columns

UNIT = "squared unit of the columns"
SOURCE = "Wang and Isola 2020, Understanding Contrastive Representation Learning, section 4.1, with alpha = 2"


def alignment(a: Numbers, b: Numbers) -> float:
    """Mean squared distance of matched rows, taken as they are: pass unit rows for values between 0 and 4.

    Args:
        a: One row per point.
        b: Their partners, row by row, with equally many columns.

    Returns:
        0 (partners coincide) or more.

    Raises:
        ValueError: Unusable points or different shapes.

    Source:
        https://arxiv.org/abs/2005.10242
    """
    rows_a, rows_b = as_matched_points(a, b)
    same_columns(rows_a, rows_b)
    return float(np.square(rows_a - rows_b).sum(axis=1).mean())
