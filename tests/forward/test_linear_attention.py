"""Linear attention with decay: three forms of one sum, against that sum written out."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from topores.forward.linear_attention import (
    hedgehog,
    in_chunks,
    in_parallel,
    own_weight,
    scan,
    step_by_step,
    weighted_means,
    with_ones,
)

TOKENS = 37
"""Not a multiple of a chunk."""


def drawn(dtype: torch.dtype = torch.float32, *, tokens: int = TOKENS) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Queries, keys, values with ones, and log decays of 2 texts and 3 heads."""
    draw = torch.Generator().manual_seed(3)
    queries, keys = (torch.randn(2, 3, tokens, 8, generator=draw, dtype=dtype).softmax(dim=-1) for _ in range(2))
    values = with_ones(torch.randn(2, 3, tokens, 5, generator=draw, dtype=dtype))
    return queries, keys, values, -torch.rand(2, 3, tokens, generator=draw, dtype=dtype)


def written_out(queries: Tensor, keys: Tensor, values: Tensor, log_decay: Tensor) -> Tensor:
    """The sum over all tokens, each decay multiplied in one by one."""
    sums = torch.zeros_like(values)
    texts, heads, tokens, _ = values.shape
    for text, head, t, s in product(range(texts), range(heads), range(tokens), range(tokens)):
        between = log_decay[text, head, min(s, t) + 1 : max(s, t) + 1].exp().prod()
        weight = (queries[text, head, t] * keys[text, head, s]).sum() * between
        sums[text, head, t] += weight * values[text, head, s]
    return sums


@pytest.mark.parametrize("form", [in_parallel, in_chunks, step_by_step])
def test_each_form_is_the_sum_written_out(form) -> None:
    given = drawn(torch.float64, tokens=7)
    assert torch.allclose(form(*given), written_out(*given), atol=1e-12)


@pytest.mark.parametrize("size", [1, 16, 37, 64])
def test_chunks_of_any_size_equal_all_pairs_at_once(size: int) -> None:
    given = drawn()
    assert torch.allclose(weighted_means(in_chunks(*given, size=size)), weighted_means(in_parallel(*given)), atol=1e-5)


def test_chunks_equal_steps_in_float32_even_where_decay_is_strongest() -> None:
    queries, keys, values, log_decay = drawn(tokens=300)
    strong = log_decay.clone()
    strong[:, 0] = -5.0
    for decay in (log_decay, strong, log_decay[:1] / 100):
        ours = weighted_means(in_chunks(queries, keys, values, decay))
        assert (ours - weighted_means(step_by_step(queries, keys, values, decay))).abs().max() < 1e-5


@pytest.mark.parametrize("form", [in_parallel, in_chunks, step_by_step])
def test_no_decay_is_a_log_decay_of_zero(form) -> None:
    queries, keys, values, log_decay = drawn()
    assert torch.allclose(
        form(queries, keys, values, None), in_parallel(queries, keys, values, 0 * log_decay), atol=1e-4
    )


def test_the_chunked_form_has_the_gradient_of_the_others() -> None:
    gradients = []
    for form in (in_parallel, lambda *given: in_chunks(*given, size=16)):
        given = [x.clone().requires_grad_() for x in drawn(torch.float64)]
        weighted_means(form(*given)).square().sum().backward()
        gradients.append([x.grad for x in given])
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-10)


def test_a_state_carried_over_goes_on_as_if_it_were_one_text() -> None:
    queries, keys, values, log_decay = drawn()
    whole, last = scan(queries, keys, values, log_decay)
    state, parts = None, []
    for part in (slice(0, 5), slice(5, 6), slice(6, None)):
        sums, state = scan(
            queries[:, :, part], keys[:, :, part], values[:, :, part], log_decay[..., part], state
        )  # fmt: skip
        parts.append(sums)
    assert torch.equal(torch.cat(parts, dim=2), whole)
    assert torch.equal(state, last)


def test_half_of_the_weight_is_left_after_a_half_life() -> None:
    ones = torch.ones(1, 1, 9, 1)
    log_decay = torch.full((1, 1, 9), -math.log(2) / 4)
    impulse = torch.zeros(1, 1, 9, 1)
    impulse[0, 0, 4] = 1.0
    seen = in_parallel(ones, ones, impulse, log_decay)[0, 0, :, 0]
    assert seen[[0, 4, 8]].tolist() == pytest.approx([0.5, 1.0, 0.5])


def test_keys_of_padding_change_nothing_and_padding_gives_no_nan() -> None:
    queries, keys, values, log_decay = drawn()
    keys[1, :, 20:] = 0.0
    for form in (in_parallel, in_chunks, step_by_step):
        padded = weighted_means(form(queries, keys, values, log_decay))
        alone = weighted_means(form(*(x[1:, :, :20] for x in (queries, keys, values, log_decay))))
        assert (padded[1:, :, :20] - alone).abs().max() < 1e-6
        assert weighted_means(form(queries, 0 * keys, values, log_decay)).isfinite().all()


def test_features_are_positive_and_sum_to_two_and_odd_inputs_swap_their_halves() -> None:
    x, maps = torch.randn(2, 3, 4, 5), torch.randn(3, 5, 6)
    features = hedgehog(x, maps)
    assert features.shape == (2, 3, 4, 12)
    assert (features > 0).all()
    assert torch.allclose(features.sum(dim=-1), torch.tensor(2.0))
    assert torch.allclose(hedgehog(-x, maps), features.roll(6, dims=-1))


def test_own_weight_is_the_diagonal() -> None:
    queries, keys, _, _ = drawn()
    assert torch.allclose(own_weight(queries, keys)[..., 0], (queries @ keys.mT).diagonal(dim1=-2, dim2=-1), atol=1e-6)
