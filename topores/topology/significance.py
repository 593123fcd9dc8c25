"""How surprising a bar is, against the law that the bars of random points follow."""

import numpy as np
from jaxtyping import Float

from topores.topology.diagrams import finite_bars
from topores.topology.points import Numbers


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
    births, deaths = finite_bars(diagram).T
    if not len(births):
        return np.empty(0)
    if births.min() <= 0:
        raise ValueError(
            f"diagram has a birth of {births.min():g}; the ratio death / birth needs births above 0. "
            "Pass a diagram of degree 1 or higher."
        )
    if (births == deaths).any():
        raise ValueError(
            f"diagram has {(births == deaths).sum()} bars of no length; expected deaths after births. Drop those bars."
        )
    log_log = np.log(np.log1p((deaths - births) / births))
    return np.exp(-np.exp(log_log - log_log.mean() - np.euler_gamma))
