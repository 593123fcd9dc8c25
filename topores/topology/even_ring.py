"""The longest loop that so many points can have: evenly around a circle."""

import math

from topores.topology.points import WholeNumber, as_whole


def ratio_of_even_ring(points: WholeNumber, *, metric: str = "angle") -> float:
    """death / birth of the loop of a regular polygon, on a great circle under "angle".

    Args:
        points: Number of corners.
        metric: "angle" or "euclidean".

    Returns:
        1 for fewer than 4 points, which have no loop.

    Source:
        Adamaszek and Adams 2017, The Vietoris-Rips complexes of a circle, Pacific Journal of Mathematics 290: it is
        born with the sides, and filled by the triangle whose corners are at most ceil(points / 3) steps apart.
    """
    count = as_whole(points, "points")
    if count < 4:
        return 1.0
    steps = math.ceil(count / 3)
    if metric == "angle":
        return float(steps)
    return math.sin(math.pi * steps / count) / math.sin(math.pi / count)
