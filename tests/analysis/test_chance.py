"""The tests behind the verdict hold their level, and see what is there."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from topores.analysis.chance import prediction_p
from topores.sign_flips import sign_flip_p


def test_level_of_the_prediction_is_held_with_few_runs() -> None:
    """One more run of the same kind is called another one as often as alpha says, whatever their scale."""
    draw = np.random.default_rng(0)
    for runs in (2, 3, 10):
        drawn = 7 + 0.01 * draw.normal(size=(4000, runs + 1))
        for above in (False, True):
            false = np.mean([prediction_p(row[0], row[1:], above=above) < 0.05 for row in drawn.tolist()])
            assert false == pytest.approx(0.05, abs=0.012), (runs, above)


def test_what_stands_far_away_is_seen() -> None:
    nulls = [0.50, 0.52, 0.48]
    assert prediction_p(0.7, nulls) < 0.05
    assert prediction_p(0.7, nulls, above=True) == pytest.approx(prediction_p(0.7, nulls) / 2)
    assert prediction_p(0.3, nulls) == pytest.approx(prediction_p(0.7, nulls))
    assert prediction_p(0.3, nulls, above=True) > 0.95
    assert prediction_p(0.55, nulls) > 0.05


def test_many_runs_make_it_a_z_test() -> None:
    nulls = np.random.default_rng(1).normal(size=100_000).tolist()
    assert prediction_p(1.96, nulls) == pytest.approx(0.05, abs=2e-3)


def test_it_is_a_t_test() -> None:
    """7 lies 5 from the mean of 1 and 3, whose deviation is sqrt 2; a sample m - 1, m + 1 has t = m with as many df."""
    statistic = 5 / (np.sqrt(2) * np.sqrt(1 + 1 / 2))
    p = ttest_1samp([statistic - 1, statistic + 1], 0).pvalue
    assert prediction_p(7.0, [1.0, 3.0]) == pytest.approx(p, rel=1e-9)


def test_runs_that_agree_in_every_digit_say_no_more_than_their_number() -> None:
    assert prediction_p(0.5, [0.5, 0.5, 0.5]) == 1
    assert prediction_p(0.6, [0.5, 0.5, 0.5]) == 0.25
    assert prediction_p(0.4, [0.5, 0.5, 0.5], above=True) == 1
    with pytest.raises(ValueError, match="1 run has no spread"):
        prediction_p(0.5, [0.5])


def test_the_two_questions_of_a_pair_share_their_sign() -> None:
    """They are found, or not, together. With a sign each, one state of noise would be better than another in 15 %."""
    draw, tried = np.random.default_rng(0), 400
    groups = np.tile(np.arange(12), 2)
    pairs = draw.normal(size=(tried, 12))
    differences = np.concatenate([pairs + 0.5 * draw.normal(size=pairs.shape) for _ in range(2)], axis=1)
    together, apart = (np.mean([sign_flip_p(own, 0, groups=of) < 0.05 for own in differences]) for of in (groups, None))
    assert together == pytest.approx(0.05, abs=0.033)  # three standard deviations
    assert apart > 0.1


def test_differences_that_cancel_within_their_groups_are_none() -> None:
    assert sign_flip_p(np.array([1.0, -1.0]), 0, groups=np.array([0, 0])) == 1.0
