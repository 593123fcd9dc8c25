"""Betti curve: how many bars are alive at each length."""

import numpy as np
from jaxtyping import Int

from topores.topology.diagrams import as_diagram
from topores.topology.points import Numbers, as_numbers

UNIT = "bars"
SOURCE = "Edelsbrunner and Harer 2010, Computational Topology, section VII.1 (persistent Betti numbers)"


def betti_curve(diagram: Numbers, thresholds: Numbers) -> Int[np.ndarray, "..."]:
    """Number of bars with birth <= t < death, for each t of `thresholds`.

    Args:
        diagram: Births and deaths of one degree, (bars, 2).
        thresholds: Lengths in units of the metric, of any shape, in any order.

    Returns:
        Integers in the shape of `thresholds`.

    Raises:
        ValueError: Not a diagram, or NaN among the thresholds.
    """
    births, deaths = as_diagram(diagram).T
    at = as_numbers(thresholds, "thresholds")
    if np.isnan(at).any():
        raise ValueError(f"thresholds has {np.isnan(at).sum()} NaN; expected lengths. Remove them.")
    born = np.searchsorted(np.sort(births), at, side="right")
    dead = np.searchsorted(np.sort(deaths), at, side="right")
    return np.asarray(born - dead, dtype=np.int64)
