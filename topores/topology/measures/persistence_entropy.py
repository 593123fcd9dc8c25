"""Persistence entropy: whether a diagram's total length is in a few bars or spread over many."""

from scipy.special import entr

from topores.topology.diagrams import finite_bars
from topores.topology.points import Numbers

UNIT = "nats"
SOURCE = "Chintakunta, Gentimis, Gonzalez-Diaz, Jimenez and Krim 2015, An entropy-based persistence barcode"


def persistence_entropy(diagram: Numbers) -> float:
    """Entropy, in nats, of the lengths of the finite bars as shares of their sum.

    Args:
        diagram: Births and deaths of one degree, (bars, 2).

    Returns:
        0 (one bar or none) to log(bars) (all of equal length).

    Raises:
        ValueError: Not a diagram.
    """
    births, deaths = finite_bars(diagram).T
    lengths = deaths - births
    if not lengths.any():
        return 0.0
    return float(entr(lengths / lengths.sum()).sum())
