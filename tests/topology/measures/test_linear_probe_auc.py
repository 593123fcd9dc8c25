import numpy as np
import pytest
from scipy.stats import norm

from topores.topology.measures.linear_probe_auc import linear_probe_auc


def cloud(seed, shape):
    return np.random.default_rng(seed).normal(size=shape)


def test_clouds_that_a_plane_parts():
    assert linear_probe_auc(cloud(0, (40, 20)), cloud(1, (30, 20)) + 5) == 1
    assert linear_probe_auc([[0.0], [1], [2]], [[3.0], [4], [5]], folds=3) == 1


def test_clouds_of_one_distribution_are_separated_at_chance_level():
    values = [linear_probe_auc(*cloud(seed, (2, 60, 30))) for seed in range(20)]
    # The standard error of one is about .05; of the mean of 20, .011.
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("gap", [0.5, 1.0, 2.0])
def test_two_normal_clouds_have_the_area_of_the_text_book(gap):
    """Along the gap, a row of b lies above a row of a with probability Phi(gap / sqrt 2)."""
    a, b = cloud(0, (2000, 3)), cloud(1, (2000, 3))
    b[:, 0] += gap
    assert linear_probe_auc(a, b) == pytest.approx(norm.cdf(gap / np.sqrt(2)), abs=0.02)


def test_shift_scale_rotation_and_exchange_change_nothing():
    a, b = cloud(2, (60, 8)), cloud(3, (50, 8)) + 0.4
    turn = np.linalg.qr(cloud(4, (8, 8)))[0]
    value = linear_probe_auc(a, b)
    assert 0.6 < value < 0.99
    for scale in (1e-150, 1e-6, 1e6, 1e150):
        assert linear_probe_auc(a * scale, b * scale) == pytest.approx(value, abs=0.005)
    assert linear_probe_auc(a @ turn + 3, b @ turn + 3) == pytest.approx(value, abs=0.005)
    assert linear_probe_auc(b, a) == pytest.approx(value, abs=0.05)


def test_the_same_seed_gives_the_same_folds():
    a, b = cloud(5, (30, 10)), cloud(6, (30, 10)) + 0.3
    assert linear_probe_auc(a, b) == linear_probe_auc(a, b, seed=0)
    assert len({linear_probe_auc(a, b, seed=seed) for seed in range(5)}) > 1


def test_equal_rows_cannot_be_separated():
    assert linear_probe_auc(np.ones((6, 3)), np.ones((7, 3))) == 0.5


def test_too_few_rows_and_other_spaces_are_named():
    with pytest.raises(ValueError, match="folds is 5 for 4 and 9 rows"):
        linear_probe_auc(cloud(0, (4, 2)), cloud(0, (9, 2)))
    with pytest.raises(ValueError, match="folds is 1 for"):
        linear_probe_auc(cloud(0, (4, 2)), cloud(0, (9, 2)), folds=1)
    with pytest.raises(ValueError, match="a has 1 columns and b has 2"):
        linear_probe_auc(np.ones((9, 1)), np.ones((9, 2)))
