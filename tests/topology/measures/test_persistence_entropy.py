import numpy as np
import pytest

from topores.topology import persistence_entropy


def test_lengths_1_1_2():
    """Shares 1/4, 1/4, 1/2: 1.5 bits."""
    assert persistence_entropy([[0, 1], [2, 3], [1, 3]]) == pytest.approx(1.0397208, abs=1e-7)
    assert persistence_entropy([[0, 1], [2, 3], [1, 3]]) == pytest.approx(1.5 * np.log(2), rel=1e-14)


def test_equal_bars_give_the_logarithm_of_their_number():
    assert persistence_entropy([[5, 7]] * 40) == pytest.approx(np.log(40), rel=1e-12)


def test_one_bar_none_and_bars_that_do_not_count():
    assert persistence_entropy([[0, 3]]) == persistence_entropy([]) == persistence_entropy([[0, np.inf]]) == 0
    assert persistence_entropy([[0, 1], [0, np.inf], [1, 2], [4, 4]]) == pytest.approx(np.log(2))
    assert persistence_entropy([[1, 1]]) == 0


def test_no_diagram_is_named():
    with pytest.raises(ValueError, match=r"diagram has shape \(3,\)"):
        persistence_entropy([1, 2, 3])
