"""Linear CKA: similarity of two clouds up to rotation and scale."""

import numpy as np

from topores.topology.points import Numbers, as_matched_points, centre_rows

UNIT = "share"
SOURCE = "Kornblith, Norouzi, Lee and Hinton 2019, Similarity of Neural Network Representations Revisited, table 1"


def linear_cka(a: Numbers, b: Numbers) -> float:
    """||B'A||^2 / (||A'A|| ||B'B||) of the centred clouds, in Frobenius norms.

    Args:
        a: One row per point.
        b: The same points, row by row, in another space; the number of columns may differ.

    Returns:
        0 (nothing in common) to 1 (equal up to rotation, scale and shift).

    Raises:
        ValueError: Unusable points, different numbers of rows, or a cloud whose rows are all equal.

    Source:
        https://arxiv.org/abs/1905.00414, table 1, on the centred columns of section 3.
    """
    rows_a, rows_b = as_matched_points(a, b)
    centred_a, centred_b = centre_rows(rows_a, "a"), centre_rows(rows_b, "b")
    if len(rows_a) < min(rows_a.shape[1], rows_b.shape[1]):
        # The same three numbers from the Gram matrices, which are smaller here.
        gram_a, gram_b = centred_a @ centred_a.T, centred_b @ centred_b.T
        shared, own_a, own_b = (gram_a * gram_b).sum(), (gram_a * gram_a).sum(), (gram_b * gram_b).sum()
    else:
        shared, own_a, own_b = (
            np.square(left.T @ right).sum()
            for left, right in ((centred_b, centred_a), (centred_a, centred_a), (centred_b, centred_b))
        )
    return float(min(shared / np.sqrt(own_a * own_b), 1.0))
