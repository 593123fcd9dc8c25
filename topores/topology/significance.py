"""Significance of a bar against the universal law of bars of random points."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.topology.diagrams import finite_bars
from topores.topology.gaussian_like import as_seed
from topores.topology.homology import persistent_homology
from topores.topology.matched_spectrum import (
    as_chords,
    as_coordinates,
    as_degree_with_ratios,
    largest_log_ratios,
    least_significant,
    log_ratios,
    p_among_largest,
)
from topores.topology.paired_spectrum import THINNINGS, TwoTexts, without_partners
from topores.topology.points import Numbers, WholeNumber, as_real

FEW_BARS = 0.05
"""Bars of degree 1 per distinct point up to which the universal null is not asked: it is needed for surfaces, which
have some 0.2 small bars per point. A curve has almost none, and their law cannot be fitted to so few."""

LEVEL = 0.05
"""Level for which `BarSignificance.visible` is given."""


class BarSignificance(NamedTuple):
    """p-values of the finite bars of a diagram, in its order, corrected for the number of bars."""

    universal: Float[np.ndarray, " finite_bars"]
    """`universal_p_values` after `holm`."""
    spectrum: Float[np.ndarray, " finite_bars"]
    """`matched_spectrum_p_values`; NaN where no cloud was drawn."""
    p: Float[np.ndarray, " finite_bars"]
    """The larger of the two: a bar counts if neither null explains it. With few bars (`FEW_BARS`), `spectrum` alone."""
    visible: Float[np.ndarray, " finite_bars"]
    """The ratio death / birth that each bar, born where it is, has to exceed for p < .05 if the others stay; infinite
    where no bar would reach it, NaN where no cloud was drawn."""


def bar_significance(
    points: Numbers,
    diagram: Numbers | None = None,
    *,
    metric: str = "angle",
    degree: WholeNumber = 1,
    replicates: WholeNumber = 99,
    seed: WholeNumber = 0,
    only_if_below: float | None = None,
    two_texts: TwoTexts | None = None,
) -> BarSignificance:
    """Whether bars are longer than those of random points, and of Gaussian points of the same spectrum.

    The universal null covers curved surfaces, but is conservative in many dimensions and has no power with few bars.
    The spectrum null has more power, but rejects curved surfaces without a loop. A bar counts as a loop if both p are
    small, and by the spectrum alone where there are few bars; docs/significance.md reports how often that is right.

    Args:
        points, diagram, metric, degree, replicates, seed: As `matched_spectrum_p_values`.
        only_if_below: Draw no clouds unless some universal p is below this, since no final p could be. None: always.
        two_texts: Which rows are partners, as for `matched_spectrum_p_values`. Partners are no independent points, so
            the universal null takes the usual length of bars from clouds with one row of each pair.

    Raises:
        ValueError: As `matched_spectrum_p_values`.
    """
    number = as_degree_with_ratios(degree)
    rows = as_coordinates(points, metric)  # validate even if no clouds are drawn
    if diagram is None:
        diagram = persistent_homology(points, metric=metric, max_degree=number)[number]
    bars = finite_bars(diagram)
    reference = None
    if two_texts is not None and len(two_texts.pairs) and len(bars):
        reference = _bars_without_partners(rows, two_texts, metric, number, as_seed(seed))
    universal = np.asarray(holm(_universal(bars, reference)))
    few = number == 1 and _are_few(rows, bars, reference)
    limit = None if only_if_below is None else as_real(only_if_below, "only_if_below")
    if not len(bars) or (limit is not None and not few and not (universal < limit).any()):
        unknown = np.full_like(universal, np.nan)
        return BarSignificance(universal, unknown, universal.copy(), unknown.copy())
    largest = largest_log_ratios(
        points, metric=metric, degree=number, replicates=replicates, seed=seed, two_texts=two_texts
    )
    spectrum = p_among_largest(log_ratios(as_chords(bars, metric)), largest)
    visible = _ratios_beyond(bars, least_significant(largest, LEVEL), metric)
    if few:
        return BarSignificance(universal, spectrum, spectrum.copy(), visible)
    visible = np.maximum(visible, _ratios_beyond_universal(bars, reference))
    return BarSignificance(universal, spectrum, np.maximum(universal, spectrum), visible)


class _Reference(NamedTuple):
    """Bars of clouds with one row of each pair."""

    log_log: float
    """Mean of ln ln(death / birth); NaN where there is no bar."""
    share: float
    """Bars per point."""


def _bars_without_partners(
    rows: Float[np.ndarray, "points dim"], two: TwoTexts, metric: str, degree: int, seed: int
) -> _Reference:
    found, points = [], 0
    for chosen in without_partners(two, THINNINGS, seed):
        drawn = persistent_homology(rows[chosen], metric=metric, max_degree=degree)[degree]
        found.append(log_ratios(finite_bars(drawn)))
        points += len(chosen)
    ratios = np.concatenate(found)
    ratios = ratios[ratios > 0]
    return _Reference(float(np.log(ratios).mean()) if len(ratios) else np.nan, len(ratios) / points)


def _universal(bars: Float[np.ndarray, "bars 2"], reference: _Reference | None) -> Float[np.ndarray, " bars"]:
    if reference is None:
        return universal_p_values(bars)
    if np.isnan(reference.log_log):
        return np.ones(len(bars))
    return np.exp(-np.exp(np.log(log_ratios(bars)) - reference.log_log - np.euler_gamma))


def _are_few(
    rows: Float[np.ndarray, "points dim"], bars: Float[np.ndarray, "bars 2"], reference: _Reference | None
) -> bool:
    share = len(bars) / len(np.unique(rows, axis=0)) if reference is None else reference.share
    return share <= FEW_BARS


def _ratios_beyond(bars: Float[np.ndarray, "bars 2"], log_ratio: float, metric: str) -> Float[np.ndarray, " bars"]:
    """death / birth, in the metric, where the ratio of chords has this logarithm; infinite beyond the metric's end."""
    births = bars[:, 0]
    chords = as_chords(births, metric) * np.exp(log_ratio)
    if metric != "angle":
        return chords / births
    return np.where(chords < 2, 2 * np.arcsin(np.minimum(chords, 2) / 2) / births, np.inf)


def _ratios_beyond_universal(
    bars: Float[np.ndarray, "bars 2"], reference: _Reference | None
) -> Float[np.ndarray, " bars"]:
    """The ratio from which each bar would be significant after Bonferroni, which for the smallest p equals Holm."""
    count, needed = len(bars), np.euler_gamma + np.log(np.log(len(bars) / LEVEL))
    if reference is not None:
        log_log = np.full(count, reference.log_log + needed)
    elif count == 1:
        return np.full(1, np.inf)  # a single bar is its own mean
    else:
        own = np.log(log_ratios(bars))
        # The bar is part of the mean that it is compared with.
        log_log = (own.sum() - own) / (count - 1) + needed * count / (count - 1)
    with np.errstate(over="ignore"):
        return np.nan_to_num(np.exp(np.exp(log_log)), nan=np.inf, posinf=np.inf)


def universal_p_values(diagram: Numbers) -> Float[np.ndarray, " finite_bars"]:
    """p of each finite bar: the probability of such a ratio death / birth among random points.

    l = ln ln(death / birth) - (mean of ln ln over the diagram's finite bars) - 0.5772 follows the left-skewed Gumbel
    law on random points, so p = exp(-exp(l)). The law holds for whole diagrams of large samples: with few bars p says
    little (a single bar always gets 0.57). p is not corrected for the number of bars. Essential bars are left out; the
    others keep their order.

    Args:
        diagram: Births and deaths of one degree, 1 or higher, of the Vietoris-Rips filtration.

    Returns:
        In [0, 1]; empty if no bar is finite.

    Raises:
        ValueError: Not a diagram, a birth of 0 or less (degree 0 has no ratio), or a bar of no length.

    Source:
        Bobrowski and Skraba 2023, A universal null-distribution for topological data analysis, Scientific Reports 13,
        12274, equations for l(p) with A = 1 (Vietoris-Rips) and the p-value. https://doi.org/10.1038/s41598-023-37842-2
    """
    ratios = log_ratios(finite_bars(diagram))
    if not len(ratios):
        return np.empty(0)
    if not ratios.all():
        raise ValueError(
            f"diagram has {(ratios == 0).sum()} bars of no length; expected deaths after births. Drop those bars."
        )
    log_log = np.log(ratios)
    return np.exp(-np.exp(log_log - log_log.mean() - np.euler_gamma))


def holm(p: Numbers) -> list[float]:
    """Holm's correction, in the given order: rejecting those below alpha keeps the family-wise error rate at alpha.

    Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6.
    """
    given = np.asarray(p, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    stepped = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return corrected.tolist()
