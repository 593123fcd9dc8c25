"""Where each token of a batch is in one flat row: blocks of texts of similar length, one after the other."""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from topores.forward.groups import length_groups

OVERHEAD = {"cpu": 2, "cuda": 2048}
"""Cost of one more block by device, in tokens that the linear layers process in the time of its attention calls."""


class Block(NamedTuple):
    """Texts of similar length within the flat layout."""

    texts: int
    tokens: int
    mask: Tensor | None
    """Padding mask (texts, tokens), True where a token is real; None if there is no padding."""


class Layout(NamedTuple):
    """A batch in the flat layout; each text is padded at its end."""

    blocks: tuple[Block, ...]
    rows: tuple[Int[Tensor, " texts"], ...]
    """For each block, the indices of its texts in the batch."""

    @property
    def sizes(self) -> list[int]:
        """Tokens of each block, including padding."""
        return [block.texts * block.tokens for block in self.blocks]

    @property
    def places(self) -> Int[Tensor, " texts"]:
        """Position of each text of the batch in the order of the layout."""
        order = torch.cat(self.rows)
        places = torch.empty_like(order)
        places[order] = torch.arange(len(order), device=order.device)
        return places


def lay_out(lengths: Int[Tensor, " texts"], overhead: int | None = None) -> Layout:
    """The layout of a batch whose texts have `lengths` tokens.

    Args:
        overhead: Cost of one more block, in tokens; by default OVERHEAD of the device of `lengths`.
    """
    device = lengths.device
    if overhead is None:
        overhead = OVERHEAD.get(device.type, OVERHEAD["cuda"])
    groups = length_groups(lengths.cpu().numpy(), overhead=overhead)
    rows = tuple(torch.from_numpy(group.texts).to(device) for group in groups)
    blocks = []
    for group, texts in zip(groups, rows, strict=True):
        real = torch.arange(group.tokens, device=device) < lengths[texts][:, None]
        padded = int(lengths[texts[0]]) < group.tokens
        blocks.append(Block(len(texts), group.tokens, real if padded else None))
    return Layout(tuple(blocks), rows)
