"""The views of a batch, embedded in pieces and over processes, with the gradient of one pass.

A contrastive loss needs all rows of a batch at once, but not all their activations. So the rows are computed first,
without a graph; the loss gives the gradient of each row; then each piece is embedded again, under the same dropout,
and passes its rows' gradient on (GradCache: Gao et al. 2021, https://arxiv.org/abs/2101.06983). Processes differ from
pieces only in where they run: each embeds its share, all compute the loss of all rows, and the gradients of the
weights are summed. So no batch, loss or objective needs to know of either.
"""

from collections.abc import Callable, Sequence
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


class Piece(NamedTuple):
    """Texts that are embedded at once."""

    texts: list[str]
    sides: list[Side] | None
    places: list[int]
    """Where they stand among all of the call."""
    seed: int
    """Of their dropout."""


@dataclass
class Pass:
    """One call: what is needed to send the gradient of its rows back into the encoder."""

    rows: Tensor
    """All rows of the call; a leaf, so that the loss leaves its gradient here."""
    pieces: list[Piece]
    """This process's."""
    embedded: list[Tensor]
    """The rows of the pieces, with their graph, where it was kept."""


class Views:
    """An encoder that objectives call; `backward` takes the place of `loss.backward()`.

    Args:
        encoder: Texts to unit rows.
        accelerator: Knows the processes.
        piece_size: Texts whose activations are in memory at once; None for all.
        seed_of: Seed of torch's generator for a piece, by its number in the step; nothing else decides dropout.
    """

    def __init__(
        self, encoder: Encoder, accelerator: Accelerator, piece_size: int | None, seed_of: Callable[[int], int]
    ) -> None:
        self.encoder, self.accelerator, self.piece_size, self.seed_of = encoder, accelerator, piece_size, seed_of
        self.passes: list[Pass] = []
        self.pieces_so_far = 0

    def __call__(self, texts: Sequence[str], sides: Sequence[Side] | None = None) -> Float[Tensor, "texts dim"]:
        """Unit rows of all texts, in their order, on every process."""
        pieces = self._pieces(texts, sides)
        self.pieces_so_far += len(pieces)
        # One piece keeps its graph: to embed it a second time would be for nothing.
        keeps_graph = len(pieces) == 1 and torch.is_grad_enabled()
        with torch.set_grad_enabled(keeps_graph):
            embedded = [self._embed(piece) for piece in pieces]
        if len(pieces) == 1 and self.accelerator.num_processes == 1:
            return embedded[0]
        places = [place for piece in pieces for place in piece.places]
        rows = _gathered(torch.cat(embedded).detach(), places, len(texts), self.accelerator)
        if torch.is_grad_enabled():
            rows.requires_grad_()
            self.passes.append(Pass(rows, pieces, embedded if keeps_graph else []))
        return rows

    def backward(self, loss: Float[Tensor, ""]) -> None:
        """Gradients of the loss in the weights of the encoder, summed over processes."""
        loss.backward()
        for done in self.passes:
            assert done.rows.grad is not None  # the objective used the rows that it asked for
            for number, piece in enumerate(done.pieces):
                rows = done.embedded[number] if done.embedded else self._embed(piece)
                rows.backward(done.rows.grad[piece.places])
        self.passes.clear()
        if self.accelerator.num_processes > 1:
            _sum_gradients(self.encoder, self.accelerator)

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

    def _embed(self, piece: Piece) -> Float[Tensor, "texts dim"]:
        torch.manual_seed(piece.seed)
        return self.encoder(piece.texts, piece.sides)


def shared_encode(
    encoder: Encoder, texts: Sequence[str], sides: Sequence[Side], accelerator: Accelerator
) -> Float[np.ndarray, "texts dim"]:
    """`encoder.encode`, each process doing its share; all get all rows."""
    if accelerator.num_processes == 1:
        return encoder.encode(texts, sides)
    places = list(range(accelerator.process_index, len(texts), accelerator.num_processes))
    own = torch.from_numpy(encoder.encode([texts[i] for i in places], [sides[i] for i in places]))
    return _gathered(own.to(accelerator.device), places, len(texts), accelerator).cpu().numpy()


def _gathered(rows: Tensor, places: list[int], count: int, accelerator: Accelerator) -> Tensor:
    """All processes' rows in their places: a sum, since every place is filled by one of them."""
    whole = rows.new_zeros(count, rows.shape[1])
    whole[places] = rows
    return accelerator.reduce(whole, reduction="sum") if accelerator.num_processes > 1 else whole


def _sum_gradients(encoder: nn.Module, accelerator: Accelerator) -> None:
    """Each process holds the gradient that came through its own rows; the sum is that of the loss."""
    gradients = [p.grad for p in encoder.parameters() if p.requires_grad and p.grad is not None]
    flat = accelerator.reduce(torch.cat([g.flatten() for g in gradients]), reduction="sum")
    for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))
