"""How far the bars of random points may reach: the universal null turned round, to be drawn beside a barcode."""

import numpy as np

from topores.topology.diagrams import finite_bars
from topores.topology.matched_spectrum import log_ratios
from topores.topology.points import Numbers


def noise_reach(diagram: Numbers, alpha: float = 0.05) -> float | None:
    """The ratio death / birth from which the longest bar of a diagram beats the universal null.

    A finite bar with a larger ratio has a p of `universal_p_values` below `alpha` after Bonferroni's correction for all
    finite bars, which is what Holm's asks of the smallest one.

    Args:
        diagram: Births and deaths of one degree, 1 or higher.

    Returns:
        More than 1; None where no finite bar has a length, and nothing can be judged.

    Source:
        As `universal_p_values`: p = exp(-exp(l)) solved for the ratio.
    """
    ratios = log_ratios(finite_bars(diagram))
    ratios = ratios[ratios > 0]
    if not len(ratios):
        return None
    return float(np.exp(np.exp(np.log(ratios).mean() + np.euler_gamma) * np.log(len(ratios) / alpha)))
