import numpy as np
import pytest

from topores.topology import total_persistence

DIAGRAM = [[0, 1], [2, 5], [1, np.inf]]


def test_finite_lengths_are_summed():
    assert total_persistence(DIAGRAM) == 4
    assert total_persistence(DIAGRAM, order=2) == 10
    assert total_persistence(DIAGRAM, order=0.5) == pytest.approx(1 + np.sqrt(3))
    assert total_persistence([]) == 0


def test_unusable_orders_are_named():
    with pytest.raises(ValueError, match="order is 0; expected more than 0"):
        total_persistence(DIAGRAM, order=0)
    with pytest.raises(ValueError, match="order is nan"):
        total_persistence(DIAGRAM, order=np.nan)
