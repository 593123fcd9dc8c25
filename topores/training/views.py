"""The encoder as an objective sees it: texts embedded in pieces and over processes, with the gradient of one pass.

A contrastive loss needs all rows of a batch at once, but not all their activations. So the rows are computed first,
without a graph; the loss gives the gradient of each row; then each piece is embedded again, under the same dropout,
and passes its rows' gradient on (GradCache: Gao et al. 2021, https://arxiv.org/abs/2101.06983). Processes differ from
pieces only in where they run: each embeds its share, all compute the loss of all rows, and the gradients that came
through the pieces are summed over processes. So no batch, loss or objective needs to know of either.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from topores.backbones.encoder import Encoder
from topores.domain import Side
from topores.errors import UsageError
from topores.objectives import _objective
from topores.objectives._objective import PerText

_SEEDED = threading.RLock()
"""Held while dropout is drawn: torch has one generator for all threads, and runs may train side by side.

It may be taken twice, for what an objective measures of a text may embed others.
"""


class Piece(NamedTuple):
    """Texts that are embedded at once."""

    texts: list[str]
    sides: list[Side] | None
    places: list[int]
    """Their positions among all texts of the call."""
    seed: int
    """Seed of their dropout."""


@dataclass
class Pass:
    """One call: what is needed to send the gradient of its rows back into the weights."""

    measure: PerText
    """What computed the rows."""
    rows: Tensor
    """All rows of the call; a leaf, so that the loss leaves its gradient here."""
    pieces: list[Piece]
    """The pieces of this process."""
    computed: list[Tensor]
    """Rows of the pieces with their graph, where it was kept."""


class Views(_objective.Views):
    """An encoder that objectives call; `backward` takes the place of `loss.backward()`.

    Args:
        encoder: Texts to unit rows.
        accelerator: Knows the processes.
        piece_size: Texts whose activations are in memory at once; None for all.
        seed_of: Seed of torch's generator for a piece, by its number in the step; nothing else decides dropout.
        trained: Parameters that are trained; those of the encoder if None. An objective with parameters of its
            own needs them here for `per_text` to be right over several processes.
    """

    def __init__(
        self,
        encoder: Encoder,
        accelerator: Accelerator,
        piece_size: int | None,
        seed_of: Callable[[int], int],
        trained: Sequence[nn.Parameter] | None = None,
    ) -> None:
        self.encoder, self.accelerator, self.piece_size, self.seed_of = encoder, accelerator, piece_size, seed_of
        self._trained = trained
        self.passes: list[Pass] = []
        self.pieces_so_far = 0

    def __call__(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        return self.per_text(self.encoder, texts, sides)

    def per_text(
        self, measure: PerText, texts: Sequence[str], sides: Sequence[Side] | None = None
    ) -> Float[Tensor, "texts numbers"]:
        pieces = self._pieces(texts, sides)
        self.pieces_so_far += len(pieces)
        # One piece keeps its graph: to compute it a second time would be for nothing.
        keeps_graph = len(pieces) == 1 and torch.is_grad_enabled()
        with torch.set_grad_enabled(keeps_graph):
            computed = [_compute(measure, piece) for piece in pieces]
        if len(pieces) == 1 and self.accelerator.num_processes == 1:
            return computed[0]
        rows = self._all_rows(computed, pieces, len(texts))
        if torch.is_grad_enabled():
            rows.requires_grad_()
            self.passes.append(Pass(measure, rows, pieces, computed if keeps_graph else []))
        return rows

    @torch.no_grad()
    def without_gradient(
        self, texts: Sequence[str], sides: Sequence[Side] | None = None, *, dropout: bool = False
    ) -> Float[Tensor, "texts dim"]:
        if dropout:
            return self(texts, sides)
        # No piece is counted: rows without dropout draw nothing, and later masks must not depend on them.
        pieces, was_training = self._pieces(texts, sides), self.encoder.training
        self.encoder.eval()
        computed = [_compute(self.encoder, piece) for piece in pieces]
        self.encoder.train(was_training)
        return self._all_rows(computed, pieces, len(texts))

    def backward(self, loss: Float[Tensor, ""]) -> None:
        """Gradients of the loss in the weights: those of one process that embeds all texts at once."""
        loss.backward()
        if self.passes:
            self._backward_through_pieces()

    def _backward_through_pieces(self) -> None:
        # Gradients that come straight from the loss are complete on every process; those through pieces are its share.
        trained = list(self.encoder.parameters()) if self._trained is None else self._trained
        direct = [(p, p.grad) for p in trained if p.grad is not None]
        for parameter, _ in direct:
            parameter.grad = None
        for done in self.passes:
            if done.rows.grad is None:
                continue  # the loss does not depend on these rows
            for number, piece in enumerate(done.pieces):
                rows = done.computed[number] if done.computed else _compute(done.measure, piece)
                rows.backward(done.rows.grad[piece.places])
        self.passes.clear()
        if self.accelerator.num_processes > 1:
            _sum_gradients(trained, self.accelerator)
        for parameter, gradient in direct:
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def _pieces(self, texts: Sequence[str], sides: Sequence[Side] | None) -> list[Piece]:
        ranks, rank = self.accelerator.num_processes, self.accelerator.process_index
        if ranks == 1 and (self.piece_size is None or len(texts) <= self.piece_size):
            whole = list(range(len(texts)))
            return [Piece(list(texts), None if sides is None else list(sides), whole, self.seed_of(self.pieces_so_far))]
        # By length, so that each piece has little padding and each process as much to do as the others.
        by_length = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
        if len(texts) < ranks:
            raise UsageError(f"{ranks} processes were started for a batch of {len(texts)} views; start fewer.")
        own = by_length[rank::ranks]
        size = self.piece_size or len(own)
        cut = [own[i : i + size] for i in range(0, len(own), size)]
        numbers = range(self.pieces_so_far, self.pieces_so_far + len(cut))
        return [
            Piece(
                [texts[i] for i in where],
                None if sides is None else [sides[i] for i in where],
                where,
                self.seed_of(number),
            )
            for number, where in zip(numbers, cut, strict=True)
        ]

    def _all_rows(self, computed: list[Tensor], pieces: list[Piece], count: int) -> Float[Tensor, "texts numbers"]:
        places = [place for piece in pieces for place in piece.places]
        return _gather(torch.cat(computed).detach(), places, count, self.accelerator)


def _compute(measure: PerText, piece: Piece) -> Float[Tensor, "texts numbers"]:
    with _SEEDED:
        torch.manual_seed(piece.seed)
        return measure(piece.texts, piece.sides)


def shared_encode(
    encoder: Encoder, texts: Sequence[str], sides: Sequence[Side], accelerator: Accelerator
) -> Float[np.ndarray, "texts dim"]:
    """`encoder.encode`, each process doing its share; all get all rows."""
    if accelerator.num_processes == 1:
        return encoder.encode(texts, sides)
    places = list(range(accelerator.process_index, len(texts), accelerator.num_processes))
    own = torch.from_numpy(encoder.encode([texts[i] for i in places], [sides[i] for i in places]))
    return _gather(own.to(accelerator.device), places, len(texts), accelerator).cpu().numpy()


def _gather(rows: Tensor, places: list[int], count: int, accelerator: Accelerator) -> Tensor:
    """All processes' rows in their places: a sum, since every place is filled by one of them."""
    whole = rows.new_zeros(count, rows.shape[1])
    whole[places] = rows
    return accelerator.reduce(whole, reduction="sum") if accelerator.num_processes > 1 else whole


def _sum_gradients(parameters: Iterable[nn.Parameter], accelerator: Accelerator) -> None:
    """Each process holds the gradient that came through its own rows; the sum is that of the loss."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    flat = accelerator.reduce(torch.cat([g.flatten() for g in gradients]), reduction="sum")
    for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))
