"""How surprising a bar is, against the law that the bars of random points follow."""

from typing import NamedTuple, SupportsIndex

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
from topores.topology.points import Numbers


class BarSignificance(NamedTuple):
    """How surprising the finite bars of a diagram are, in its order, each p corrected for all of them."""

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
    degree: SupportsIndex = 1,
    replicates: SupportsIndex = 99,
    seed: SupportsIndex = 0,
    only_if_below: float | None = None,
) -> BarSignificance:
    """Whether bars are longer than those of random points and of Gaussian points of the same spectrum.

    The universal null covers curved surfaces, but is conservative in many dimensions and blind with few bars. The
    spectrum's has more power, but finds curved surfaces surprising without a loop. A bar for which both p are small is
    taken for a loop; docs/significance.md has how often that is right.

    Args:
        points, diagram, metric, degree, replicates, seed: As `matched_spectrum_p_values`.
        only_if_below: No cloud is drawn if no universal p is below this, as no p could be. None: always draw.

    Raises:
        ValueError: As `matched_spectrum_p_values`.
    """
    number = as_degree_with_ratios(degree)
    as_coordinates(points, metric)  # refused here already, whether or not clouds are drawn
    if diagram is None:
        diagram = persistent_homology(points, metric=metric, max_degree=number)[number]
    universal = np.asarray(holm(universal_p_values(diagram)))
    if only_if_below is not None and not (universal < only_if_below).any():
        return BarSignificance(universal, np.full_like(universal, np.nan), universal.copy())
    spectrum = matched_spectrum_p_values(
        points, diagram, metric=metric, degree=number, replicates=replicates, seed=seed
    )
    return BarSignificance(universal, spectrum, np.maximum(universal, spectrum))


def universal_p_values(diagram: Numbers) -> Float[np.ndarray, " finite_bars"]:
    """Chance of a bar as long as this, as a ratio death / birth, among random points; one per finite bar.

    l = ln ln(death / birth) - (mean of ln ln over the diagram's finite bars) - 0.5772 follows the left-skewed Gumbel
    law on random points, so p = exp(-exp(l)). The law is one of whole diagrams and of large samples: with few bars p
    says little (a single bar always gets 0.57), and it is not corrected for the number of bars. Essential bars are
    left out; the rest keep their order.

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
    """Each p corrected for all of them, in their order: any below alpha keeps the chance of a false one below alpha.

    Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6.
    """
    given = np.asarray(p, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    stepped = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return corrected.tolist()
