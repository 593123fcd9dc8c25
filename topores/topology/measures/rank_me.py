"""RankMe: the effective rank of a cloud."""

import numpy as np
from scipy.special import entr

from topores.topology.factors import singular_values
from topores.topology.points import Numbers, RealNumber, as_points, as_real

UNIT = "directions"
SOURCE = "Garrido, Balestriero, Najman and LeCun 2023, RankMe, equations 1 and 2"


def rank_me(points: Numbers, *, epsilon: RealNumber = 0.0) -> float:
    """exp of the entropy of the singular values as shares of their sum; the rows are not centred.

    Args:
        points: One row per point.
        epsilon: Added to each share. The authors add 1e-7 to avoid log 0 in float32. It is not needed here, where
            0 log 0 = 0.

    Returns:
        1 (all rows on one line through 0) to min(points, dim).

    Raises:
        ValueError: Unusable points, all zero, or a negative epsilon.

    Source:
        https://arxiv.org/abs/2210.02885
    """
    added = as_real(epsilon, "epsilon")
    if not added >= 0:
        raise ValueError(f"epsilon is {added:g}; expected 0 or more. Use 1e-7 for the authors' formula.")
    sizes = singular_values(as_points(points))
    if not sizes.any():
        raise ValueError("points has only zeros; expected at least one other entry. Check the embeddings.")
    return float(np.exp(entr(sizes / sizes.sum() + added).sum()))
