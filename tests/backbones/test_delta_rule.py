"""The delta-rule memory beside literal writes, its fixed point, and what an eigenvalue says of it."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.backbones.delta_rule import DeltaMemory, Write


def unit(count: int, dim: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, dim))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def four_pairings(pairs: int, rate: float) -> list[Write]:
    """Writes of pairs whose rows are T1's, then T2's."""
    return [
        Write(key, value, rate)
        for a, b in zip(range(pairs), range(pairs, 2 * pairs), strict=True)
        for key, value in ((a, a), (b, b), (a, b), (b, a))
    ]


def literally(rows: np.ndarray, writes: list[Write], cycles: int, retention: float = 1.0) -> np.ndarray:
    """The rule as papers have it, one write after the other."""
    state = np.zeros((rows.shape[1],) * 2)
    for _ in range(cycles):
        state *= retention
        for key, value, rate in writes:
            k, v = rows[key], rows[value]
            state = state + rate * np.outer(k, v - state.T @ k)
    return state


@given(cycles=st.integers(0, 40), retention=st.sampled_from([1.0, 0.9]), rate=st.sampled_from([0.1, 0.5, 1.0, 1.7]))
def test_any_cycle_is_that_of_literal_writes(cycles: int, retention: float, rate: float) -> None:
    rows, writes = unit(10, 6), four_pairings(5, rate)
    found = DeltaMemory(rows, writes, retention=retention).state_after(cycles)
    assert np.abs(found - literally(rows, writes, cycles, retention)).max() < 1e-12


def test_a_thousand_cycles_of_few_passages_in_many_dimensions() -> None:
    rows, writes = unit(20, 64), four_pairings(10, 0.5)
    assert np.abs(DeltaMemory(rows, writes).state_after(1000) - literally(rows, writes, 1000)).max() < 1e-11


def test_a_billion_cycles_end_in_the_fixed_point() -> None:
    memory = DeltaMemory(unit(40, 16), four_pairings(20, 0.5))
    matrix, shift = memory.cycle
    fixed = memory.basis @ np.linalg.solve(np.eye(16) - matrix, shift) @ memory.basis.T
    assert np.abs(memory.state_after(10**9) - fixed).max() < 1e-10


def test_one_write_at_rate_one_is_answered_exactly() -> None:
    rows = unit(2, 8)
    state = DeltaMemory(rows, [Write(0, 1, 1.0)]).state_after(1)
    assert state.T @ rows[0] == pytest.approx(rows[1], abs=1e-12)


def test_the_radius_of_one_key_is_one_minus_the_rate() -> None:
    assert DeltaMemory(unit(1, 8), [Write(0, 0, 0.3)]).radius == pytest.approx(0.7)
    assert DeltaMemory(unit(1, 8), [Write(0, 0, 1.7)]).radius == pytest.approx(0.7)  # it overshoots, and comes back
    assert DeltaMemory(unit(1, 8), [Write(0, 0, 2.5)]).radius == pytest.approx(1.5)
    assert DeltaMemory(unit(1, 8), [Write(0, 0, 0.3)], retention=0.5).radius == pytest.approx(0.35)


def test_the_state_is_zero_outside_the_span_of_the_rows() -> None:
    rows = np.concatenate([unit(6, 4), np.zeros((6, 3))], axis=1)
    state = DeltaMemory(rows, four_pairings(3, 0.5)).state_after(7)
    assert np.abs(state[4:]).max() == np.abs(state[:, 4:]).max() == 0
    assert np.abs(state).max() > 0.1


def test_the_rounding_of_float32_is_not_learned_by_heart() -> None:
    """Rows that are equal but for rounding: a billion cycles would blow their difference up."""
    rows = unit(1, 8).repeat(4, axis=0) + 1e-8 * np.random.default_rng(1).normal(size=(4, 8))
    assert np.linalg.norm(DeltaMemory(rows, four_pairings(2, 0.5)).state_after(10**9)) == pytest.approx(1, abs=1e-6)


def test_a_memory_without_writes_stays_empty() -> None:
    memory = DeltaMemory(unit(3, 4), [])
    assert not memory.state_after(10**9).any()
    assert DeltaMemory(unit(0, 4), []).radius == 0


def test_a_billion_cycles_of_200_passages_take_less_than_a_second() -> None:
    began = time.perf_counter()
    DeltaMemory(unit(200, 384), four_pairings(100, 0.5)).state_after(10**9)
    assert time.perf_counter() - began < 1
