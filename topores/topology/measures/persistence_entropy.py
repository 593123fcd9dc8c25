"""Persistence entropy: whether a few bars hold all of a diagram's length, or many share it."""

from scipy.special import entr

from topores.topology.diagrams import finite_bars
from topores.topology.points import Numbers

UNIT = "nats"
SOURCE = "Chintakunta, Gentimis, Gonzalez-Diaz, Jimenez and Krim 2015, An entropy-based persistence barcode"


def persistence_entropy(diagram: Numbers) -> float:
    """Entropy of the finite bars' lengths as shares of their sum, natural logarithm.

    Args:
        diagram: Births and deaths of one degree, (bars, 2).

    Returns:
        0 (one bar or none) to log(bars) (all of one length).

    Raises:
        ValueError: Not a diagram.
    """
    births, deaths = finite_bars(diagram).T
    lengths = deaths - births
    if not lengths.any():
        return 0.0
    return float(entr(lengths / lengths.sum()).sum())
