"""Stability of a loop: the share of subsamples in which it is found again."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from topores.topology.crossings import Crossings, crossings
from topores.topology.distances import filtered_distances
from topores.topology.loops import READ_BACK, representative_loop
from topores.topology.points import Numbers, RealNumber, WholeNumber, as_numbers, as_real, as_whole
from topores.topology.subsamples import SubsamplePlan


def loop_stability(
    points: Numbers,
    bar: Numbers,
    *,
    metric: str = "angle",
    share: RealNumber = 0.8,
    resamples: WholeNumber = 50,
    seed: WholeNumber = 0,
    at: RealNumber = 0.5,
) -> float:
    """The share of subsamples that contain a loop around the same hole as a bar of degree 1.

    A subsample counts if some loop among its points, over edges no longer than birth + at (death - birth), crosses the
    cocycle of the full cloud's bar an odd number of times. The full cloud does not fill such a loop before the bar's
    death, and neither does a subset of it, so the same hole stays open in the subsample for at least 1 - at of the
    bar's life. A bar of similar length elsewhere does not count.

    A loop that depends on a single point is found in at most about `share` of the subsamples, one that depends on k
    points in about share ** k. Near 1 is stable; the number does not say what other passages would show.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        bar: Birth and death of a row of `persistent_homology(points, metric=metric)[1]`; the death is finite.
        metric: "angle" (radians), "euclidean" or "precomputed".
        share: Share of the points in each subsample, in (0, 1]; drawn without replacement.
        resamples: Number of subsamples, 1 or more.
        seed: Seed of the draws; equal seeds draw equal points.
        at: Share of the bar's life by which the loop must be closed, in [0, 1).

    Returns:
        A share in [0, 1]. As in a tight `representative_loop`, edges whose cocycle value depends on younger bars are
        not used, so the share may be slightly too low, never too high.

    Raises:
        ValueError: Unusable points, a bar whose birth matches no edge, an essential bar, or a number out of range.

    Source:
        de Silva, Morozov and Vejdemo-Johansson 2011, Persistent cohomology and circular coordinates (cocycles);
        Reani and Bobrowski 2021, Cycle registration in persistent homology, https://arxiv.org/abs/2101.00698
        (the same cycle in another sample, by its image in a common space).
    """
    matrix = squareform(filtered_distances(points, metric), checks=False)
    within, by = _share(share, "share", least_open=True), _share(at, "at", least_open=False)
    draws = as_whole(resamples, "resamples")
    if draws < 1:
        raise ValueError(f"resamples is {draws}; expected 1 or more. Use 50 for steps of 0.02.")
    plan = SubsamplePlan(len(matrix), max(1, round(within * len(matrix))), draws, as_whole(seed, "seed"))
    birth, death, cocycle = _cocycle(matrix, bar)
    allowed = cocycle.settled & (matrix <= birth + by * (death - birth))
    return float(
        np.mean([_has_odd_loop(allowed[np.ix_(rows, rows)], cocycle.odd[np.ix_(rows, rows)]) for rows in plan])
    )


def _share(value: RealNumber, name: str, *, least_open: bool) -> float:
    number = as_real(value, name)
    if not (0 < number <= 1 if least_open else 0 <= number < 1):
        wanted = "above 0 and up to 1" if least_open else "0 or more, and less than 1"
        raise ValueError(f"{name} is {number:g}; expected a share {wanted}. Use {0.8 if least_open else 0.5}.")
    return number


def _cocycle(matrix: Float[np.ndarray, "points points"], bar: Numbers) -> tuple[float, float, Crossings]:
    """The bar's birth and death, and which edges below its death cross its loop."""
    loop = representative_loop(matrix, bar, metric="precomputed")
    birth, death = as_numbers(bar, "bar").tolist()
    if np.isinf(death):
        raise ValueError("bar has no finite death. Pass a row of a diagram computed without a threshold.")
    lengths = squareform(matrix, checks=False)
    ranks = np.empty(len(lengths))
    # Ties are broken by index, as in `representative_loop`.
    ranks[np.argsort(lengths, kind="stable")] = np.arange(1, len(lengths) + 1)
    order = squareform(ranks, checks=False)
    start, end = int(loop[0]), int(loop[-1])
    earlier = order < order[start, end]
    np.fill_diagonal(earlier, False)
    # A death stored as float32 may exceed the length of the triangle that fills the loop.
    return birth, death, crossings(matrix, earlier, (start, end), death * (1 - READ_BACK))


def _has_odd_loop(allowed: Bool[np.ndarray, "points points"], odd: Bool[np.ndarray, "points points"]) -> bool:
    """Whether some loop of allowed edges has an odd number of odd edges.

    In the double cover, two copies of the points joined by the odd edges, such a loop connects a point to its twin.
    """
    count = len(allowed)
    even, crossing = allowed & ~odd, allowed & odd
    cover = csr_array(np.block([[even, crossing], [crossing, even]]))
    component = connected_components(cover, directed=False)[1]
    return bool((component[:count] == component[count:]).any())
