import numpy as np
import pytest

from topores.topology import alignment


def test_by_hand():
    assert alignment([[1, 0], [0, 1]], [[1, 0], [0, -1]]) == 2
    assert alignment([[3, 4]], [[0, 0]]) == 25


def test_unit_rows_give_two_minus_twice_the_mean_cosine():
    a, b = np.random.default_rng(0).normal(size=(2, 30, 5))
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    assert alignment(a, b) == pytest.approx(2 - 2 * (a * b).sum(axis=1).mean(), rel=1e-12)
    assert alignment(a, a) == 0


def test_unmatched_clouds_are_refused():
    with pytest.raises(ValueError, match="a has 2 rows and b has 1; expected matched rows"):
        alignment([[1], [2]], [[1]])
    with pytest.raises(ValueError, match="a has 1 columns and b has 2; expected equal numbers"):
        alignment([[1]], [[1, 2]])
    with pytest.raises(ValueError, match="b has NaN"):
        alignment([[1]], [[np.nan]])
