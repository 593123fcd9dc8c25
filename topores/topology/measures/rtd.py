"""Representation topology divergence: loops that one cloud has and its matched counterpart fills in."""

import numpy as np
from jaxtyping import Float

from topores.topology.distances import pairwise_distances
from topores.topology.homology import persistent_homology
from topores.topology.measures.total_persistence import total_persistence
from topores.topology.points import Numbers, as_matched_points

UNIT = "0.9 quantiles of the distances"
SOURCE = "Barannikov, Trofimov, Balabin and Burnaev 2022, Representation Topology Divergence, algorithms 1 and 2"

QUANTILE = 0.9


def rtd(a: Numbers, b: Numbers, *, metric: str = "euclidean") -> float:
    """Mean over both directions of the summed lengths of the degree-1 bars of the R-Cross-Barcode.

    Args:
        a: One row per point, or the square matrix of distances if `metric` is "precomputed".
        b: The same points, row by row, in another space; the number of columns may differ.
        metric: "euclidean", "angle" or "precomputed", for both.

    Returns:
        0 if all distances agree up to one factor; it grows with the number of points. All points are used, whereas the
        authors average over subsamples of 500.

    Raises:
        ValueError: Unusable points, different numbers of rows, or more than 9 in 10 distances equal to 0.

    Source:
        https://arxiv.org/abs/2201.00058, algorithms 1 and 2.
    """
    as_matched_points(a, b)
    one, other = in_quantiles(a, metric, "a"), in_quantiles(b, metric, "b")
    return (total_persistence(_barcode(one, other)) + total_persistence(_barcode(other, one))) / 2


def cross_barcode(a: Numbers, b: Numbers, *, metric: str = "euclidean") -> Float[np.ndarray, "bars 2"]:
    """R-Cross-Barcode of degree 1: loops of `a` that are filled in under the element-wise minimum of both distances.

    Args:
        a: One row per point, or the square matrix of distances if `metric` is "precomputed".
        b: The same points, row by row, in another space.
        metric: "euclidean", "angle" or "precomputed", for both.

    Returns:
        Births and deaths in units of the 0.9 quantile of each cloud's distances.

    Raises:
        ValueError: As `rtd`.
    """
    as_matched_points(a, b)
    return _barcode(in_quantiles(a, metric, "a"), in_quantiles(b, metric, "b"))


def in_quantiles(points: Numbers, metric: str, name: str) -> Float[np.ndarray, "points points"]:
    """Distances over their 0.9 quantile.

    Raises:
        ValueError: Unusable points, or a quantile of 0.
    """
    distances = pairwise_distances(points, metric)
    # As in the authors' code, the quantile is over the whole matrix, including its diagonal.
    unit = np.quantile(distances, QUANTILE)
    if unit == 0:
        raise ValueError(f"{name} has 9 in 10 distances equal to 0; expected different points. Drop duplicates.")
    return distances / unit


def _barcode(
    own: Float[np.ndarray, "points points"], other: Float[np.ndarray, "points points"]
) -> Float[np.ndarray, "bars 2"]:
    # Once one point is within this distance of all others in its own cloud, both clouds are filled in.
    end = own.max(axis=1).min()
    # Two copies of each point: all first copies coincide, second copies have the smaller distance. Only distances from
    # first copies to later second copies are needed: in degree 1 those to earlier ones follow from the triangles with
    # the earlier point's two copies.
    onwards = np.where(np.tri(len(own), dtype=bool), own, 2 * own.max())
    doubled = np.block([[np.zeros_like(own), onwards.T], [onwards, np.minimum(own, other)]])
    return persistent_homology(doubled, metric="precomputed", threshold=float(end))[1]
