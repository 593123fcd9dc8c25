import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from topores.topology import procrustes, relative_rotation_angles, rotation_angles

QUANTILES = (0.1, 0.5, 0.9)


def planes(dimension, *angles):
    """Rotate rows by the first angle in the plane of the first two columns, by the second in the next, and so on."""
    rotation = np.eye(dimension)
    for place, angle in enumerate(angles):
        at = slice(2 * place, 2 * place + 2)
        rotation[at, at] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return rotation


def cloud_of(points, sizes, seed=0):
    """A centred cloud whose squared size along each column is that of `sizes`, and nothing else."""
    random = np.random.default_rng(seed).normal(size=(points, len(sizes)))
    return np.linalg.qr(random - random.mean(axis=0))[0] * sizes


def in_planes(found):
    """(angle, weight) of each set of directions that turn by the same angle."""
    near = np.round(found.angles, 6)
    return np.array([(angle, found.weights[near == angle].sum()) for angle in np.unique(near)[::-1]])


@pytest.mark.parametrize(("points", "dimension"), [(30, 6), (7, 6), (30, 40)])
def test_planted_angles_and_the_variance_that_turns_by_them(points, dimension):
    sizes = np.zeros(dimension)
    sizes[:6] = [3, 1, 2, 2, 1, 1]  # squared, by plane: 10, 8, 2
    basis = ortho_group.rvs(dimension, random_state=1)
    a = cloud_of(points, sizes[:6]) @ basis[:6]
    b = 2 * a @ (basis.T @ planes(dimension, 0.3, 1.2) @ basis) + 5
    found = rotation_angles(a + 7, b)
    assert found.angles == pytest.approx([1.2, 1.2, 0.3, 0.3, 0, 0], abs=1e-7)
    assert in_planes(found) == pytest.approx(np.array([(1.2, 0.4), (0.3, 0.5), (0, 0.1)]), abs=1e-7)
    assert found.mean == pytest.approx(0.4 * 1.2 + 0.5 * 0.3, rel=1e-6)
    assert [found.quantile(q) for q in (0.05, 0.5, 0.61, 1)] == pytest.approx([0, 0.3, 1.2, 1.2], abs=1e-7)


def test_nothing_turned():
    a = np.random.default_rng(0).normal(size=(30, 6))
    found = rotation_angles(a, 3 * a - 1)
    assert found.angles == pytest.approx(np.zeros(6), abs=1e-12)
    assert found.weights.sum() == pytest.approx(1, rel=1e-12)
    assert found.mean == pytest.approx(0, abs=1e-12)


def test_a_reflection_is_half_a_turn_of_one_direction():
    a = cloud_of(20, [1.0, 2, 3])
    found = rotation_angles(a, a * [1, -1, 1])
    assert found.angles == pytest.approx([np.pi, 0, 0], abs=1e-12)
    assert found.weights[0] == pytest.approx(4 / 14, rel=1e-12)


@pytest.mark.parametrize("angle", [1e-9, 1e-4, np.pi - 1e-4, np.pi - 1e-9])
def test_digits_near_nothing_and_near_half_a_turn(angle):
    a = cloud_of(30, [2.0, 2, 1, 1])
    # The cosines of both pairs of angles are equal to their last digits where the angle is 1e-9 off.
    found = rotation_angles(a, a @ planes(4, angle, angle))
    assert found.angles == pytest.approx([angle] * 4, abs=1e-14)


def test_angles_are_the_arguments_of_the_eigenvalues():
    a, b = np.random.default_rng(1).normal(size=(2, 60, 7))
    eigenvalues = np.linalg.eigvals(procrustes(a, b).rotation)
    assert rotation_angles(a, b).angles == pytest.approx(np.sort(np.abs(np.angle(eigenvalues)))[::-1], abs=1e-9)


def test_points_that_leave_their_span():
    a, b = np.zeros((2, 6, 5))
    a[:, :2] = b[:, 2:4] = np.random.default_rng(4).normal(size=(6, 2))
    assert rotation_angles(a, b).angles == pytest.approx([np.pi / 2] * 2, rel=1e-12)
    # A plane of which one direction leans out by .4: the other stays.
    leaning = a.copy()
    leaning[:, 0], leaning[:, 4] = np.cos(0.4) * a[:, 0], np.sin(0.4) * a[:, 0]
    assert rotation_angles(a, leaning).angles == pytest.approx([0.4, 0], abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(points=st.integers(3, 25), dimension=st.integers(2, 20), noise=st.floats(0.01, 10), seed=st.integers(0, 10**6))
def test_the_spectrum_adds_up_to_what_the_rotation_moves(points, dimension, noise, seed):
    random = np.random.default_rng(seed)
    a = random.normal(size=(points, dimension)) * random.uniform(0.1, 3, dimension)
    b = a + noise * random.normal(size=a.shape)
    found, fit = rotation_angles(a, b), procrustes(a, b)
    a = a - a.mean(axis=0)
    assert len(found.angles) == min(points - 1, dimension)
    assert found.weights.sum() == pytest.approx(1, rel=1e-9)
    assert found.angles[0] == pytest.approx(fit.angle, abs=1e-6)
    moved = np.square(a @ fit.rotation - a).sum() / np.square(a).sum()
    assert found.weights @ (4 * np.sin(found.angles / 2) ** 2) == pytest.approx(moved, rel=1e-7)
    assert (np.diff(found.angles) <= 0).all()
    assert found.quantile(0) == found.angles[-1]
    assert found.quantile(1) == found.angles[0]
    assert found.angles[-1] - 1e-12 <= found.mean <= found.angles[0] + 1e-12


def test_renaming_points_changes_nothing():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, 25, 40))
    found, order = rotation_angles(a, b), random.permutation(25)
    renamed = rotation_angles(a[order], b[order])
    assert renamed.angles == pytest.approx(found.angles, abs=1e-9)
    assert renamed.weights == pytest.approx(found.weights, abs=1e-9)
    assert [renamed.quantile(q) for q in QUANTILES] == pytest.approx([found.quantile(q) for q in QUANTILES], abs=1e-9)


def test_clouds_that_have_nothing_in_common_have_no_rotation():
    found = rotation_angles([[1, 0], [-1, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [1, 0], [-1, 0]])
    assert len(found.angles) == len(found.weights) == 0
    assert np.isnan(found.mean)
    assert np.isnan(found.quantile(0.5))


def test_angles_between_two_texts_are_the_differences_of_their_own():
    basis = ortho_group.rvs(6, random_state=3)
    one, other = cloud_of(20, [3.0, 1, 1, 1, 1, 1], 1) @ basis, cloud_of(30, [1.0, 1, 2, 2, 1, 1], 2) @ basis
    turns = [basis.T @ planes(6, *angles) @ basis for angles in ((0.5, 0.1), (0.2, 1.1))]
    found = relative_rotation_angles(one + 1, other - 2, one @ turns[0], 3 * other @ turns[1] + 4)
    assert found.angles == pytest.approx([1.0, 1.0, 0.3, 0.3, 0, 0], abs=1e-7)
    assert in_planes(found) == pytest.approx(np.array([(1.0, 10 / 26), (0.3, 12 / 26), (0, 4 / 26)]), abs=1e-7)
    # Whichever text is called the first.
    swapped = relative_rotation_angles(other, one, other @ turns[1], one @ turns[0])
    assert in_planes(swapped) == pytest.approx(in_planes(found), abs=1e-7)
    both = relative_rotation_angles(one, other, one @ turns[0], other @ turns[0])
    assert both.angles == pytest.approx(np.zeros(6), abs=1e-12)


def test_angles_between_two_texts_are_of_the_directions_that_both_determine():
    one, other = np.zeros((2, 20, 8))
    one[:, :3], other[:, 1:4] = cloud_of(20, [1.0, 2, 3], 1), cloud_of(20, [4.0, 5, 6], 2)
    turn = np.eye(8)
    turn[1:3, 1:3] = planes(2, 0.4)
    found = relative_rotation_angles(one, other, one @ turn, other)
    assert found.angles == pytest.approx([0.4, 0.4], rel=1e-9)
    assert found.weights.sum() == pytest.approx((4 + 9 + 16 + 25) / (1 + 4 + 9 + 16 + 25 + 36), rel=1e-9)


def test_few_points_of_two_texts_determine_no_direction_in_common():
    random = np.random.default_rng(5)
    before, after = random.normal(size=(2, 20, 40))
    found = relative_rotation_angles(before[:8], before[8:], after[:8], after[8:])
    assert len(found.angles) == 0
    # 25 and 25 points span 24 directions each, of which 8 are common in 40 columns.
    before, after = random.normal(size=(2, 50, 40))
    assert len(relative_rotation_angles(before[:25], before[25:], after[:25], after[25:]).angles) == 8


def test_clouds_without_a_rotation_are_refused():
    for angles in (rotation_angles, lambda a, b: relative_rotation_angles(np.eye(3), a, np.eye(3), b)):
        with pytest.raises(ValueError, match=r"All 3 rows of (a|before) are equal"):
            angles(np.ones((3, 3)), np.eye(3))
        with pytest.raises(ValueError, match="a has 3 columns and b has 2"):
            angles(np.eye(3), np.eye(3)[:, :2])
        with pytest.raises(ValueError, match="expected matched rows"):
            angles(np.eye(3), np.eye(3)[:2])
    with pytest.raises(ValueError, match="a has 3 columns and b has 2"):
        relative_rotation_angles(np.eye(3), np.eye(2), np.eye(3), np.eye(2))
