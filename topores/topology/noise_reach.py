"""The bar length that chance explains under the universal null, to be drawn beside a barcode."""

import numpy as np

from topores.topology.diagrams import finite_bars
from topores.topology.matched_spectrum import log_ratios
from topores.topology.points import Numbers


def noise_reach(diagram: Numbers, alpha: float = 0.05) -> float | None:
    """The ratio death / birth above which the longest bar of a diagram is significant under the universal null.

    A finite bar with a larger ratio has a `universal_p_values` p below `alpha` after Bonferroni correction over all
    finite bars, which for the smallest p equals Holm's.

    Args:
        diagram: Births and deaths of one degree, 1 or higher.

    Returns:
        A ratio above 1; None if no finite bar has a positive length.

    Source:
        As `universal_p_values`: p = exp(-exp(l)) solved for the ratio.
    """
    ratios = log_ratios(finite_bars(diagram))
    ratios = ratios[ratios > 0]
    if not len(ratios):
        return None
    return float(np.exp(np.exp(np.log(ratios).mean() + np.euler_gamma) * np.log(len(ratios) / alpha)))
