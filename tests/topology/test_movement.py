import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from topores.topology import change_between_texts, procrustes, split_movement
from topores.topology.movement import without_shared_rotation

ANGLES = [0.01, 0.3, 1.0, 2.5]


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def two_texts(n_1, n_2, dimension, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n_1, dimension)), random.normal(size=(n_2, dimension)) + 1


def around_its_centre(points):
    return points - points.mean(axis=0)


@pytest.mark.parametrize(("n_1", "n_2", "dimension"), [(20, 10, 4), (5, 6, 30), (1, 8, 3)])
def test_one_rotation_and_scale_of_both_texts_is_shared(n_1, n_2, dimension):
    one, other = two_texts(n_1, n_2, dimension)
    rotation = ortho_group.rvs(dimension, random_state=0)
    for turned in (rotation, rotation * [-1, *[1] * (dimension - 1)]):
        after_1, after_2 = (1.7 * text @ turned + 3 for text in (one, other))
        assert split_movement(one, other, after_1, after_2) == pytest.approx((1, 0, 0, 0), abs=1e-12)


@pytest.mark.parametrize("angle", ANGLES)
def test_two_equal_clouds_one_of_them_rotated(angle):
    """Half the turn is the best for both: a squared movement of 4 sin(t/2)^2 leaves 2 sin(t/2)^2 (sizes being 1)."""
    cloud = around_its_centre(np.random.default_rng(1).normal(size=(15, 2)))
    found = split_movement(cloud, cloud + 5, cloud @ turn(angle), cloud + 5)
    # The centres are apart, so a turn of both would move them: the case by hand is that of one centre.
    assert found.deformation == pytest.approx(0, abs=1e-12)
    assert split_movement(cloud, cloud, cloud @ turn(angle), cloud) == pytest.approx((0.5, 0.5, 0, 0), abs=1e-9)


@pytest.mark.parametrize("angle", ANGLES)
def test_two_equal_clouds_rotated_against_each_other(angle):
    """No turn helps, but a scale of cos t does: of 4 sin(t/2)^2 for each of the two, sin(t)^2 is left."""
    cloud = around_its_centre(np.random.default_rng(2).normal(size=(15, 2)))
    found = split_movement(cloud, cloud, cloud @ turn(angle), cloud @ turn(-angle))
    # Past a right angle, the best turn is half a turn.
    relative = np.sin(angle) ** 2 / (4 * np.sin(angle / 2) ** 2)
    assert found == pytest.approx((1 - relative, relative, 0, 0), abs=1e-9)


def test_one_text_turned_in_many_dimensions_leaves_no_deformation():
    one, other = two_texts(12, 9, 40)
    found = split_movement(one, other, one @ ortho_group.rvs(40, random_state=3), other)
    assert found.deformation == pytest.approx(0, abs=1e-12)
    assert found.relative > 0.1
    assert found.shift > 0.001  # around the origin, which is not its centre


def test_own_scales_are_relative():
    one, other = (around_its_centre(text) for text in two_texts(12, 9, 4))
    found = split_movement(one, other, 2 * one, other)
    assert found.shift == pytest.approx(0, abs=1e-12)
    assert found.deformation == pytest.approx(0, abs=1e-12)
    assert found.relative > 0.1


@pytest.mark.parametrize(("n_1", "n_2", "dimension"), [(20, 10, 4), (5, 6, 30), (1, 8, 3)])
def test_a_shift_of_one_text_around_the_centre_of_both(n_1, n_2, dimension):
    one, other = (around_its_centre(text) for text in two_texts(n_1, n_2, dimension))
    assert split_movement(one, other, one + 2, other) == pytest.approx((0, 0, 1, 0), abs=1e-12)


def test_a_shift_of_one_text_deforms_neither():
    one, other = two_texts(20, 10, 4)
    found = split_movement(one, other, one + np.array([3, 0, -1, 0]), other)
    assert found.deformation == pytest.approx(0, abs=1e-12)
    assert found.shift > 0.3


def test_shift_by_hand():
    """Two texts of one passage each, that swap and stretch: all is shared. With a third passage, not all."""
    assert split_movement([[0.0, 0]], [[1.0, 0]], [[3.0, 0]], [[0.0, 0]]) == pytest.approx((1, 0, 0, 0), abs=1e-12)
    # The pair (-1, 0), (1, 0) stays and (0, 0) goes up by 3. Squared movement 9 * 2 / 3; nothing is turned to it.
    pair = [[-1.0, 0], [1.0, 0]]
    assert split_movement(pair, [[0.0, 0]], pair, [[0.0, 3]]) == pytest.approx((0, 0, 1, 0), abs=1e-12)


def test_deformation_is_what_procrustes_leaves_of_each_text():
    (before_1, before_2), (after_1, after_2) = two_texts(20, 15, 5), two_texts(20, 15, 5, seed=1)
    left = [
        procrustes(before, after).residual ** 2 * np.square(around_its_centre(after)).sum()
        for before, after in ((before_1, after_1), (before_2, after_2))
    ]
    moved = around_its_centre(np.vstack([after_1, after_2])) - around_its_centre(np.vstack([before_1, before_2]))
    found = split_movement(before_1, before_2, after_1, after_2)
    assert found.deformation == pytest.approx(sum(left) / np.square(moved).sum(), rel=1e-9)


@pytest.mark.parametrize(("n_1", "n_2", "dimension"), [(20, 15, 5), (6, 4, 30), (3, 40, 12), (1, 2, 3)])
def test_the_formula_of_the_docstring(n_1, n_2, dimension):
    before, after = (np.vstack(two_texts(n_1, n_2, dimension, seed)) for seed in (0, 1))
    texts = slice(0, n_1), slice(n_1, None)
    x, y = around_its_centre(before), around_its_centre(after)
    fit = procrustes(x, y)
    total, left = np.square(y - x).sum(), y - fit.scale * x @ fit.rotation
    means = [left[text].mean(axis=0) for text in texts]
    shift = n_1 * n_2 / (n_1 + n_2) * np.square(means[0] - means[1]).sum()
    within = sum(np.square(left[text] - mean).sum() for text, mean in zip(texts, means, strict=True))
    own = 0.0
    for text in texts:
        x_k, y_k = around_its_centre(before[text]), around_its_centre(after[text])
        if len(x_k) > 1:
            own_fit = procrustes(x_k, y_k)
            own += np.square(y_k - own_fit.scale * x_k @ own_fit.rotation).sum()
    expected = np.array([total - np.square(left).sum(), within - own, shift, own]) / total
    found = split_movement(*(state[text] for state in (before, after) for text in texts))
    assert found == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=80)
@given(
    lengths=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    dimension=st.integers(1, 15),
    size=st.sampled_from([1e-6, 0.01, 1.0, 100.0]),
    seed=st.integers(0, 10**6),
)
def test_parts_add_to_one_and_none_is_negative(lengths, dimension, size, seed):
    before = two_texts(*lengths, dimension, seed)
    after = [b + size * m for b, m in zip(before, two_texts(*lengths, dimension, seed + 1), strict=True)]
    found = split_movement(*before, *after)
    if lengths == (1, 1) and dimension == 1:
        assert found.shared == pytest.approx(1, abs=1e-6)
    assert min(found) >= 0
    assert sum(found) == pytest.approx(1, abs=1e-6)
    swapped = split_movement(*before[::-1], *after[::-1])
    assert swapped == pytest.approx(found, abs=1e-6)
    order = np.random.default_rng(seed).permutation(lengths[0])
    renamed = split_movement(before[0][order], before[1], after[0][order], after[1])
    assert renamed == pytest.approx(found, abs=1e-6)


def test_rounding_makes_no_part_negative():
    for seed in range(20):
        one, other = (around_its_centre(text) for text in two_texts(9, 5, 3, seed))
        rotation = ortho_group.rvs(3, random_state=seed)
        assert min(split_movement(one, other, one @ rotation, other @ rotation)) >= 0
        assert min(split_movement(one, other, one + 1, other)) >= 0


def test_another_set_of_axes_changes_nothing():
    states = (*two_texts(6, 5, 30), *two_texts(6, 5, 30, seed=1))
    axes = ortho_group.rvs(30, random_state=4)
    assert split_movement(*(4 * s @ axes - 2 for s in states)) == pytest.approx(split_movement(*states), abs=1e-12)


def test_nothing_moved():
    one, other = two_texts(6, 5, 3)
    assert split_movement(one, other, one, other) == (0, 0, 0, 0)
    assert split_movement(one, other, one + 1, other + 1) == (0, 0, 0, 0)


def test_a_text_that_was_one_point_is_deformed():
    """What has no size cannot be turned or scaled into something."""
    one, other = two_texts(6, 5, 3)
    found = split_movement(np.ones((6, 3)), np.ones((5, 3)), one, other)
    assert found == pytest.approx((0, 0, found.shift, 1 - found.shift), abs=1e-12)


@pytest.mark.parametrize(("n_1", "n_2", "dimension"), [(20, 10, 4), (5, 6, 30), (60, 9, 3)])
def test_a_turn_of_one_text_changes_what_is_between_the_texts_alone(n_1, n_2, dimension):
    one, other = two_texts(n_1, n_2, dimension)
    turned = one @ ortho_group.rvs(dimension, random_state=1)
    assert change_between_texts(one, other, turned, other) == pytest.approx(1, abs=1e-12)
    assert change_between_texts(one, other, turned + 3, other - 1) == pytest.approx(1, abs=1e-12)
    # As small a turn as digits allow.
    tiny = one + 1e-9 * one @ np.cross(np.eye(3), [1, 2, 3]) if dimension == 3 else turned
    assert change_between_texts(one, other, tiny, other) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("n_1", "n_2", "dimension"), [(20, 10, 4), (5, 6, 30)])
def test_a_turn_of_both_texts_changes_no_inner_product(n_1, n_2, dimension):
    one, other = two_texts(n_1, n_2, dimension)
    rotation = ortho_group.rvs(dimension, random_state=2)
    assert np.isnan(change_between_texts(one, other, one @ rotation + 1, other @ rotation))
    before, after = np.vstack([one, other]), np.vstack([one, other]) @ rotation
    after[0] += 1  # something is left
    left_before, left_after = without_shared_rotation(before, after)
    for state, found in ((before, left_before), (after, left_after)):
        assert found @ found.T == pytest.approx(state @ state.T, abs=1e-10)
    best = np.linalg.norm(before.T @ after, ord="nuc")
    assert np.sum(left_before * left_after) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(("n_1", "n_2", "dimension"), [(7, 5, 20), (30, 5, 4), (30, 25, 3)])
def test_change_between_texts_by_its_formula(n_1, n_2, dimension):
    (x_1, x_2), (y_1, y_2) = two_texts(n_1, n_2, dimension), two_texts(n_1, n_2, dimension, seed=1)
    a, b, c, d = (around_its_centre(state) for state in (x_1, x_2, y_1, y_2))
    before, after = np.vstack([a, b]), np.vstack([c, d])
    expected = 2 * np.square(c @ d.T - a @ b.T).sum() / np.square(after @ after.T - before @ before.T).sum()
    assert change_between_texts(x_1, x_2, y_1, y_2) == pytest.approx(expected, rel=1e-9)
    # A text that changes alone changes within itself as well.
    assert 0 < change_between_texts(x_1, x_2, y_1, x_2) < 1


def test_what_cannot_be_compared_is_named():
    for compared in (split_movement, change_between_texts):
        with pytest.raises(ValueError, match="expected matched rows"):
            compared(np.eye(3), np.eye(3), np.eye(3)[:2], np.eye(3))
        with pytest.raises(ValueError, match="a has 3 columns and b has 2"):
            compared(np.eye(3), np.eye(3), np.eye(3), np.eye(3)[:, :2])
        with pytest.raises(ValueError, match="a has 3 columns and b has 2"):
            compared(np.eye(3), np.eye(2), np.eye(3), np.eye(2))
