"""Attention transfer: recurrent layers are fitted to the softmax attention that they replace, on passages alone.

Each layer gets the hidden states that it would get if all layers still had softmax attention, and learns to give what
softmax attention gives for them. Only what the base model does not have is fitted; no pair and no label is seen.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from topores.backbones.encoder import Encoder
from topores.domain import Side
from topores.forward.layout import Block
from topores.modules.recurrent import recurrent_layers
from topores.modules.recurrent_attention import RecurrentAttention, as_blocks

BATCH = 4
"""Passages of a step, of similar length."""
MOST_BATCHES = 48
"""Batches that are drawn to fit on. The base model runs once on each; for MiniLM their states take some 300 MB."""
LEARNING_RATE = 5e-2
"""Learning rate of Adam at the first step; it falls to 0 in a straight line."""


class Lesson(NamedTuple):
    """What one layer is to learn from a batch."""

    layer: RecurrentAttention
    hidden: Float[Tensor, "texts tokens dim"]
    """Hidden states that enter the layer."""
    blocks: Sequence[Block]
    expected: Float[Tensor, "texts tokens dim"]
    """What softmax attention gives for them."""

    def error(self) -> Float[Tensor, ""]:
        """Squared error of the layer over real tokens, as a share of the variance of what is expected."""
        output, _ = self.layer(self.hidden, blocks=self.blocks)
        real = torch.cat([_real(block, self.hidden.device) for block in self.blocks])
        expected = self.expected.flatten(0, 1)[real]
        return (output.flatten(0, 1)[real] - expected).square().mean() / expected.var()


def fit_to_softmax(
    encoder: Encoder, texts: Sequence[str], sides: Sequence[Side], *, steps: int, seed: int
) -> list[float]:
    """Fit the recurrent layers of `encoder`, whose other weights are those of the base model, in place.

    Args:
        texts: Passages to fit on.
        sides: One for each text.
        steps: Steps of Adam.
        seed: Decides which passages are used, and their order.

    Returns:
        The loss of each step, mean over layers.

    Source:
        Zhang et al. 2024, section 4, https://arxiv.org/abs/2402.04347; the error of outputs in place of the
        cross-entropy of weights: Zhang et al. 2024, section 3, https://arxiv.org/abs/2410.10254.
    """
    draw, fitted = np.random.default_rng(seed), recurrent_parameters(encoder)
    batches = batches_of_similar_length(texts, draw)
    lessons = [lessons_of(encoder, [texts[i] for i in batch], [sides[i] for i in batch]) for batch in batches]
    optimizer = torch.optim.Adam(fitted, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    seen = []
    with only_trained(encoder, fitted):
        for number in itertools.islice(_rounds(len(lessons), draw), steps):
            loss = torch.stack([lesson.error() for lesson in lessons[number]]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            seen.append(float(loss.detach()))
    optimizer.zero_grad()
    return seen


def recurrent_parameters(encoder: Encoder) -> list[nn.Parameter]:
    """What the base model does not have."""
    return [parameter for layer in recurrent_layers(encoder) for parameter in layer.recurrent_parameters()]


def cosine_to_softmax(encoder: Encoder, texts: Sequence[str], sides: Sequence[Side]) -> float:
    """Mean cosine of the rows of `encoder` to its rows if its layers had softmax attention on the same weights."""
    rows = encoder.encode(texts, sides)
    with softmax_attention(encoder, []):
        expected = encoder.encode(texts, sides)
    return float((rows * expected).sum(axis=1).mean())


@torch.no_grad()
def lessons_of(encoder: Encoder, texts: Sequence[str], sides: Sequence[Side]) -> list[Lesson]:
    """What each layer is to learn from a batch, without dropout."""
    was_training, lessons = encoder.training, list[Lesson]()
    encoder.eval()
    with softmax_attention(encoder, lessons):
        encoder.embed_texts(texts, sides)
    encoder.train(was_training)
    return lessons


@contextmanager
def softmax_attention(encoder: Encoder, lessons: list[Lesson]) -> Iterator[None]:
    """Within the context the recurrent layers of `encoder` give what softmax attention would.

    Args:
        lessons: Gets one lesson whenever a layer runs.
    """
    hooks = [
        layer.register_forward_hook(partial(_replace_output, lessons), with_kwargs=True)
        for layer in recurrent_layers(encoder)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def only_trained(encoder: Encoder, parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Within the context no other parameter of `encoder` has a gradient."""
    chosen = {id(parameter) for parameter in parameters}
    others = [p for p in encoder.parameters() if p.requires_grad and id(p) not in chosen]
    for parameter in others:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad = True


def batches_of_similar_length(texts: Sequence[str], draw: np.random.Generator) -> list[list[int]]:
    """Indices of texts in batches of neighbours by length; MOST_BATCHES drawn ones if there are more."""
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    return [batches[number] for number in draw.permutation(len(batches))[:MOST_BATCHES]]


def _rounds(count: int, draw: np.random.Generator) -> Iterator[int]:
    """The numbers below `count` in a drawn order, again and again, each round in an order of its own."""
    while True:
        yield from draw.permutation(count).tolist()


def _replace_output(
    lessons: list[Lesson], layer: RecurrentAttention, given: tuple[Any, ...], named: dict[str, Any],
    output: tuple[Tensor, None],
) -> tuple[Tensor, None]:  # fmt: skip
    """A forward hook on a recurrent layer."""
    del output
    hidden: Tensor = given[0]
    blocks: Sequence[Block] = named.get("blocks") or as_blocks(hidden, named.get("attention_mask"))
    lessons.append(Lesson(layer, hidden, blocks, layer.softmax_output(hidden, blocks)))
    return lessons[-1].expected, None


def _real(block: Block, device: torch.device) -> Bool[Tensor, " tokens"]:
    """Whether each token of a block is real, in one column."""
    if block.mask is not None:
        return block.mask.flatten()
    return torch.ones(block.texts * block.tokens, dtype=torch.bool, device=device)
