"""Significance of a bar against the universal law of bars of random points."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.topology.diagrams import finite_bars
from topores.topology.homology import persistent_homology
from topores.topology.matched_spectrum import (
    as_coordinates,
    as_degree_with_ratios,
    log_ratios,
    matched_spectrum_p_values,
)
from topores.topology.points import Numbers, WholeNumber, as_real


class BarSignificance(NamedTuple):
    """p-values of the finite bars of a diagram, in its order, corrected for the number of bars."""

    universal: Float[np.ndarray, " finite_bars"]
    """`universal_p_values` after `holm`."""
    spectrum: Float[np.ndarray, " finite_bars"]
    """`matched_spectrum_p_values`; NaN where no cloud was drawn."""
    p: Float[np.ndarray, " finite_bars"]
    """The larger of the two: a bar counts if neither null explains it."""


def bar_significance(
    points: Numbers,
    diagram: Numbers | None = None,
    *,
    metric: str = "angle",
    degree: WholeNumber = 1,
    replicates: WholeNumber = 99,
    seed: WholeNumber = 0,
    only_if_below: float | None = None,
) -> BarSignificance:
    """Whether bars are longer than those of random points, and of Gaussian points of the same spectrum.

    The universal null covers curved surfaces, but is conservative in many dimensions and has no power with few bars.
    The spectrum null has more power, but rejects curved surfaces without a loop. A bar counts as a loop if both p are
    small; docs/significance.md reports how often that is right.

    Args:
        points, diagram, metric, degree, replicates, seed: As `matched_spectrum_p_values`.
        only_if_below: Draw no clouds unless some universal p is below this, since no final p could be. None: always.

    Raises:
        ValueError: As `matched_spectrum_p_values`.
    """
    number = as_degree_with_ratios(degree)
    as_coordinates(points, metric)  # validate even if no clouds are drawn
    if diagram is None:
        diagram = persistent_homology(points, metric=metric, max_degree=number)[number]
    universal = np.asarray(holm(universal_p_values(diagram)))
    if only_if_below is not None and not (universal < as_real(only_if_below, "only_if_below")).any():
        return BarSignificance(universal, np.full_like(universal, np.nan), universal.copy())
    spectrum = matched_spectrum_p_values(
        points, diagram, metric=metric, degree=number, replicates=replicates, seed=seed
    )
    return BarSignificance(universal, spectrum, np.maximum(universal, spectrum))


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
