import numpy as np
import pytest

from topores.topology import rank_me


@pytest.mark.parametrize("rank", [1, 2, 7])
def test_equal_singular_values_give_their_number(rank):
    random = np.random.default_rng(0)
    left, right = (np.linalg.qr(random.normal(size=(n, rank)))[0] for n in (30, 12))
    assert rank_me(left @ right.T) == pytest.approx(rank, rel=1e-12)


def test_by_hand():
    """Singular values 3 and 1: shares 3/4 and 1/4."""
    assert rank_me([[3, 0], [0, 1]]) == pytest.approx(np.exp(0.75 * np.log(4 / 3) + 0.25 * np.log(4)), rel=1e-12)


def test_the_rows_are_not_centred():
    assert rank_me(np.ones((10, 4))) == pytest.approx(1, rel=1e-12)


def test_the_epsilon_of_the_authors():
    points = np.random.default_rng(1).normal(size=(20, 6))
    sizes = np.linalg.svd(points, compute_uv=False)
    shares = sizes / np.abs(sizes).sum() + 1e-7
    assert rank_me(points, epsilon=1e-7) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-12)
    assert rank_me(points) == pytest.approx(rank_me(points, epsilon=1e-7), rel=1e-5)


def test_what_has_no_rank_is_named():
    with pytest.raises(ValueError, match="points has only zeros"):
        rank_me(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="epsilon is -1; expected 0 or more"):
        rank_me(np.eye(2), epsilon=-1)
