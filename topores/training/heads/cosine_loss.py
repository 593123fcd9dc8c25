"""The four-pairing loss as a function of a Gram matrix, and its derivative."""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from topores.config import LOSSES
from topores.domain import PAIRINGS
from topores.errors import did_you_mean
from topores.training.heads import kernels, pulls
from topores.training.heads.task import Task

Matrix = Float[np.ndarray, "_ _"]


class Losses(NamedTuple):
    """`PairingLosses` of `four_pairings` as Python numbers."""

    total: float
    by_pairing: dict[str, float]
    one_minus_p: float


class CosineLoss:
    """`four_pairings` of a Gram matrix instead of rows. Memory is allocated once and reused by every call.

    Two (rows, rows) matrices are kept: `gram`, which the caller fills before each call, and `slopes`.

    Args:
        task: Anchors, positives and negatives.
        loss: As in `four_pairings`.
        dtype: 'float32' or 'float64'.

    Raises:
        ValueError: An unknown loss.
    """

    def __init__(self, task: Task, loss: str, dtype: str) -> None:
        self.task, self.kind = task, np.dtype(dtype).type
        self._kernels, self._pulls = kernels.compiled(dtype), pulls.compiled()
        if loss not in LOSSES:
            raise ValueError(f"loss is {loss!r}. {did_you_mean(loss, LOSSES)}")
        self._loss = LOSSES.index(loss)
        rows = task.rows
        # From torch, which aligns them: products may take another way where memory begins elsewhere.
        self.gram, self.slopes = (torch.zeros(rows, rows, dtype=getattr(torch, dtype)) for _ in range(2))
        self._gram, self._slopes = self.gram.numpy(), self.slopes.numpy()
        self._sums, self._by_sum, self._along = (np.zeros(rows, dtype) for _ in range(3))
        self._of_pairs = np.zeros(len(task.pairs.column), dtype)
        self._losses, self._by_sum64, self._by_pair = np.zeros(5), np.zeros(rows), np.zeros(len(self._of_pairs))
        self._indices = [_as_unsigned(entries) for entries in (*task.reweighted, *task.pairs)]
        self._weights = task.negative_weight.astype(dtype)
        self._finds = (*(_as_unsigned(numbers) for numbers in task.finds[:4]), *task.finds[4:])
        self._nowhere, self._no_base = np.zeros(0, np.uint64), np.zeros((0, 0), dtype)

    def __call__(
        self,
        squares: Float[np.ndarray, " rows"],
        temperature: float,
        base: Matrix | None = None,
        places: Int[np.ndarray, " rows"] | None = None,
    ) -> tuple[Losses, float] | None:
        """The losses, and the derivative of the total with respect to the logarithm of the temperature.

        Afterwards `slopes` holds U, the upper triangle with half of the diagonal, such that U + U^T is the derivative
        of the total with respect to the Gram matrix; `gram` holds cosines. Nothing below the diagonal is read or
        written.

        Args:
            squares: Squared lengths of the rows: the Gram matrix's diagonal.
            temperature: Divides the cosine.
            base, places: base[places[i], places[j]] is added to gram[i, j].

        Returns:
            None if the temperature is so low that the negatives of some row underflow in this precision; `slopes` is
            then invalid.
        """
        task, shift = self.task, _shift(temperature, self.kind)
        inverse = (1 / np.sqrt(np.maximum(squares, np.finfo(self.kind).tiny))).astype(self.kind)
        sharpness, added = 1 / temperature, self._no_base if base is None else base
        self._kernels.weigh(
            self._gram, added, self._nowhere if places is None else _as_unsigned(places),
            inverse, self._slopes, self._sums, self._of_pairs, self.kind(sharpness), self.kind(shift), *self._indices,
            self._weights,
        )  # fmt: skip
        least = 2.0 ** -_ROOM[self.kind]
        if not np.all(self._sums[task.has_negatives] >= least):
            return None
        self._pulls(
            self._loss, *self._finds, self._of_pairs.astype(np.float64), self._sums.astype(np.float64), sharpness,
            float(shift), self._losses, self._by_sum64, self._by_pair,
        )  # fmt: skip
        np.multiply(self._by_sum64, sharpness, out=self._by_sum, casting="same_kind")
        by_pair = (self._by_pair * sharpness).astype(self.kind)
        self._kernels.slopes(self._slopes, self._gram, inverse, self._by_sum, by_pair, self._along, *self._indices[2:])
        by_log_temperature = -0.5 * float(self._along.sum(dtype=np.float64))
        return self._as_losses(), by_log_temperature

    def _as_losses(self) -> Losses:
        parts = dict(zip(PAIRINGS, self._losses[:4].tolist(), strict=True))
        return Losses(float(self.task.pairing_weights @ self._losses[:4]) / 2, parts, float(self._losses[4]))


_ROOM: dict[type, int] = {np.float32: 80, np.float64: 800}
"""Largest exponent of two that sums over negatives may have, up or down; products of two then still fit the type."""


def _shift(temperature: float, kind: type) -> int:
    """Exponent of the power of two that keeps the largest exponential in range; 0 except at low temperatures."""
    return min(0, _ROOM[kind] - math.ceil(math.log2(math.e) / temperature))


def _as_unsigned(numbers: Int[np.ndarray, " numbers"]) -> np.ndarray:
    """The indices as unsigned: numba checks at every access whether a signed index counts from the end."""
    return np.ascontiguousarray(numbers, dtype=np.uint64)
