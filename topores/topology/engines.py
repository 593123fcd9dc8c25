"""The engines of persistent homology: which one to use, and how to call it."""

from collections.abc import Callable

import numpy as np
import redzed_tda
from jaxtyping import Float
from scipy.spatial.distance import squareform

from topores.errors import did_you_mean
from topores.topology.points import WholeNumber, as_whole

ENGINES = ("auto", "redzed", "ripser")

TREE = "spanning tree"
"""Used when only degree 0 is asked for; it needs no distance matrix."""

LARGEST_FIELD = 127
"""ripser stores coefficients in a signed byte; with a larger prime it never terminates."""


def choose_engine(engine: str = "auto", field: WholeNumber = 2, max_degree: WholeNumber = 1) -> str:
    """The engine that `persistent_homology` uses for these arguments: "redzed", "ripser" or "spanning tree".

    "auto" uses the spanning tree for degree 0 alone, redzed for higher degrees with field 2, where it is many times
    faster, and ripser for all other fields.

    Raises:
        ValueError: An unknown engine, a field that is not a prime up to 127, or redzed with a field other than 2.
    """
    prime = as_whole(field, "field")
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}. {did_you_mean(str(engine), ENGINES)}")
    if not 2 <= prime <= LARGEST_FIELD or any(prime % smaller == 0 for smaller in range(2, prime)):
        raise ValueError(f"field is {prime}; expected a prime from 2 to {LARGEST_FIELD}. Use 2 unless torsion matters.")
    if engine == "redzed" and prime != 2:
        raise ValueError(f"field is {prime}, but engine 'redzed' supports field 2 only. Use engine='ripser' or 'auto'.")
    if engine != "auto":
        return engine
    if as_degree(max_degree) == 0:
        return TREE
    return "redzed" if prime == 2 else "ripser"


def run_engine(
    name: str, distances: Float[np.ndarray, "..."], degree: int, threshold: float, field: int
) -> list[np.ndarray]:
    """Diagrams of degrees 0 to `degree` by the engine called `name`; births and deaths are float32.

    Args:
        distances: A square matrix or its condensed form.
    """
    return _CALLS[name](distances, degree, threshold, field)


def as_degree(max_degree: WholeNumber) -> int:
    """`max_degree` as an int, checked to be 0 or more."""
    degree = as_whole(max_degree, "max_degree")
    if degree < 0:
        raise ValueError(f"max_degree is {degree}; expected 0 or more. Use 0 for clusters, 1 for loops, 2 for voids.")
    return degree


def _redzed(distances: Float[np.ndarray, "..."], degree: int, last: float, field: int) -> list[np.ndarray]:  # noqa: ARG001
    return redzed_tda.rips(distances, maxdim=degree, threshold=last)  # type: ignore[return-value]


def _ripser(distances: Float[np.ndarray, "..."], degree: int, last: float, field: int) -> list[np.ndarray]:
    # Imported here: ripser imports scikit-learn and pandas, which takes longer than most redzed calls.
    from ripser import ripser

    square = distances if distances.ndim == 2 else squareform(distances, checks=False)
    return ripser(square, maxdim=degree, thresh=last, coeff=field, distance_matrix=True)["dgms"]


_CALLS: dict[str, Callable[..., list[np.ndarray]]] = {"redzed": _redzed, "ripser": _ripser}
