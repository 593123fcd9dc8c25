"""Which text each token of a batch belongs to, in the packed and in the padded layout."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from topores.forward.layout import Block


class Texts(NamedTuple):
    """Which text each place of a batch belongs to, in the packed or the padded layout."""

    number: Int[Tensor, " places"]
    real: Float[Tensor, "places 1"]
    """1 where there is a token, 0 for padding."""
    tokens: Float[Tensor, "texts 1"]
    """How many tokens each text has."""

    @classmethod
    def of(cls, masks: Sequence[Tensor]) -> "Texts":
        """The texts of blocks, whose masks (texts, tokens) are True where a token is real."""
        counts = [len(mask) for mask in masks]
        first = [sum(counts[:place]) for place in range(len(masks))]
        numbers = [
            torch.arange(begin, begin + len(mask), device=mask.device).repeat_interleave(mask.shape[1])
            for begin, mask in zip(first, masks, strict=True)
        ]
        real = torch.cat([mask.flatten() for mask in masks]).float()[:, None]
        number = torch.cat(numbers)
        return cls(number, real, real.new_zeros(sum(counts), 1).index_add(0, number, real))

    def mean(self, hidden: Float[Tensor, "rows columns dim"]) -> Float[Tensor, "texts dim"]:
        """Mean over the tokens of each text."""
        flat = hidden.flatten(0, 1).float() * self.real
        return flat.new_zeros(len(self.tokens), flat.shape[1]).index_add(0, self.number, flat) / self.tokens

    def spread(
        self, rows: Float[Tensor, "texts dim"], like: Float[Tensor, "rows columns dim"]
    ) -> Float[Tensor, "rows columns dim"]:
        """The row of each text at each of its places."""
        return rows[self.number].view_as(like).to(like.dtype)


def masks_of(hidden: Tensor, blocks: Sequence[Block] | None, real: Tensor | None) -> list[Bool[Tensor, "texts tokens"]]:
    """Which places hold tokens, by block in the packed layout and of the whole batch in the padded one."""
    if blocks is None:
        if real is None:
            raise ValueError("feedback needs an attention_mask, which these features lack")
        return [real.bool()]
    ones = [hidden.new_ones(block.texts, block.tokens, dtype=torch.bool) for block in blocks]
    return [all_ if block.mask is None else block.mask for block, all_ in zip(blocks, ones, strict=True)]
