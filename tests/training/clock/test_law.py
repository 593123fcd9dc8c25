"""The law of the clock, on counts that follow it."""

import numpy as np
import pytest

from topores.training.clock.law import fit

TEMPERATURES = [0.2, 0.15, 0.1, 0.08]


def test_a_made_law_is_found() -> None:
    cycles = [t * np.exp(2.5 + 1.03 / t) for t in TEMPERATURES]
    law = fit(TEMPERATURES, cycles, 1.0)
    assert law is not None
    assert (law.slope, law.intercept) == pytest.approx((1.03, 2.5), rel=1e-9)
    assert law.slope_error < 1e-9
    assert law.expected == 1.0
    assert law.decades == pytest.approx(np.log10(cycles[-1] / cycles[0]))
    assert law.cycles(0.05) == pytest.approx(0.05 * np.exp(2.5 + 1.03 / 0.05), rel=1e-6)


def test_the_standard_error_is_that_of_least_squares() -> None:
    draw = np.random.default_rng(0)
    slopes, errors = [], []
    for _ in range(400):
        cycles = [t * np.exp(2.5 + 1.03 / t + 0.05 * draw.normal()) for t in TEMPERATURES]
        law = fit(TEMPERATURES, cycles, 1.0)
        slopes.append(law.slope)
        errors.append(law.slope_error**2)
    assert np.sqrt(np.mean(errors)) == pytest.approx(np.std(slopes), rel=0.15)


@pytest.mark.parametrize("temperatures", [[], [0.1], [0.1, 0.2], [0.1, 0.1, 0.2]])
def test_fewer_than_three_temperatures_have_no_law(temperatures: list[float]) -> None:
    assert fit(temperatures, [100.0] * len(temperatures), 1.0) is None
