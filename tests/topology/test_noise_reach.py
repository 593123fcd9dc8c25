import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from topores.topology import universal_p_values
from topores.topology.noise_reach import noise_reach
from topores.topology.significance import holm


@given(
    arrays(float, st.integers(2, 60), elements=st.floats(0.01, 5)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.01, 0.05, 0.2]),
)
def test_a_bar_beyond_reach_is_one_that_the_universal_null_rejects(births: np.ndarray, seed: int, alpha: float) -> None:
    ratios = np.exp(np.random.default_rng(seed).weibull(0.4, len(births)) * 0.1 + 1e-6)
    bars = np.column_stack([births, births * ratios])
    reach = noise_reach(bars, alpha)
    assert reach is not None
    beyond = bars[:, 1] / bars[:, 0] > reach * (1 + 1e-9)
    assert beyond.any() == (np.array(holm(universal_p_values(bars))) < alpha * (1 - 1e-9)).any()


def test_nothing_to_judge_has_no_reach() -> None:
    assert noise_reach(np.empty((0, 2))) is None
    assert noise_reach(np.array([[1.0, np.inf]])) is None
    assert noise_reach(np.array([[1.0, 1.0]])) is None


def test_degree_0_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="birth of 0"):
        noise_reach(np.array([[0.0, 1.0]]))
