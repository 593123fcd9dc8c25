"""Persistent homology dimension: how the spanning tree's length grows with the number of points."""

import numpy as np
from scipy.spatial.distance import squareform

from topores.topology.distances import distinct_distances
from topores.topology.points import Numbers, WholeNumber, as_whole
from topores.topology.spanning_tree import tree_lengths

UNIT = "dimensions"
SOURCE = (
    "Birdal, Lou, Guibas and Simsekli 2021, Intrinsic Dimension, Persistent Homology and Generalization in Neural "
    "Networks, algorithm 1, with alpha = 1; Schweinhart 2021, Persistent homology and the upper box dimension"
)

FEWEST = 10
SMALLEST_SHARE = 1 / 8
SIZES = 8
DRAWS = 5


def persistent_homology_dimension(points: Numbers, *, metric: str = "euclidean", seed: WholeNumber = 0) -> float:
    """1 / (1 - m), with m the slope of log(spanning tree length) against log(points) over random subsamples.

    Uses eight sizes, from an eighth of the points to all of them, with five draws each. Points that are equal up to
    float32 rounding count once.
    Equal points and seeds give equal results. With few points in many dimensions the estimate is too low.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "euclidean", "angle" or "precomputed".
        seed: Seed of the subsamples, 0 or more.

    Returns:
        Above 0; inf if the tree grows as fast as the number of points, as in a regular simplex.

    Raises:
        ValueError: Unusable points, or fewer than 10 different ones.

    Source:
        https://arxiv.org/abs/2111.13171
    """
    distances = distinct_distances(points, metric)
    count = len(distances)
    if count < FEWEST:
        raise ValueError(f"points has {count} different rows; expected at least {FEWEST}. Pass a larger cloud.")
    random = np.random.default_rng(as_whole(seed, "seed"))
    sizes = np.unique(np.geomspace(max(count * SMALLEST_SHARE, 3), count, SIZES).round().astype(int))
    lengths = [_mean_log_length(distances, int(size), random) for size in sizes]
    slope = np.polyfit(np.log(sizes), lengths, 1)[0]
    return float(1 / (1 - slope)) if slope < 1 - 1e-9 else np.inf


def _mean_log_length(distances: np.ndarray, size: int, random: np.random.Generator) -> float:
    draws = DRAWS if size < len(distances) else 1
    chosen = [random.choice(len(distances), size, replace=False) for _ in range(draws)]
    trees = [tree_lengths(squareform(distances[np.ix_(rows, rows)], checks=False)) for rows in chosen]
    return float(np.mean([np.log(lengths.sum()) for lengths in trees]))
