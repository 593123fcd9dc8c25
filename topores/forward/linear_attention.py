"""Linear attention with decay in both directions, in three equal forms: all pairs at once, in chunks, step by step.

Token t reads token s with the weight phi(q_t) . phi(k_s) exp(-|c_t - c_s|), where c is the running sum of a head's log
decays. All forms return sums of the values under these weights; a column of ones among the values gives the sum of the
weights, by which the sums are weighted_means.

Shapes are (texts, heads, tokens, columns). Log decays (texts, heads, tokens) are at most 0, and one row of them may
stand for all texts. Keys of padding must be 0.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

Heads = Float[Tensor, "*texts tokens columns"]
Features = Float[Tensor, "*texts tokens features"]
LogDecay = Float[Tensor, "*rows tokens"]
State = Float[Tensor, "texts heads features columns"]

CHUNK = 64
"""Tokens that one step of the chunked form reads at once."""
LONGEST = 128
"""Tokens up to which all pairs at once are faster than chunks; benchmarks/recurrent_transfer.py measures both."""
TINY = 1e-30
"""Keeps a text of padding alone from dividing by 0."""


def hedgehog(
    x: Float[Tensor, "texts heads tokens dim"], maps: Float[Tensor, "heads dim half"]
) -> Float[Tensor, "texts heads tokens features"]:
    """phi(x) = [softmax(x W), softmax(-x W)] with one W for each head: positive features, twice as many as columns.

    Source:
        Zhang et al. 2024, section 4, https://arxiv.org/abs/2402.04347.
    """
    mapped = x @ maps
    return torch.cat([mapped.softmax(dim=-1), (-mapped).softmax(dim=-1)], dim=-1)


def in_parallel(queries: Features, keys: Features, values: Heads, log_decay: LogDecay | None) -> Heads:
    """All pairs of tokens at once: quadratic in the tokens of a text.

    Args:
        log_decay: None for no decay, which needs no pairs.
    """
    if log_decay is None:
        return queries @ (keys.mT @ values)
    place = log_decay.cumsum(dim=-1)
    apart = (place[..., :, None] - place[..., None, :]).abs()
    return (queries @ keys.mT * torch.exp(-apart)) @ values


def in_chunks(
    queries: Features, keys: Features, values: Heads, log_decay: LogDecay | None, *, size: int = CHUNK
) -> Heads:
    """Pairs within chunks of `size` tokens, and a state carried over the chunks from either end: linear in the tokens.

    Source:
        Yang et al. 2024, section 4, https://arxiv.org/abs/2312.06635, with one decay for a whole head.
    """
    if log_decay is None:
        return in_parallel(queries, keys, values, None)
    tokens = queries.shape[2]
    queries, keys, values = (_cut(x, size) for x in (queries, keys, values))
    log_decay = _cut(log_decay[..., None], size)[..., 0]
    place = log_decay.cumsum(dim=-1)
    total = place[..., -1:]
    # What a chunk leaves to those after it and to those before it.
    to_right = (keys * torch.exp(total - place)[..., None]).mT @ values
    to_left = (keys * torch.exp(place)[..., None]).mT @ values
    through = torch.exp(total)[..., None]
    from_left = _states_before(to_right, through)
    from_right = _states_before(to_left.flip(2), through.flip(2)).flip(2)
    sums = in_parallel(queries, keys, values, log_decay)
    sums = sums + torch.exp(place)[..., None] * (queries @ from_left)
    sums = sums + torch.exp(total - place)[..., None] * (queries @ from_right)
    return sums.flatten(2, 3)[:, :, :tokens]


def _cut(x: Float[Tensor, "rows heads tokens columns"], size: int) -> Float[Tensor, "rows heads chunks size columns"]:
    """`x` in chunks of `size` tokens, the last one filled up with zeros."""
    return pad(x, (0, 0, 0, -x.shape[2] % size)).unflatten(2, (-1, size))


def _states_before(
    added: Float[Tensor, "texts heads chunks features columns"], through: Float[Tensor, "rows heads chunks 1 1"]
) -> Float[Tensor, "texts heads chunks features columns"]:
    """The state before each chunk: S <- S * through + added."""
    state, before = torch.zeros_like(added[:, :, 0]), []
    for chunk in range(added.shape[2]):
        before.append(state)
        state = state * through[:, :, chunk] + added[:, :, chunk]
    return torch.stack(before, dim=2)


def scan(
    queries: Features, keys: Features, values: Heads, log_decay: LogDecay, state: State | None = None
) -> tuple[Heads, State]:
    """The forward half alone, token by token: S <- alpha_t S + phi(k_t) v_t^T, read as phi(q_t)^T S.

    Args:
        state: What earlier tokens left; None at the beginning of a text.

    Returns:
        The sums over the tokens up to each one, and the state after the last: given to the next call, it goes on as if
        both had been one text.
    """
    if state is None:
        state = values.new_zeros(*keys.shape[:2], keys.shape[3], values.shape[3])
    decay, read = torch.exp(log_decay), []
    for token in range(queries.shape[2]):
        written = keys[:, :, token, :, None] * values[:, :, token, None, :]
        state = decay[:, :, token, None, None] * state + written
        read.append(queries[:, :, token, None, :] @ state)
    return torch.cat(read, dim=2), state


def step_by_step(queries: Features, keys: Features, values: Heads, log_decay: LogDecay | None) -> Heads:
    """`scan` from either end; slow, and what the other forms are tested against."""
    if log_decay is None:
        log_decay = queries.new_zeros(1, *queries.shape[1:3])
    forward, _ = scan(queries, keys, values, log_decay)
    # Seen from the end, the decay between two tokens belongs to the one that was read before.
    behind = pad(log_decay[..., 1:], (0, 1)).flip(-1)
    backward, _ = scan(queries.flip(2), keys.flip(2), values.flip(2), behind)
    return forward + backward.flip(2) - own_weight(queries, keys) * values


def own_weight(queries: Features, keys: Features) -> Float[Tensor, "*texts tokens 1"]:
    """The weight with which each token reads itself."""
    return (queries * keys).sum(dim=-1, keepdim=True)


def weighted_means(sums: Heads) -> Float[Tensor, "*texts tokens fewer"]:
    """Sums of values, whose last column is the sum of the weights, as means of the values."""
    return sums[..., :-1] / sums[..., -1:].clamp_min(TINY)


def with_ones(values: Heads) -> Float[Tensor, "*texts tokens more"]:
    """`values` with a column of ones, which collects the sum of the weights."""
    return torch.cat([values, torch.ones_like(values[..., :1])], dim=-1)
