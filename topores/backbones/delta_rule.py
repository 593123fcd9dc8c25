"""A delta-rule memory: one cycle of writes is an affine map of its state, so any number of cycles is a power of it."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FORGOTTEN = 1e-40
"""A power of A with no larger entry adds nothing to a state in float64; higher ones are left out."""


class Write(NamedTuple):
    """One association: what is asked, what is to be answered, and how far the answer moves towards it."""

    key: int
    """Index of its row."""
    value: int
    """Index of its row."""
    rate: float
    """b; with rows of unit length, 1 makes this answer exact and 0 leaves it."""


class AffineMap(NamedTuple):
    """S -> A S + B."""

    matrix: Float[np.ndarray, "rank rank"]
    shift: Float[np.ndarray, "rank rank"]

    def __call__(self, state: Float[np.ndarray, "rank rank"]) -> Float[np.ndarray, "rank rank"]:
        return self.matrix @ state + self.shift

    @property
    def twice(self) -> "AffineMap":
        """The map applied two times: S -> A (A S + B) + B."""
        return AffineMap(self.matrix @ self.matrix, self(self.shift))


class DeltaMemory:
    """The state of a memory after any number of equal cycles of writes, in float64.

    A write is S <- S + b k (v - S^T k)^T: what the memory answers to k, S^T k, moves towards v. A cycle is all writes
    in their order, after the state was multiplied by `retention`. It is affine in S, so cycle n is found by repeated
    squaring, in 2 log2(n) products of matrices. Rounding grows at most in proportion to n until the state no longer
    changes.

    All writes lie in the span of the rows, where the map is kept: its A is a contraction there if 0 < b < 2 and rows
    have unit length. Outside, S stays 0. Directions in which the rows hold nothing but the rounding of float32 are left
    out: a billion cycles would learn that rounding by heart.

    Source:
        Widrow and Hoff 1960 (the delta rule); Schlag et al. 2021, eq. 24, https://arxiv.org/abs/2102.11174.

    Args:
        rows: What keys and values are taken from; of unit length.
        writes: Those of one cycle, in order.
        retention: What is left of the state from one cycle to the next, above 0 and at most 1.
    """

    def __init__(self, rows: Float[np.ndarray, "rows dim"], writes: Sequence[Write], *, retention: float = 1.0) -> None:
        self.basis = _basis(rows)
        self._rows = rows @ self.basis
        self._ladder = [_cycle(self._rows, writes, retention)]

    @property
    def cycle(self) -> AffineMap:
        """What one cycle does to the state, in coordinates of `basis`."""
        return self._ladder[0]

    @cached_property
    def radius(self) -> float:
        """Spectral radius of A in the span of the rows: by what one cycle multiplies what is left to change."""
        values = np.linalg.eigvals(self.cycle.matrix)
        return float(np.abs(values).max(initial=0.0))

    def state_after(self, cycles: int) -> Float[np.ndarray, "dim dim"]:
        """S after so many cycles from S = 0."""
        state = np.zeros_like(self.cycle.shift)
        for power, used in enumerate(reversed(f"{cycles:b}")):
            # The smaller powers first: maps of one cycle commute, and each is applied whole.
            if used == "1":
                state = self._map_of_doublings(power)(state)
        return self.basis @ state @ self.basis.T

    def _map_of_doublings(self, times: int) -> AffineMap:
        """The map of 2 ** times cycles; the last one that changes anything where that is reached before."""
        while len(self._ladder) <= times and np.abs(self._ladder[-1].matrix).max(initial=0.0) > FORGOTTEN:
            self._ladder.append(self._ladder[-1].twice)
        return self._ladder[min(times, len(self._ladder) - 1)]


def _basis(rows: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, "dim rank"]:
    """Orthonormal columns that span the rows, as far as float32 can tell.

    Source: the tolerance of numpy.linalg.matrix_rank, after Press et al. 2007, Numerical Recipes, section 2.6.
    """
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    rounding = max(rows.shape) * np.finfo(np.float32).eps * sizes.max(initial=0.0)
    return directions[sizes > rounding].T


def _cycle(rows: Float[np.ndarray, "rows rank"], writes: Sequence[Write], retention: float) -> AffineMap:
    matrix, shift = retention * np.eye(rows.shape[1]), np.zeros((rows.shape[1],) * 2)
    for key, value, rate in writes:
        k, v = rows[key], rows[value]
        matrix -= np.outer(rate * k, k @ matrix)
        shift += np.outer(rate * k, v - k @ shift)
    return AffineMap(matrix, shift)
