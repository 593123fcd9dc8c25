"""Validation of points and numbers from callers: converted to float64, or rejected with a one-line error."""

from collections.abc import Sequence
from typing import Any, Protocol, SupportsFloat, SupportsIndex, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.sparse import issparse


@runtime_checkable
class SparseMatrix(Protocol):
    """SciPy's sparse matrices and arrays."""

    def tocoo(self) -> Any: ...


Numbers = ArrayLike | Sequence[Any] | SupportsFloat | SparseMatrix
"""Anything np.asarray reads as real numbers: arrays, lists, tuples, a number. Docstrings give the shapes, and say where
a sparse matrix is taken."""

WholeNumber = SupportsIndex | SupportsFloat | None
"""What callers pass as a whole number: 2, 2.0, a NumPy number. None is refused by name, like 2.5."""

RealNumber = SupportsFloat | None
"""What callers pass as a number; None is refused by name."""


def as_whole(value: WholeNumber, name: str) -> int:
    """`value` as an int.

    Raises:
        ValueError: Not a whole number.
    """
    try:
        number = value.__index__() if isinstance(value, SupportsIndex) else float(value)  # type: ignore[arg-type]
        if number == int(number):
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"{name} is {value!r}; expected a whole number. Pass an int such as 1.")


def as_real(value: RealNumber, name: str) -> float:
    """`value` as a float.

    Raises:
        ValueError: Not a number.
    """
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {value!r}; expected a number. Pass a float such as 1.0.") from error


def as_points(points: Numbers, name: str = "points") -> Float[np.ndarray, "points dim"]:
    """`points` as finite float64 rows.

    Raises:
        ValueError: Not two-dimensional, empty, not numbers, NaN or infinite.
    """
    rows = as_numbers(points, name)
    if rows.ndim != 2:
        raise ValueError(f"{name} has shape {rows.shape}; expected (points, dim). Pass one row per point.")
    if not rows.size:
        raise ValueError(f"{name} has shape {rows.shape}; expected at least one row and one column. Pass some points.")
    # A fast first check: the sum is finite unless an entry is not, or the sum overflows.
    if not np.isfinite(rows.sum()) and not np.isfinite(rows).all():
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        raise ValueError(
            f"{name} has NaN or infinity in {len(bad)} of {len(rows)} rows, first in row {bad[0]}; "
            "expected finite numbers. Remove or repair those rows."
        )
    return rows


def as_numbers(values: Numbers, name: str) -> Float[np.ndarray, "..."]:
    """`values` as float64.

    Raises:
        ValueError: Ragged, text or complex values.
    """
    if issparse(values):
        raise ValueError(f"{name} is a sparse matrix; expected a dense one. Pass matrix.toarray().")
    try:
        numbers = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is not an array ({error}). Pass rows of equal length.") from error
    if numbers.dtype.kind not in "biuf":
        raise ValueError(f"{name} has values of type {numbers.dtype}; expected real numbers. Convert them first.")
    return numbers.astype(np.float64)


def as_matched_points(
    a: Numbers, b: Numbers
) -> tuple[Float[np.ndarray, "points dim_a"], Float[np.ndarray, "points dim_b"]]:
    """Two clouds with matched rows.

    Raises:
        ValueError: As `as_points`, or different numbers of rows.
    """
    rows_a, rows_b = as_points(a, "a"), as_points(b, "b")
    if len(rows_a) != len(rows_b):
        raise ValueError(
            f"a has {len(rows_a)} rows and b has {len(rows_b)}; expected matched rows. "
            "Pass the same points in the same order."
        )
    return rows_a, rows_b


def same_columns(a: Float[np.ndarray, "points_a dim_a"], b: Float[np.ndarray, "points_b dim_b"]) -> None:
    """Check that two clouds lie in one space.

    Raises:
        ValueError: Different numbers of columns.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"a has {a.shape[1]} columns and b has {b.shape[1]}; expected equal numbers. Pass clouds of one space."
        )


def unit_rows(points: Numbers) -> Float[np.ndarray, "points dim"]:
    """Rows divided by their length.

    Raises:
        ValueError: A row of zeros.
    """
    rows = as_points(points)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError(
            f"points has a row of zeros (row {np.flatnonzero(largest == 0)[0]}), which has no direction. "
            "Remove it, or use metric='euclidean'."
        )
    # Scaling by a power of two is exact, and keeps squares of huge and tiny coordinates representable.
    rows = np.ldexp(rows, -np.frexp(largest)[1])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def centre_rows(points: Float[np.ndarray, "points dim"], name: str) -> Float[np.ndarray, "points dim"]:
    """Rows minus their mean.

    Raises:
        ValueError: All rows are equal.
    """
    if (points == points[0]).all():
        raise ValueError(f"All {len(points)} rows of {name} are equal; expected different points. Drop the copies.")
    return points - points.mean(axis=0)


def scale_by_power_of_two(points: Float[np.ndarray, "points dim"]) -> tuple[Float[np.ndarray, "points dim"], int]:
    """Points divided by a power of two near their size, and its exponent: exact, and squares stay in range."""
    exponent = int(np.frexp(np.abs(points).max())[1])
    return np.ldexp(points, -exponent), exponent
