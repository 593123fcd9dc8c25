"""The verdict's tests besides sign flips: prediction interval, Monte Carlo."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import t as student

from topores.sign_flips import p_of_draws
from topores.topology.factors import singular_values
from topores.topology.points import unit_rows
from topores.topology.rounding import DOUBLE, NOISE

SHUFFLES = 19
RESAMPLES = 999

CONFIDENCE = 0.95

Rows = Float[np.ndarray, "passages dim"]


def prediction_p(value: float, nulls: Sequence[float], *, above: bool = False) -> float:
    """Probability that one more run like `nulls` is as far from their mean as `value`: a prediction interval.

    Runs are assumed to be normally distributed. With three of them `value` must be five standard deviations away for
    p < .05, so a poorly known spread is not mistaken for a small one.

    Args:
        nulls: One number per run, two or more.
        above: One-sided: only a greater `value` counts.

    Source:
        Whitmore 1986, Prediction Limits for a Univariate Normal Observation, The American Statistician 40, 141-143.

    Raises:
        ValueError: Fewer than two runs have no spread.
    """
    if len(nulls) < 2:
        raise ValueError(f"{len(nulls)} run has no spread; give 2 or more.")
    mean, deviation = float(np.mean(nulls)), float(np.std(nulls, ddof=1))
    if deviation == 0:
        # There is no scale: all that is known is that one of all runs differs.
        return 1.0 if value == mean or (above and value < mean) else 1 / (len(nulls) + 1)
    distance = (value - mean) / (deviation * np.sqrt(1 + 1 / len(nulls)))
    tail = student.sf(distance if above else abs(distance), df=len(nulls) - 1)
    return float(tail if above else 2 * tail)


def monte_carlo_p(value: float, nulls: Sequence[float]) -> float:
    """One-sided p of a value as large as this among draws of a null, as `p_of_draws`."""
    return float(p_of_draws(np.asarray(nulls) >= value))


def share_interval(
    gained: Float[np.ndarray, " passages"], whole: Float[np.ndarray, " passages"], seed: int
) -> tuple[float, float]:
    """95 % interval of sum(gained) / sum(whole): quantiles over resamples of the passages.

    Source: Efron 1979, Bootstrap methods, https://doi.org/10.1214/aos/1176344552.
    """
    drawn = np.random.default_rng(seed).integers(0, len(gained), (RESAMPLES, len(gained)))
    totals = whole[drawn].sum(axis=1)
    shares = gained[drawn].sum(axis=1) / np.where(totals > 0, totals, 1.0)
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def turned_share(before: Rows, after: Rows, seed: int) -> tuple[float, float, float]:
    """Share of the squared movement that Procrustes explains, the same by chance, and p.

    Under chance, every passage is given the move of another one. A rotation in many dimensions explains much of any
    movement of few passages, so the share alone means little.

    Args:
        before, after: Rows of the passages at two states. They are scaled to unit length.
    """
    before, after = unit_rows(before), unit_rows(after)
    centred = before - before.mean(axis=0)
    # before.T = q @ corner, and q does not change singular values, so the small matrix stands for the large one.
    corner = np.linalg.qr(centred.T, mode="r")

    def share_explained(to: Rows) -> float:
        # The best rotation and scale leave ||target||^2 - (sum of singular values)^2 / ||before||^2 of the target.
        target = to - to.mean(axis=0)
        reached = singular_values(corner @ target).sum() ** 2 / np.square(centred).sum()
        moved = np.square(target - centred).sum()
        return 1.0 - float(max(np.square(target).sum() - reached, 0.0) / moved)

    if np.linalg.norm(after - before) <= NOISE * DOUBLE * np.sqrt(len(after)):
        return 0.0, 0.0, 1.0  # nothing moved, so there is nothing to explain
    shuffle = np.random.default_rng(seed)
    chance = [share_explained(with_moves_of(before, after, shuffle.permutation(len(before)))) for _ in range(SHUFFLES)]
    seen = share_explained(after)
    return seen, float(np.mean(chance)), monte_carlo_p(seen, chance)


def with_moves_of(before: Rows, after: Rows, order: Int[np.ndarray, " passages"]) -> Rows:
    """Where each unit row ends if it makes the move of row `order`, rotated from that row's start to its own.

    The move is carried along the great circle between the two passages, so it ends on the sphere, as far from its start
    as before. A plain difference would leave the sphere, and noise on the sphere would look significant.
    """
    start, end = before[order], after[order]
    middle = before + start
    # Opposite points have no middle; any half turn between them will do.
    middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), np.finfo(float).tiny)
    along_middle, along_start = (np.sum(rows * end, axis=1, keepdims=True) for rows in (middle, start))
    return end - 2 * along_middle * middle + 2 * along_start * before
