import numpy as np
import pytest

from topores.topology import betti_curve

DIAGRAM = [[0, 1], [0, np.inf], [0.5, 2]]


def test_a_bar_counts_from_its_birth_until_before_its_death():
    assert betti_curve(DIAGRAM, [-1, 0, 0.5, 0.99, 1, 1.5, 2, 100, np.inf]).tolist() == [0, 2, 3, 3, 2, 2, 1, 1, 0]


def test_thresholds_of_any_shape_and_order():
    assert betti_curve(DIAGRAM, [[2, 0], [0.5, 1]]).tolist() == [[1, 2], [3, 2]]
    assert betti_curve(DIAGRAM, 0.7) == 3
    assert betti_curve([], [0, 1]).tolist() == [0, 0]
    assert betti_curve(DIAGRAM, []).shape == (0,)


def test_against_counting():
    random = np.random.default_rng(0)
    births = random.integers(0, 9, 50)
    diagram = np.column_stack([births, births + random.integers(0, 5, 50)])
    at = np.arange(15)
    counted = [((diagram[:, 0] <= t) & (t < diagram[:, 1])).sum() for t in at]
    assert betti_curve(diagram, at).tolist() == counted


def test_nan_is_named():
    with pytest.raises(ValueError, match="thresholds has 1 NaN"):
        betti_curve(DIAGRAM, [0, np.nan])
    with pytest.raises(ValueError, match="expected a finite birth"):
        betti_curve([[2, 1]], [0])
