"""Where the tokens of a batch lie in one flat row: blocks of texts of like length, one after the other."""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from topores.forward.groups import length_groups

OVERHEAD = {"cpu": 2, "cuda": 2048}
"""Cost of one more block, in tokens: a few calls of attention against what the linear layers do in that time."""


class Block(NamedTuple):
    """Texts of like length within the flat layout."""

    texts: int
    tokens: int
    mask: Tensor | None
    """Which tokens are real (texts, tokens); None if all are."""


class Layout(NamedTuple):
    """A batch in the flat layout; what is padding is at the end of its text."""

    blocks: tuple[Block, ...]
    rows: tuple[Int[Tensor, " texts"], ...]
    """Of each block, which texts of the batch it holds."""

    @property
    def sizes(self) -> list[int]:
        """Of each block, its tokens, padding included."""
        return [block.texts * block.tokens for block in self.blocks]

    @property
    def places(self) -> Int[Tensor, " texts"]:
        """Where each text of the batch stands in the layout's order."""
        order = torch.cat(self.rows)
        places = torch.empty_like(order)
        places[order] = torch.arange(len(order), device=order.device)
        return places


def lay_out(lengths: Int[Tensor, " texts"], overhead: int | None = None) -> Layout:
    """The blocks of a batch whose texts have `lengths` tokens.

    Args:
        overhead: Cost of one more block, in tokens; that of the device of `lengths` if not given.
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
