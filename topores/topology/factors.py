"""Singular value decomposition with a fallback for matrices on which LAPACK's default fails."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import svd as scipy_svd

Matrix = Float[np.ndarray, "_ _"]


def svd(matrix: Matrix, *, full_matrices: bool = True) -> tuple[Matrix, Float[np.ndarray, " _"], Matrix]:
    """`numpy.linalg.svd`, or the slower QR iteration if divide and conquer (LAPACK's gesdd) does not converge.

    gesdd fails on a few of the low-rank products of two clouds with fewer points than columns.
    """
    try:
        left, sizes, right = np.linalg.svd(matrix, full_matrices=full_matrices)
    except np.linalg.LinAlgError:
        left, sizes, right = scipy_svd(matrix, full_matrices=full_matrices, lapack_driver="gesvd")
    return left, sizes, right


def singular_values(matrix: Matrix) -> Float[np.ndarray, " _"]:
    """The singular values alone, descending."""
    try:
        return np.linalg.svd(matrix, compute_uv=False)
    except np.linalg.LinAlgError:
        return np.asarray(scipy_svd(matrix, compute_uv=False, lapack_driver="gesvd"))
