"""The clock's vectors: their start and their measurements."""

import numpy as np
import pytest

from topores.training.clock.vectors import NOISE, margin, measure, start


def test_the_start_is_two_cones_that_the_seed_decides() -> None:
    x = start(8, 8, 3)
    assert np.linalg.norm(x, axis=1) == pytest.approx(1, abs=1e-12)
    assert np.array_equal(x, start(8, 8, 3))
    assert not np.allclose(x, start(8, 8, 4))
    many = start(200, 50, 0)
    between = many[:200].mean(axis=0) @ many[200:].mean(axis=0)
    assert between < -0.3  # the texts stand apart by a common direction
    assert 0 < NOISE < 1


def test_the_margin_is_the_worst_rows() -> None:
    x = np.eye(4)[[0, 1, 0, 1]]  # two pairs, each of equal vectors, at right angles
    assert margin(x) == pytest.approx(1)
    turned = np.array([np.cos(0.3), np.sin(0.3), 0, 0])
    assert margin(np.array([x[0], x[1], turned, x[3]])) == pytest.approx(np.cos(0.3) - np.sin(0.3))


@pytest.mark.parametrize("loss", ["infonce", "decoupled"])
def test_loss_and_one_minus_p_by_hand(loss: str) -> None:
    x, temperature = np.eye(4)[[0, 1, 0, 1]], 0.5
    positive, negatives = np.exp(1 / temperature), 2.0
    found = measure(x, temperature, loss)
    whole = negatives if loss == "decoupled" else positive + negatives
    assert found.loss == pytest.approx(np.log(whole / positive))
    assert found.one_minus_p == pytest.approx(negatives / (positive + negatives))


def test_one_minus_p_below_the_least_step_from_one() -> None:
    found = measure(np.eye(4)[[0, 1, 0, 1]], 0.02, "infonce")
    assert found.one_minus_p == pytest.approx(2 * np.exp(-50), rel=1e-9)
    assert found.loss == pytest.approx(2 * np.exp(-50), rel=1e-9)
