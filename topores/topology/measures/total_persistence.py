"""Total persistence: the summed lengths of a diagram's bars."""

from topores.topology.diagrams import finite_bars
from topores.topology.points import Numbers, RealNumber, as_real

UNIT = "unit of the metric, to the power of the order"
SOURCE = "Cohen-Steiner, Edelsbrunner, Harer, Mileyko 2010, Lipschitz functions have L_p-stable persistence, section 2"


def total_persistence(diagram: Numbers, *, order: RealNumber = 1) -> float:
    """Sum of (death - birth) ** order over the finite bars; 0.0 if there are none.

    Args:
        diagram: Births and deaths of one degree, (bars, 2).
        order: Exponent, above 0. Larger orders give more weight to long bars.

    Raises:
        ValueError: Not a diagram, or an order of 0 or less.
    """
    power = as_real(order, "order")
    if not power > 0:
        raise ValueError(f"order is {power:g}; expected more than 0. Use 1 for the sum of lengths.")
    births, deaths = finite_bars(diagram).T
    return float(((deaths - births) ** power).sum())
