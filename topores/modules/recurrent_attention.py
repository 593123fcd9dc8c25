"""Recurrent layers in the place of a BERT's self-attention: gated linear attention, and a static decay as in RWKV.

Both keep the base model's projections to queries, keys and values, and read a text from either end. Weights of the two
kinds have names of their own, so a state or checkpoint of one does not load into the other.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid, pad, scaled_dot_product_attention

from topores.forward.layout import Block
from topores.forward.linear_attention import (
    LONGEST,
    hedgehog,
    in_chunks,
    in_parallel,
    own_weight,
    step_by_step,
    weighted_means,
    with_ones,
)  # fmt: skip
from topores.forward.packable import Packable

SHORTEST_HALF_LIFE, LONGEST_HALF_LIFE = 4.0, 512.0
"""Tokens after which the first and the last head of an untrained layer have forgotten half; the others lie between.

Decays that start near 1 stay there: the network would be linear attention in name only.
"""
FASTEST = -5.0
"""Least log decay: exp(-5) of what was read is left after one token. Sums over long texts keep their digits."""
GATE_TEMPERATURE = 16
"""Yang et al. 2024, section 4.4: the gate is sigmoid(x W + b)^(1/16), which starts closer to remembering."""

SHARPNESS = 2.0
"""What the first feature maps multiply by: features of the bare identity are so even that all tokens look alike, and
the transfer ends farther from softmax attention."""

FORMS: dict[str, Callable[..., Tensor]] = {"parallel": in_parallel, "chunked": in_chunks, "stepwise": step_by_step}
"""Ways to compute the same."""

Flat = Float[Tensor, "tokens dim"]


class RecurrentAttention(Packable, nn.Module):
    """Linear attention with decay over both directions, on the queries, keys and values of a BERT layer.

    o_t is the mean of the values v_s under the weights phi(q_t) . phi(k_s) exp(-|c_t - c_s|), with c the running sum of
    log decays and phi the feature map of Hedgehog, whose matrices start as a multiple of the identity.

    Args:
        config: That of a BERT, with the further entry `decay`.
        replaced: The softmax attention in whose place it stands; its projections `query`, `key` and `value` are kept.
    """

    form: str | None = None
    """A key of FORMS; None for the faster one for the length of the texts."""

    def __init__(self, config: Any, replaced: Any) -> None:
        super().__init__()
        width, heads = config.hidden_size, config.num_attention_heads
        self.heads, self.head_dim = heads, width // heads
        self.decays = config.decay != "none"
        self.query, self.key, self.value = replaced.query, replaced.key, replaced.value
        # Not of nn.Linear: transformers would draw the weights of one anew.
        start = torch.eye(self.head_dim) * SHARPNESS * self.head_dim**-0.25
        self.query_maps = nn.Parameter(start.repeat(heads, 1, 1))
        self.key_maps = nn.Parameter(start.repeat(heads, 1, 1))

    def forward(
        self,
        hidden_states: Float[Tensor, "texts tokens dim"],
        attention_mask: Tensor | None = None,
        blocks: Sequence[Block] | None = None,
        **_: Any,
    ) -> tuple[Float[Tensor, "texts tokens dim"], None]:
        """The means of the values, heads side by side.

        Args:
            attention_mask: In the padded layout, what `real_tokens` reads.
            blocks: In the packed layout, where each text lies in the one row of `hidden_states`.
        """
        blocks = blocks or as_blocks(hidden_states, attention_mask)
        flat, sizes = hidden_states.flatten(0, 1), sizes_of(blocks)
        logs = self.log_decay(flat).split(sizes) if self.gated else [None] * len(sizes)
        projected = [
            projection(seen).split(sizes)
            for projection, seen in zip((self.query, self.key, self.value), self.seen_by(flat, blocks), strict=True)
        ]
        mixed = []
        # In bf16 sums over a text would lose their digits.
        with torch.autocast(flat.device.type, enabled=False):
            for block, log, *qkv in zip(blocks, logs, *projected, strict=True):
                q, k, v = (self._in_heads(x.float(), block) for x in qkv)
                mixed.append(_flat(self._mix(q, k, v, self._decay_in(block, log), block)))
        return torch.cat(mixed).view_as(hidden_states).to(projected[0][0].dtype), None

    @torch.no_grad()
    def softmax_output(
        self, hidden_states: Float[Tensor, "texts tokens dim"], blocks: Sequence[Block]
    ) -> Float[Tensor, "texts tokens dim"]:
        """What the attention that was replaced gives for the same hidden states, without gradient."""
        flat, sizes = hidden_states.flatten(0, 1), sizes_of(blocks)
        projected = [projection(flat).split(sizes) for projection in (self.query, self.key, self.value)]
        mixed = []
        for block, *qkv in zip(blocks, *projected, strict=True):
            q, k, v = (self._in_heads(x, block) for x in qkv)
            mask = None if block.mask is None else block.mask[:, None, None, :]
            mixed.append(_flat(scaled_dot_product_attention(q, k, v, attn_mask=mask)))
        return torch.cat(mixed).view_as(hidden_states)

    @property
    def gated(self) -> bool:
        """Whether each token has decays of its own."""
        return False

    @abstractmethod
    def half_lives(self) -> Float[Tensor, " heads"]:
        """Tokens after which half is forgotten, by head; infinite without decay. Where tokens have decays of their own,
        that of a token whose hidden state is 0."""

    @abstractmethod
    def recurrent_parameters(self) -> list[nn.Parameter]:
        """What the base model does not have: maps, decays, and what else makes the recurrence."""

    def log_decay(self, flat: Flat) -> Float[Tensor, "tokens heads"]:
        """Log decays of each token, only if `gated`."""
        raise NotImplementedError

    def static_log_decay(self) -> Float[Tensor, " heads"]:
        """Log decays that all tokens share, only if not `gated`."""
        raise NotImplementedError

    def seen_by(self, flat: Flat, blocks: Sequence[Block]) -> tuple[Flat, Flat, Flat]:
        """What queries, keys and values are projected from."""
        del blocks
        return flat, flat, flat

    def bonus(self) -> Float[Tensor, "heads 1 features"] | None:
        """What is added to the weight 1 with which a token reads itself, by feature."""
        return None

    def _in_heads(self, x: Float[Tensor, "tokens dim"], block: Block) -> Float[Tensor, "texts heads length head_dim"]:
        return x.view(block.texts, block.tokens, self.heads, self.head_dim).transpose(1, 2)

    def _decay_in(
        self, block: Block, log: Float[Tensor, "tokens heads"] | None
    ) -> Float[Tensor, "rows heads length"] | None:
        if log is not None:
            return log.view(block.texts, block.tokens, self.heads).transpose(1, 2)
        return self.static_log_decay()[None, :, None].expand(1, -1, block.tokens) if self.decays else None

    def _mix(
        self,
        q: Float[Tensor, "texts heads length head_dim"],
        k: Float[Tensor, "texts heads length head_dim"],
        v: Float[Tensor, "texts heads length head_dim"],
        decay: Float[Tensor, "rows heads length"] | None,
        block: Block,
    ) -> Float[Tensor, "texts heads length head_dim"]:
        queries, keys, values = hedgehog(q, self.query_maps), hedgehog(k, self.key_maps), with_ones(v)
        if block.mask is not None:
            keys = keys * block.mask[:, None, :, None]
        form = FORMS[self.form or ("parallel" if block.tokens <= LONGEST else "chunked")]
        sums = form(queries, keys, values, decay)
        bonus = self.bonus()
        if bonus is not None:
            sums = sums + own_weight(queries * bonus, keys) * values
        return weighted_means(sums)


class GatedLinearAttention(RecurrentAttention):
    """Decays that each token sets for each head: alpha = sigmoid(x W + b)^(1/16). W starts as 0, b from half-lives.

    Source:
        Yang et al. 2024, section 4.4, https://arxiv.org/abs/2312.06635; here with one decay for a whole head.
    """

    def __init__(self, config: Any, replaced: Any) -> None:
        super().__init__(config, replaced)
        if self.decays:
            kept = 2 ** (-GATE_TEMPERATURE / spread_half_lives(self.heads))
            self.gate_weight = nn.Parameter(torch.zeros(self.heads, config.hidden_size))
            self.gate_bias = nn.Parameter(torch.logit(kept))

    @property
    def gated(self) -> bool:
        return self.decays

    def log_decay(self, flat: Flat) -> Float[Tensor, "tokens heads"]:
        with torch.autocast(flat.device.type, enabled=False):
            opening = linear(flat.float(), self.gate_weight, self.gate_bias)
            return (logsigmoid(opening) / GATE_TEMPERATURE).clamp_min(FASTEST)

    def half_lives(self) -> Float[Tensor, " heads"]:
        if not self.decays:
            return torch.full((self.heads,), math.inf)
        return -math.log(2) * GATE_TEMPERATURE / logsigmoid(self.gate_bias.detach())

    def recurrent_parameters(self) -> list[nn.Parameter]:
        return [self.query_maps, self.key_maps, *([self.gate_weight, self.gate_bias] if self.decays else [])]


class StaticDecayAttention(RecurrentAttention):
    """The layer of RWKV with a static decay: alpha = exp(-exp(w)) for each head, a token shift, and a bonus.

    The shift mixes each hidden state with its neighbour's before it is projected: half of its columns with the token
    before, half with the one after, since both directions are read. The bonus multiplies the weight with which a token
    reads itself. Both start without effect.

    Source:
        Peng et al. 2024, section 4, https://arxiv.org/abs/2404.05892, with one static decay for a whole head.
        The shift in two directions: Duan et al. 2024, section 3, https://arxiv.org/abs/2403.02308.
    """

    def __init__(self, config: Any, replaced: Any) -> None:
        super().__init__(config, replaced)
        self.own = nn.Parameter(torch.ones(3, config.hidden_size))
        """Share of a token itself in what its query, key and value are projected from."""
        self.log_bonus = nn.Parameter(torch.zeros(self.heads, 2 * self.head_dim))
        if self.decays:
            self.rate = nn.Parameter(torch.log(math.log(2) / spread_half_lives(self.heads)))
            """w."""

    def static_log_decay(self) -> Float[Tensor, " heads"]:
        return -self.rate.float().exp().clamp_max(-FASTEST)

    def half_lives(self) -> Float[Tensor, " heads"]:
        if not self.decays:
            return torch.full((self.heads,), math.inf)
        return -math.log(2) / self.static_log_decay().detach()

    def recurrent_parameters(self) -> list[nn.Parameter]:
        return [self.query_maps, self.key_maps, self.own, self.log_bonus, *([self.rate] if self.decays else [])]

    def bonus(self) -> Float[Tensor, "heads 1 features"]:
        return torch.expm1(self.log_bonus.float())[:, None]

    def seen_by(self, flat: Flat, blocks: Sequence[Block]) -> tuple[Flat, Flat, Flat]:
        parts = flat.split(sizes_of(blocks))
        shifted = [neighbours(part, block) for part, block in zip(parts, blocks, strict=True)]
        apart = torch.cat(shifted) - flat
        query, key, value = (flat + (1 - own) * apart for own in self.own)
        return query, key, value


KINDS: dict[str, type[RecurrentAttention]] = {"gla": GatedLinearAttention, "rwkv": StaticDecayAttention}
"""Layers by the name of the encoder that has them."""


def spread_half_lives(heads: int) -> Float[Tensor, " heads"]:
    """Half-lives in tokens, evenly spread over the heads on a logarithmic scale.

    >>> spread_half_lives(8).round().tolist()
    [4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]
    """
    return torch.logspace(math.log2(SHORTEST_HALF_LIFE), math.log2(LONGEST_HALF_LIFE), heads, base=2.0)


def neighbours(part: Flat, block: Block) -> Flat:
    """For each token of a block, the first half of the columns of the token before and the second of the one after.

    Where a text has no such token there are zeros.
    """
    texts = part.view(block.texts, block.tokens, -1)
    if block.mask is not None:
        texts = texts * block.mask[..., None]
    before, after = texts.split([texts.shape[-1] // 2, texts.shape[-1] - texts.shape[-1] // 2], dim=-1)
    return torch.cat([pad(before, (0, 0, 1, -1)), pad(after, (0, 0, -1, 1))], dim=-1).flatten(0, 1)


def as_blocks(hidden_states: Float[Tensor, "texts tokens dim"], attention_mask: Tensor | None) -> tuple[Block, ...]:
    """The one block of a batch in the padded layout."""
    texts, tokens = hidden_states.shape[:2]
    return (Block(texts, tokens, real_tokens(attention_mask)),)


def sizes_of(blocks: Sequence[Block]) -> list[int]:
    """Tokens of each block, padding included."""
    return [block.texts * block.tokens for block in blocks]


def _flat(x: Float[Tensor, "texts heads length head_dim"]) -> Flat:
    """Tokens of all texts in one column, heads side by side."""
    return x.transpose(1, 2).flatten(2).flatten(0, 1)


def real_tokens(attention_mask: Tensor | None) -> Bool[Tensor, "texts tokens"] | None:
    """Which tokens are real, from the mask that transformers hands to a layer; None for all.

    Args:
        attention_mask: None, or (texts, 1, queries, keys): True or 0 where a key is real.
    """
    if attention_mask is None:
        return None
    row = attention_mask[:, 0, 0]
    return row if row.dtype == torch.bool else row == 0
