"""Procrustes: how much of a change between two clouds is rotation and scale, and the residual."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.topology.factors import svd
from topores.topology.points import Numbers, as_matched_points, centre_rows, same_columns

UNIT = "share of the size of b (residual), factor (scale), radians (angle)"
SOURCE = "Gower and Dijksterhuis 2004, Procrustes Problems, chapter 4; Schoenemann 1966, A generalized solution"


class Procrustes(NamedTuple):
    """b is near scale * a @ rotation, both centred."""

    rotation: Float[np.ndarray, "dim dim"]
    """Orthogonal matrix, possibly a reflection. In directions the points do not determine, nearest to the identity."""
    scale: float
    """0 or more."""
    residual: float
    """Frobenius norm of the residual as a share of the norm of b: 0 (rotation and scale explain all) to 1."""
    angle: float
    """The largest angle by which the rotation turns a direction that the points determine, 0 to pi radians."""


def procrustes(a: Numbers, b: Numbers) -> Procrustes:
    """The rotation and scale that bring `a` nearest to `b`: min ||b - scale * a @ rotation|| after centring.

    If the points span the space, `angle` is the largest argument of the rotation's eigenvalues. If they do not (fewer
    points than columns), only the directions they span are considered, since the others are arbitrary. Directions with
    almost no variance count like all others.

    Args:
        a: One row per point.
        b: The same points, row by row, after the movement, with equally many columns.

    Raises:
        ValueError: Unusable points, different shapes, or a cloud whose rows are all equal.
    """
    rows_a, rows_b = as_matched_points(a, b)
    same_columns(rows_a, rows_b)
    centred_a, centred_b = centre_rows(rows_a, "a"), centre_rows(rows_b, "b")
    left, sizes, right = svd(centred_a.T @ centred_b)
    rank = int((sizes > sizes[0] * max(centred_a.shape) * np.finfo(float).eps).sum())
    rotation = left[:, :rank] @ right[:rank] + _least_turn(left[:, rank:], right[rank:])
    scale = sizes.sum() / np.square(centred_a).sum()
    rest = float(np.linalg.norm(centred_b - scale * centred_a @ rotation) / np.linalg.norm(centred_b))
    return Procrustes(rotation, float(scale), min(rest, 1.0), _largest_angle(left[:, :rank], right[:rank].T))


def _least_turn(
    left: Float[np.ndarray, "dim free"], right: Float[np.ndarray, "free dim"]
) -> Float[np.ndarray, "dim dim"]:
    """The rotation nearest to the identity, in the directions that the points do not determine."""
    inner, _, outer = svd(left.T @ right.T)
    return left @ inner @ outer @ right


def _largest_angle(before: Float[np.ndarray, "dim rank"], after: Float[np.ndarray, "dim rank"]) -> float:
    # Unit directions move by at most the spectral norm; a chord keeps digits that a cosine would lose.
    chord = float(np.linalg.norm(before - after, ord=2))
    return float(2 * np.arcsin(min(chord / 2, 1.0)))
