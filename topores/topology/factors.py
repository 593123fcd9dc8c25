"""Singular values that are found whatever the matrix."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import svd as scipy_svd

Matrix = Float[np.ndarray, "_ _"]


def svd(matrix: Matrix, *, full_matrices: bool = True) -> tuple[Matrix, Float[np.ndarray, " _"], Matrix]:
    """`numpy.linalg.svd`; where its divide and conquer does not converge, by the slower QR iteration that does.

    Products of two clouds with fewer points than columns are of low rank, and a few of these are met in a long
    analysis for which LAPACK's gesdd gives up.
    """
    try:
        left, sizes, right = np.linalg.svd(matrix, full_matrices=full_matrices)
    except np.linalg.LinAlgError:
        left, sizes, right = scipy_svd(matrix, full_matrices=full_matrices, lapack_driver="gesvd")
    return left, sizes, right


def singular_values(matrix: Matrix) -> Float[np.ndarray, " _"]:
    """The singular values alone, the largest first, as `svd`."""
    try:
        return np.linalg.svd(matrix, compute_uv=False)
    except np.linalg.LinAlgError:
        return np.asarray(scipy_svd(matrix, compute_uv=False, lapack_driver="gesvd"))
