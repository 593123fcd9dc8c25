"""The exponential of a row against libm's in more digits."""

import numpy as np
import pytest
from numba import njit

from topores.training.heads import exponential

both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])


def of_row(x, shift=0):
    power = exponential.compiled(str(x.dtype))

    @njit(fastmath={"contract", "nsz", "reassoc"})
    def row(x, shift, out):
        for j in range(len(x)):
            out[j] = power(x[j], shift)

    out = np.empty_like(x)
    row(x, x.dtype.type(shift), out)
    return out


@both_types
def test_the_last_bit_alone_may_differ(dtype):
    most = 87 if dtype == "float32" else 700
    x = np.random.default_rng(0).uniform(-most, most, 20_000).astype(dtype)
    true = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(of_row(x) / true - 1)) < np.finfo(dtype).eps


@both_types
def test_a_shift_is_a_factor_and_costs_no_digits(dtype):
    x = np.linspace(0, 100, 1001).astype(dtype)
    true = np.exp(x.astype(np.longdouble)) * np.longdouble(2) ** -100
    assert np.max(np.abs(of_row(x, shift=-100) / true - 1)) < np.finfo(dtype).eps


@both_types
def test_below_the_least_normal_number_it_is_nothing(dtype):
    least = np.log(float(np.finfo(dtype).tiny))
    x = np.array([least - 1, 2 * least, 10 * least, least + 1], dtype)
    assert of_row(x)[:3].tolist() == [0, 0, 0]
    assert of_row(x)[3] > 0
