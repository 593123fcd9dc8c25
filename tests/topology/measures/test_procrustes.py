import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from topores.topology import procrustes


def turn(dimension, angle):
    rotation = np.eye(dimension)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return rotation


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, 1.5, 3.0, np.pi])
@pytest.mark.parametrize("dimension", [2, 3, 10])
def test_rotation_scale_and_shift_are_found_exactly(dimension, angle):
    a = np.random.default_rng(0).normal(size=(40, dimension))
    found = procrustes(a, 2.5 * a @ turn(dimension, angle) + 7)
    assert found.rotation == pytest.approx(turn(dimension, angle), abs=1e-12)
    assert found.scale == pytest.approx(2.5, rel=1e-12)
    assert found.residual == pytest.approx(0, abs=1e-12)
    # Near pi the chord says less about the angle.
    assert found.angle == pytest.approx(angle, abs=1e-12 if angle < 3.1 else 1e-6)


def test_angle_is_the_largest_of_the_eigenvalues():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 60, 6))
    found = procrustes(a, b)
    assert found.angle == pytest.approx(np.abs(np.angle(np.linalg.eigvals(found.rotation))).max(), rel=1e-6)


def test_rotation_is_the_reference_and_the_residual_is_what_is_left():
    random = np.random.default_rng(2)
    a = random.normal(size=(50, 5))
    b = a @ turn(5, 0.4) + 0.3 * random.normal(size=(50, 5))
    found = procrustes(a, b)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    assert found.rotation == pytest.approx(orthogonal_procrustes(a, b)[0], abs=1e-12)
    left = np.linalg.norm(b - found.scale * a @ found.rotation) / np.linalg.norm(b)
    assert found.residual == pytest.approx(left, rel=1e-12)
    for scale in (0.99, 1.01):
        assert np.linalg.norm(b - scale * found.scale * a @ found.rotation) / np.linalg.norm(b) > left


def test_fewer_points_than_columns():
    random = np.random.default_rng(3)
    a = random.normal(size=(10, 40))
    same = procrustes(a, a)
    assert same.rotation == pytest.approx(np.eye(40), abs=1e-12)
    assert same.angle == pytest.approx(0, abs=1e-12)
    b = random.normal(size=(10, 40))
    found = procrustes(a, b)
    assert found.rotation @ found.rotation.T == pytest.approx(np.eye(40), abs=1e-12)
    assert 0 <= found.residual <= 1


def test_what_the_points_leave_open_is_not_turned():
    line = np.zeros((5, 4))
    line[:, 0] = np.arange(5)
    found = procrustes(line, line @ turn(4, 0.7))
    assert found.rotation == pytest.approx(turn(4, 0.7), abs=1e-12)
    assert found.angle == pytest.approx(0.7, rel=1e-12)


def test_directions_the_points_turn_by_a_right_angle():
    a, b = np.zeros((2, 6, 5))
    a[:, :2], b[:, 2:4] = np.random.default_rng(4).normal(size=(2, 6, 2))
    assert procrustes(a, b).angle == pytest.approx(np.pi / 2, rel=1e-12)


def test_unrelated_clouds_leave_nearly_all():
    one, other = [[1, 0], [-1, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [1, 0], [-1, 0]]
    found = procrustes(one, other)
    assert found.scale == pytest.approx(0, abs=1e-12)
    assert found.residual == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_any_scale(scale):
    a, b = np.random.default_rng(5).normal(size=(2, 20, 3))
    reference, found = procrustes(a, b), procrustes(a * scale, b)
    assert found.residual == pytest.approx(reference.residual, rel=1e-10)
    assert found.scale * scale == pytest.approx(reference.scale, rel=1e-10)


def test_clouds_without_a_rotation_are_refused():
    with pytest.raises(ValueError, match="All 3 rows of a are equal"):
        procrustes(np.ones((3, 2)), np.eye(3)[:, :2])
    with pytest.raises(ValueError, match="a has 3 columns and b has 2"):
        procrustes(np.eye(3), np.eye(3)[:, :2])
    with pytest.raises(ValueError, match="expected matched rows"):
        procrustes(np.eye(3), np.eye(3)[:2])
