"""Scale and rotation out of sample, on movements whose cause is known."""

import numpy as np
import pytest

from topores.topology.halves import predict_halves

N, DIM = 120, 100


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cloud(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spectrum = 1 / np.sqrt(1 + np.arange(DIM))
    return unit(rng.normal(size=(N, DIM)) * spectrum + 0.3 * rng.normal(size=DIM) * spectrum)


def rotation(angle: float, seed: int = 1) -> np.ndarray:
    """By one angle in every plane."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(DIM, DIM)))
    plane = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return axes @ np.kron(np.eye(DIM // 2), plane) @ axes.T


def contracted(rows: np.ndarray, by: float) -> np.ndarray:
    return unit(rows.mean(axis=0) + by * (rows - rows.mean(axis=0)))


def pushed(rows: np.ndarray) -> np.ndarray:
    """Into a cone."""
    return unit(rows + unit(np.random.default_rng(2).normal(size=(1, DIM))))


def pulled(rows: np.ndarray) -> np.ndarray:
    """To a hub."""
    return unit(rows + 0.3 * (rows[0] - rows))


@pytest.mark.parametrize("by", [0.5, 0.8])
def test_a_contraction_is_scale(by: float) -> None:
    found = predict_halves(cloud(), contracted(cloud(), by))
    assert found.scale > 0.5
    assert abs(found.rotation) < 0.05


@pytest.mark.parametrize("move", [pushed, pulled])
def test_a_cone_and_a_hub_are_no_rotation(move) -> None:
    found = predict_halves(cloud(), move(cloud()))
    assert found.scale > 0.5
    assert abs(found.rotation) < 0.05


@pytest.mark.parametrize("angle", [0.1, 0.5, 1.0])
def test_a_rotation_is_found_beyond_scale(angle: float) -> None:
    found = predict_halves(cloud(), cloud() @ rotation(angle))
    assert abs(found.scale) < 0.01
    assert found.rotation > 0.4


def test_noise_has_neither() -> None:
    """Twenty clouds with noise of their own: neither explains any of it."""
    rng = np.random.default_rng(3)
    found = [
        predict_halves(rows, unit(rows + 0.5 * rng.normal(size=rows.shape) / np.sqrt(DIM)), seed=seed)
        for seed, rows in ((seed, cloud(seed)) for seed in range(20))
    ]
    assert max(one.rotation for one in found) < 0
    assert max(one.scale for one in found) < 0.05


def test_scale_and_a_shift_of_all_are_exact() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6))
    found = predict_halves(rows, 0.5 * rows + 3)
    assert found.scale == pytest.approx(1)
    assert found.rotation == pytest.approx(0, abs=1e-9)
    still = predict_halves(rows, rows + 3)
    assert still.moved.sum() == pytest.approx(0, abs=1e-18)


def test_three_passages_have_no_halves() -> None:
    with pytest.raises(ValueError, match=r"^3 passages have no two halves"):
        predict_halves(np.eye(3), np.eye(3))
