"""Losses and gradients of a head on cached embeddings, one call per cycle."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from topores.config import PAIRING_WEIGHTS
from topores.domain import PAIRINGS
from topores.training.heads import by_autograd
from topores.training.heads.cosine_loss import CosineLoss, Losses
from topores.training.heads.products import one_thread, symmetric_times, upper_product, upper_times
from topores.training.heads.task import make_task

Array = np.ndarray | Tensor


class LoReFTCycle(NamedTuple):
    """Losses under z = h + R^T (W h + b - R h), and the gradients of their total."""

    losses: Losses
    subspace: Float[Tensor, "rank dim"]
    """With respect to R, to be passed on through the parametrisation that keeps R orthonormal."""
    source: Float[Tensor, "rank dim"]
    """With respect to W."""
    bias: Float[Tensor, " rank"]
    """With respect to b."""
    log_temperature: float


class LinearCycle(NamedTuple):
    """Losses under z = M h, and the gradients of their total."""

    losses: Losses
    matrix: Float[Tensor, "dim dim"]
    """With respect to M."""
    log_temperature: float


class HeadObjective:
    """`four_pairings` of two views of every passage under a head, with its gradients, without an autograd graph.

    The rows of a cycle are t1, t1_again, t2, t2_again, scaled to unit length after the head. What does not change
    between cycles is computed here once: which rows are negatives of each other and, if memory allows, the inner
    products of all rows of the bank. LoReFT changes these by a matrix of rank 2r, since with R R^T = I

        z_i . z_j = h_i . h_j - (R h_i) . (R h_j) + (W h_i + b) . (W h_j + b).

    Everything runs on the caller's thread, so results are the same to the bit for any number of torch threads on the
    same kind of machine. Whether products are kept may change the last digits.

    Args:
        bank: Embeddings before the head, of each view of each passage, T1's passages first. Computation is in their
            type, float32 or float64.
        alignment, negative_weights, pairing_weights, loss: As in `four_pairings`.
        temperature: Divides the cosine; may be changed between cycles.
        memory: Bytes that the products of the bank may take; `kept_bytes` gives what they need.

    Raises:
        ValueError: The bank does not fit the alignment or is of another type, the loss is unknown, `negative_weights`
            are not symmetric, or `pairing_weights` does not name the four pairings.
    """

    def __init__(
        self,
        bank: Array,
        alignment: Array,
        negative_weights: Array | None = None,
        *,
        temperature: int | float = 0.05,
        pairing_weights: Mapping[str, int | float] = PAIRING_WEIGHTS,
        loss: str = "infonce",
        memory: int | float = 2**30,
    ) -> None:
        self._bank = torch.as_tensor(bank).detach()
        self._alignment = torch.as_tensor(alignment).detach().cpu().double()
        self._negative_weights = None if negative_weights is None else torch.as_tensor(negative_weights)
        self._check(pairing_weights)
        self.temperature = temperature
        self._pairing_weights, self._loss_name = dict(pairing_weights), loss
        counts = None if self._negative_weights is None else self._negative_weights.numpy()
        task = make_task(self._alignment.numpy(), counts, pairing_weights)
        self._loss = CosineLoss(task, loss, str(self._bank.dtype).removeprefix("torch."))
        views, passages, dim = self._bank.shape
        # The views of a passage side by side: a cycle then reads the products of the bank in their order.
        self._rows = self._bank.transpose(0, 1).reshape(passages * views, dim)
        self._hidden = self._bank.new_empty(task.rows, dim)
        self._products: Tensor | None = None
        self._lengths = torch.empty(0)
        if kept_bytes(views, passages, self._bank.element_size()) <= memory:
            with one_thread():
                self._products = self._rows @ self._rows.T
            self._lengths = self._products.diagonal().clone()

    @property
    def keeps_products(self) -> bool:
        """Whether inner products of all rows of the bank are in memory, rather than computed in every cycle."""
        return self._products is not None

    def loreft(self, R: Array, W: Array, b: Array, first: Array, second: Array) -> LoReFTCycle:
        """Losses and gradients of one cycle under LoReFT.

        Args:
            R, W, b: Of shapes (rank, dim), (rank, dim) and (rank,); the rows of R orthonormal.
            first, second: Which view of each passage is its first (t1, t2), and which its second (t1_again, t2_again).

        Raises:
            ValueError: The bank has no such view.
        """
        subspace, source, bias = (torch.as_tensor(weight).detach() for weight in (R, W, b))
        with one_thread():
            places = self._copy_rows(first, second)
            cycle = self._loreft(subspace, source, bias, places)
            if cycle is None:
                losses, gradients = self._by_autograd(by_autograd.loreft, (subspace, source, bias))
                by_R, by_W, by_b, by_log = gradients
                cycle = LoReFTCycle(losses, by_R, by_W, by_b, by_log.item())
        return cycle

    def linear(self, M: Array, first: Array, second: Array) -> LinearCycle:
        """Losses and gradients of one cycle under a linear head without bias; M has shape (dim, dim)."""
        matrix = torch.as_tensor(M).detach()
        with one_thread():
            self._copy_rows(first, second)
            cycle = self._linear(matrix)
            if cycle is None:
                losses, gradients = self._by_autograd(by_autograd.linear, (matrix,))
                cycle = LinearCycle(losses, gradients[0], gradients[1].item())
        return cycle

    def _loreft(self, R: Tensor, W: Tensor, b: Tensor, places: Int[np.ndarray, " rows"]) -> LoReFTCycle | None:
        rank, hidden, loss = len(R), self._hidden, self._loss
        inside = hidden @ torch.cat([W, R]).T
        inside[:, :rank] += b
        signed = torch.cat([inside[:, :rank], -inside[:, rank:]], dim=1)
        squares = (inside * signed).sum(dim=1)
        if self._products is None:
            upper_product(hidden, hidden, loss.gram)
            upper_product(inside, signed, loss.gram, beta=1)
            done = loss((squares + hidden.square().sum(dim=1)).numpy(), self.temperature)
        else:
            upper_product(inside, signed, loss.gram)
            squares += self._lengths[torch.from_numpy(places)]
            done = loss(squares.numpy(), self.temperature, self._products.numpy(), places)
        if done is None:
            return None
        by_inside = torch.empty_like(signed)
        symmetric_times(loss.slopes, signed, by_inside)
        by_maps = by_inside.T @ hidden
        return LoReFTCycle(done[0], by_maps[rank:], by_maps[:rank], by_inside[:, :rank].sum(dim=0), done[1])

    def _linear(self, M: Tensor) -> LinearCycle | None:
        hidden, loss = self._hidden, self._loss
        rows, dim = hidden.shape
        headed = hidden @ M.T
        upper_product(headed, headed, loss.gram)
        done = loss(headed.square().sum(dim=1).numpy(), self.temperature)
        if done is None:
            return None
        out = torch.empty_like(hidden)
        # The gradient is M H^T (U + U^T) H. From the left it takes rows^2 dim more products than 2 rows dim^2; from
        # the right half of these, but another 2 dim^3.
        if rows**2 > 2 * dim**2:
            upper_times(loss.slopes, hidden, out)
            half = hidden.T @ out
            return LinearCycle(done[0], M @ (half + half.T), done[1])
        symmetric_times(loss.slopes, headed, out)
        return LinearCycle(done[0], out.T @ hidden, done[1])

    def _copy_rows(self, first: Array, second: Array) -> Int[np.ndarray, " rows"]:
        """Indices of the cycle's rows in the bank. The rows themselves are copied to `_hidden`."""
        n_1, (views, passages, _) = len(self._alignment), self._bank.shape
        drawn = np.stack([np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)])
        if drawn.min() < 0 or drawn.max() >= views:
            raise ValueError(
                f"views {drawn.min()} to {drawn.max()} were asked for; the bank has views 0 to {views - 1}"
            )
        numbers = np.arange(passages) * views + drawn
        places = np.concatenate([numbers[0][:n_1], numbers[1][:n_1], numbers[0][n_1:], numbers[1][n_1:]])
        torch.index_select(self._rows, 0, torch.from_numpy(places), out=self._hidden)
        return places

    def _by_autograd(self, head: by_autograd.Head, weights: tuple[Tensor, ...]) -> tuple[Losses, list[Tensor]]:
        losses, gradients = by_autograd.losses_and_gradients(
            head, weights, self._hidden, self._alignment, self._negative_weights,
            log_temperature=math.log(self.temperature), pairing_weights=self._pairing_weights, loss=self._loss_name,
        )  # fmt: skip
        by_pairing = {name: part.item() for name, part in losses.by_pairing.items()}
        return Losses(losses.total.item(), by_pairing, losses.one_minus_p.item()), gradients

    def _check(self, pairing_weights: Mapping[str, int | float]) -> None:
        passages = sum(self._alignment.shape)
        if self._bank.ndim != 3 or self._bank.shape[1] != passages:
            raise ValueError(
                f"bank has shape {tuple(self._bank.shape)}, but alignment is of {passages} passages; "
                f"give an array of shape (views, {passages}, dim)"
            )
        if self._bank.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"bank is of {self._bank.dtype}; convert it to float32 or float64")
        weights = self._negative_weights
        if weights is not None and not torch.equal(weights, weights.T):
            raise ValueError("negative_weights must be symmetric: half of the Gram matrix is computed")
        if set(pairing_weights) != set(PAIRINGS):
            raise ValueError(f"pairing_weights names {sorted(pairing_weights)}; give a weight to each of {PAIRINGS}")


def kept_bytes(views: int, passages: int, bytes_each: int = 4) -> int:
    """Memory that the inner products of all rows of a bank need: 10 MB for 4 views of 400 passages in float32."""
    return bytes_each * (views * passages) ** 2
