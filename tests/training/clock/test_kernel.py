"""A compiled cycle of the clock: the stated gradient, and no digits lost near the end."""

import numpy as np
import pytest
import torch

from topores.training.clock.kernel import STEP, compile_cycles
from topores.training.clock.vectors import margin, start

PAIRS, DIM = 4, 5


def loss_of(x: torch.Tensor, temperature: float, loss: str) -> torch.Tensor:
    """The loss in the kernel's docstring, for autograd."""
    rows = len(x)
    similar = x @ x.T / temperature
    partner = torch.arange(rows).roll(rows // 2)
    positive = similar[torch.arange(rows), partner]
    kept = ~(torch.eye(rows, dtype=torch.bool) | torch.eye(rows, dtype=torch.bool)[partner])
    negatives = similar.masked_fill(~kept, -torch.inf).logsumexp(dim=1)
    cost = negatives if loss == "decoupled" else torch.logaddexp(positive, negatives)
    return (cost - positive).mean()


def one_cycle(x: np.ndarray, temperature: float, loss: str) -> np.ndarray:
    free = torch.tensor(x, requires_grad=True)
    loss_of(free, temperature, loss).backward()
    tangent = free.grad - (free.grad * free).sum(dim=1, keepdim=True) * free
    moved = (free - STEP * temperature * tangent).detach().numpy()
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


@pytest.mark.parametrize("loss", ["infonce", "decoupled"])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_a_cycle_is_a_step_down_the_gradient(loss: str, temperature: float) -> None:
    ours, expected = start(PAIRS, DIM, 1), start(PAIRS, DIM, 1)
    step = compile_cycles(PAIRS, DIM, loss)
    for _ in range(5):
        step(ours, temperature, 1)
        expected = one_cycle(expected, temperature, loss)
    assert np.abs(ours - expected).max() < 1e-12
    assert np.abs(ours - start(PAIRS, DIM, 1)).max() > 1e-3


def test_many_cycles_are_single_ones_in_a_row() -> None:
    step = compile_cycles(PAIRS, DIM, "infonce")
    at_once, one_by_one = start(PAIRS, DIM, 2), start(PAIRS, DIM, 2)
    step(at_once, 0.1, 37)
    for _ in range(37):
        step(one_by_one, 0.1, 1)
    assert np.array_equal(at_once, one_by_one)
    step(at_once, 0.1, 0)
    assert np.array_equal(at_once, one_by_one)


def test_near_the_end_no_digit_of_the_gradient_is_lost() -> None:
    # Negatives stand at right angles: 1 - p is about e^-40, less than float64 can take from 1. The second text's rows
    # lean towards the last axis, where the first's are exactly 0, so that a step of any size is seen there.
    temperature, lean = 1 / 40, 0.1
    x = np.repeat(np.eye(DIM)[None, :PAIRS], 2, axis=0).reshape(-1, DIM)
    x[PAIRS:] *= np.cos(lean)
    x[PAIRS:, -1] = np.sin(lean)
    moved = x.copy()
    compile_cycles(PAIRS, DIM, "infonce")(moved, temperature, 1)
    long = x.astype(np.longdouble)
    rows, partner = np.arange(2 * PAIRS), np.roll(np.arange(2 * PAIRS), PAIRS)
    e = np.exp((long @ long.T - 1) / temperature)
    e[rows, rows] = 0
    positive = e[rows, partner].copy()
    e[rows, partner] = 0
    share = 1 / (positive + e.sum(axis=1))
    weights = e * (share[:, None] + share)
    weights[rows, partner] = -(e.sum(axis=1) * share + (e.sum(axis=1) * share)[partner])
    gradient = (weights @ long / (2 * PAIRS))[:PAIRS, -1]  # of what is 0, the sphere's tangent has all
    assert 0 < np.abs(gradient).max() < 1e-17
    assert np.abs(moved[:PAIRS, -1] / (-STEP * gradient) - 1).max() < 1e-9


def test_a_regular_simplex_stays_where_it_is() -> None:
    corners = np.eye(PAIRS) - 1 / PAIRS
    simplex = np.concatenate([corners, corners]) @ np.eye(PAIRS, DIM)
    simplex /= np.linalg.norm(simplex, axis=1, keepdims=True)
    moved = simplex.copy()
    compile_cycles(PAIRS, DIM, "infonce")(moved, 0.1, 50)
    assert np.abs(moved - simplex).max() < 1e-12
    assert margin(simplex) == pytest.approx(1 + 1 / (PAIRS - 1), abs=1e-12)
