"""Means over the tokens of each text are the same in both layouts."""

import pytest
import torch

from topores.forward.by_text import Texts, masks_of
from topores.forward.layout import Block


def test_a_mean_is_over_the_tokens_of_each_text() -> None:
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 3, 4, generator=draw)
    texts = Texts.of(masks_of(hidden, None, torch.tensor([[1, 1, 1], [1, 0, 0]])))
    means = texts.mean(hidden)
    assert torch.allclose(means, torch.stack([hidden[0].mean(dim=0), hidden[1, 0]]), atol=1e-6)
    assert torch.equal(texts.spread(means, hidden)[1], means[1].expand(3, 4))
    blocks = [Block(1, 3, None), Block(1, 3, torch.tensor([[True, False, False]]))]
    packed = Texts.of(masks_of(hidden.view(1, 6, 4), blocks, None))
    assert torch.allclose(packed.mean(hidden.view(1, 6, 4)), means, atol=1e-6)


def test_without_a_mask_nobody_knows_where_texts_end() -> None:
    with pytest.raises(ValueError, match="attention_mask"):
        masks_of(torch.zeros(1, 2, 3), None, None)
