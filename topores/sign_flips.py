"""The paired test under random signs, and the interval of all values that it does not reject."""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

ALPHA = 0.05
"""Significance level of all tests."""

PERMUTATIONS = 9999

MOST = 1.0
"""A reciprocal rank cannot change by more."""

SEARCH = 60
"""Halvings of the search for an end of an interval."""

POWER = 0.8
"""Probability with which a smallest visible gain is seen."""


class Interval(NamedTuple):
    """A mean difference with its 95 % interval and its two-sided p."""

    value: float
    low: float
    high: float
    p: float

    @property
    def visible(self) -> float:
        """The smallest true difference that is found in 80 % of studies like this one.

        Source: normal approximation; half of the interval is 1.96 standard errors.
        """
        quantile = NormalDist().inv_cdf
        error = (self.high - self.low) / 2 / quantile(1 - ALPHA / 2)
        return error * (quantile(1 - ALPHA / 2) + quantile(POWER))


def sign_flip_p(
    differences: Float[np.ndarray, " queries"], seed: int, *, groups: Int[np.ndarray, " queries"] | None = None
) -> float:
    """Two-sided p of the mean difference, under random signs: the paired permutation test, by Monte Carlo.

    Args:
        groups: Numbers from 0. Differences of one group share their sign, because they are not independent: the two
            queries of a pair succeed or fail together. With a sign each, noise would be "significant" in 15 % of cases
            at level .05. None: every difference is its own group.

    Source: Fisher 1935, The Design of Experiments, section 21.
    """
    own = differences if groups is None else np.bincount(groups, weights=differences)
    if not np.any(own):
        return 1.0
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(PERMUTATIONS, len(own)))
    return float(p_of_draws(np.abs(signs @ own) >= abs(own.sum()) - 1e-12))


def mean_over_groups(
    differences: Float[np.ndarray, " queries"],
    groups: Int[np.ndarray, " queries"],
    seed: int,
    *,
    draws: int = PERMUTATIONS,
) -> Interval:
    """The mean difference with the interval of all values that the sign-flip test does not reject.

    Under the null, the sign of each group's sum is random: a group's queries succeed or fail together.

    Args:
        groups: Any numbers; queries of one number are dependent.

    Source: Fisher 1935, section 21; inverted as in Garthwaite 1996, Confidence intervals from randomization tests.
    """
    _, group = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(group, weights=differences), np.bincount(group).astype(float)
    total, count = float(sums.sum()), float(sizes.sum())
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, len(sums)))
    of_sums, of_sizes = signs @ sums, signs @ sizes

    def p(supposed: float) -> float:
        reached = np.abs(of_sums - supposed * of_sizes)
        return float(p_of_draws(reached >= abs(total - supposed * count) - 1e-12))

    mean = total / count
    low, high = (_last_not_rejected(p, mean, side * MOST) for side in (-1, 1))
    return Interval(mean, low, high, p(0.0))


def _last_not_rejected(p: Callable[[float], float], inside: float, outside: float) -> float:
    """The end of an interval between a value that is not rejected and one that may be."""
    if p(outside) > ALPHA:
        return outside  # so few groups that nothing is rejected
    for _ in range(SEARCH):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if p(middle) > ALPHA else (inside, middle)
    return inside


def p_of_draws(as_extreme: Bool[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Share of a null's draws that are as extreme, counting the observation itself, so that it is never 0.

    Source: Phipson and Smyth 2010, Permutation P-values should never be zero, eq. 2.
    """
    return np.asarray((1 + as_extreme.sum(axis=0)) / (1 + len(as_extreme)))
