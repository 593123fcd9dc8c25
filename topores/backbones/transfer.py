"""Attention transfer: recurrent layers are fitted to the softmax attention that they replace, on passages alone.

Each layer gets the hidden states that it would get if all layers still had softmax attention, and learns to give what
softmax attention gives for them. Only what the base model does not have is fitted; no pair and no label is seen.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from topores.backbones.encoder import Encoder
from topores.domain import Side
from topores.forward.layout import Block
from topores.modules.recurrent import recurrent_layers
from topores.modules.recurrent_attention import RecurrentAttention, as_blocks

BATCH = 4
"""Passages of a step, of similar length. Twice the steps on half as many passages end closer, at equal cost."""
LEARNING_RATE = 5e-2
"""Of Adam, at the first step; it falls to 0 in a straight line."""


def fit_to_softmax(
    encoder: Encoder, texts: Sequence[str], sides: Sequence[Side], *, steps: int, seed: int
) -> list[float]:
    """Fit the recurrent layers of `encoder`, whose other weights are those of the base model, in place.

    The loss of a layer is its squared error as a share of the variance of what softmax attention gives.

    Args:
        texts: Passages to fit on.
        sides: One for each text.
        steps: Steps of Adam.
        seed: Decides which passages a step sees.

    Returns:
        The loss of each step, mean over layers.

    Source:
        Zhang et al. 2024, section 4, https://arxiv.org/abs/2402.04347; the error of outputs in place of the
        cross-entropy of weights: Zhang et al. 2024, section 3, https://arxiv.org/abs/2410.10254.
    """
    fitted = recurrent_parameters(encoder)
    optimizer = torch.optim.Adam(fitted, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    was_training, seen = encoder.training, []
    encoder.eval()
    with only_trained(encoder, fitted):
        for batch in batches_of_similar_length(texts, steps, seed):
            with softmax_attention(encoder) as errors:
                encoder.embed_texts([texts[i] for i in batch], [sides[i] for i in batch])
            loss = torch.stack(errors).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            seen.append(float(loss.detach()))
    optimizer.zero_grad()
    encoder.train(was_training)
    return seen


def recurrent_parameters(encoder: Encoder) -> list[nn.Parameter]:
    """What the base model does not have."""
    return [parameter for layer in recurrent_layers(encoder) for parameter in layer.recurrent_parameters()]


@torch.inference_mode()
def cosine_to_softmax(encoder: Encoder, texts: Sequence[str], sides: Sequence[Side]) -> float:
    """Mean cosine of the rows of `encoder` to its rows if its layers had softmax attention on the same weights."""
    rows = encoder.encode(texts, sides)
    with softmax_attention(encoder):
        expected = encoder.encode(texts, sides)
    return float((rows * expected).sum(axis=1).mean())


@contextmanager
def softmax_attention(encoder: Encoder) -> Iterator[list[Float[Tensor, ""]]]:
    """Within the context the recurrent layers of `encoder` give what softmax attention would.

    Yields:
        A list that gets the error of each layer as it runs, with gradient.
    """
    errors: list[Float[Tensor, ""]] = []
    hooks = [
        layer.register_forward_hook(partial(_replace_output, errors), with_kwargs=True)
        for layer in recurrent_layers(encoder)
    ]
    try:
        yield errors
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


def batches_of_similar_length(texts: Sequence[str], count: int, seed: int) -> Iterator[list[int]]:
    """Indices of BATCH texts that are neighbours by length, `count` times."""
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    draw = np.random.default_rng(seed)
    for begin in draw.integers(max(1, len(order) - BATCH + 1), size=count):
        yield order[begin : begin + BATCH]


def _replace_output(
    errors: list[Float[Tensor, ""]], layer: RecurrentAttention, given: tuple[Any, ...], named: dict[str, Any],
    output: tuple[Tensor, None],
) -> tuple[Tensor, None]:  # fmt: skip
    """A forward hook on a recurrent layer."""
    hidden: Tensor = given[0]
    blocks: Sequence[Block] = named.get("blocks") or as_blocks(hidden, named.get("attention_mask"))
    expected = layer.softmax_output(hidden, blocks)
    real = torch.cat([_real(block, hidden.device) for block in blocks])
    apart = (output[0] - expected).flatten(0, 1)[real]
    errors.append(apart.square().mean() / expected.flatten(0, 1)[real].var())
    return expected, None


def _real(block: Block, device: torch.device) -> Tensor:
    """Whether each token of a block is real, in one column."""
    if block.mask is not None:
        return block.mask.flatten()
    return torch.ones(block.texts * block.tokens, dtype=torch.bool, device=device)
