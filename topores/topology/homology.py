"""Persistent homology of the Vietoris-Rips filtration, by redzed or ripser, with exact float64 ends."""

from collections.abc import Callable
from typing import SupportsFloat, SupportsIndex

import numpy as np
import redzed_tda
from jaxtyping import Float
from ripser import ripser
from scipy.spatial.distance import squareform

from topores.errors import did_you_mean
from topores.topology.distances import Numbers, pairwise_distances

ENGINES = ("auto", "redzed", "ripser")

LARGEST_FIELD = 127
"""ripser keeps coefficients in a signed byte: with a larger prime it does not end."""

EXACT_INTEGERS = 2**24
"""float32, in which both engines compute, tells this many whole numbers apart."""

ROUNDING = 1e-12
"""A bar whose ends differ by less than this share of its death is rounding between tied distances."""


def persistent_homology(
    points: Numbers,
    *,
    metric: str = "angle",
    max_degree: SupportsIndex = 1,
    threshold: SupportsFloat | None = None,
    field: SupportsIndex = 2,
    engine: str = "auto",
) -> list[Float[np.ndarray, "_ 2"]]:
    """Diagrams of degree 0 (clusters), 1 (loops), 2 (voids), ... of the Vietoris-Rips filtration.

    Args:
        points: One row per point, or the square matrix of distances if `metric` is "precomputed".
        metric: "angle" (radians), "euclidean" or "precomputed".
        max_degree: Highest degree wanted, 0 or more. Time and memory grow steeply with it.
        threshold: Edges longer than this are left out; a bar still alive there gets death = inf. None: all edges.
        field: Coefficients are whole numbers modulo this prime (2 to 127).
        engine: "auto", "redzed" (modulo 2 only) or "ripser"; both give the same diagrams. See `choose_engine`.

    Returns:
        One array (bars, 2) of births and deaths per degree, sorted by birth, then death, in units of the metric.
        Essential bars have death = inf. Bars of no length are dropped, and so are bars shorter than 1e-12 of
        their death, which are rounding. Past 16.7 million different distances (5,793 points) neighbouring ones are
        merged, which moves the ends by less than float32 rounding would.

    Raises:
        ValueError: Unusable points, an unknown name, a degree below 0, a field that is no prime up to 127.

    Source:
        Bauer 2021, Ripser, https://arxiv.org/abs/1908.02518; redzed, https://pypi.org/project/redzed-tda.
    """
    run = _ENGINES[choose_engine(engine, field)]
    degree, cap = _as_degree(max_degree), _as_threshold(threshold)
    distances = squareform(pairwise_distances(points, metric), checks=False)
    if not distances.size:
        return _padded([np.array([[0.0, np.inf]])], degree)
    lengths, ranks = _ranked(distances)
    last = np.inf if cap >= lengths[-1] else float(np.searchsorted(lengths, cap, side="right") - 1)
    highest = min(degree, _points_of(distances) - 2)
    return _padded([_diagram(bars, lengths) for bars in run(ranks, highest, last, int(field))], degree)


def choose_engine(engine: str = "auto", field: SupportsIndex = 2) -> str:
    """The engine that `persistent_homology` uses for these arguments: "redzed" or "ripser".

    "auto" is redzed for field 2, which it computes many times faster, and ripser for all other fields.

    Raises:
        ValueError: An unknown engine, a field that is no prime up to 127, or redzed with a field other than 2.
    """
    prime = field.__index__()
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}. {did_you_mean(engine, ENGINES)}")
    if not 2 <= prime <= LARGEST_FIELD or any(prime % smaller == 0 for smaller in range(2, prime)):
        raise ValueError(f"field is {prime}; expected a prime from 2 to {LARGEST_FIELD}. Use 2 unless torsion matters.")
    if engine == "redzed" and prime != 2:
        raise ValueError(f"field is {prime}, but engine 'redzed' knows field 2 only. Use engine='ripser' or 'auto'.")
    if engine == "auto":
        return "redzed" if prime == 2 else "ripser"
    return engine


def _redzed(ranks: Float[np.ndarray, " pairs"], degree: int, last: float, field: int) -> list[np.ndarray]:  # noqa: ARG001
    return redzed_tda.rips(ranks, maxdim=degree, threshold=last)  # type: ignore[return-value]


def _ripser(ranks: Float[np.ndarray, " pairs"], degree: int, last: float, field: int) -> list[np.ndarray]:
    square = squareform(ranks, checks=False)
    return ripser(square, maxdim=degree, thresh=last, coeff=field, distance_matrix=True)["dgms"]


_ENGINES: dict[str, Callable[..., list[np.ndarray]]] = {"redzed": _redzed, "ripser": _ripser}


def _ranked(distances: Float[np.ndarray, " pairs"]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct lengths in order, from 0, and each pair's place among them.

    The pairing of births with deaths depends on the order of the distances alone. Both engines round to float32,
    which is exact for whole numbers up to 2**24 and so for ranks, at any scale of the points.
    """
    lengths, places = np.unique(np.concatenate([[0.0], distances]), return_inverse=True)
    merged = -(-len(lengths) // EXACT_INTEGERS)
    return lengths[::merged], (places[1:] // merged).astype(np.float64)


def _diagram(ranks: np.ndarray, lengths: np.ndarray) -> Float[np.ndarray, "bars 2"]:
    bars = np.full((len(ranks), 2), np.inf)
    finite = np.isfinite(ranks)
    bars[finite] = lengths[np.asarray(ranks, dtype=np.float64)[finite].astype(np.int64)]
    births, deaths = bars.T
    bars = bars[np.isinf(deaths) | (births < deaths * (1 - ROUNDING))]
    return bars[np.lexsort((bars[:, 1], bars[:, 0]))]


def _padded(diagrams: list[np.ndarray], degree: int) -> list[np.ndarray]:
    """n points have no homology above degree n - 2, so nothing is computed there."""
    empty = [np.empty((0, 2)) for _ in range(degree + 1)]
    return (diagrams + empty[len(diagrams) :])[: degree + 1]


def _points_of(distances: Float[np.ndarray, " pairs"]) -> int:
    return (1 + int(np.sqrt(1 + 8 * len(distances)))) // 2


def _as_degree(max_degree: SupportsIndex) -> int:
    degree = max_degree.__index__()
    if degree < 0:
        raise ValueError(f"max_degree is {degree}; expected 0 or more. Use 0 for clusters, 1 for loops, 2 for voids.")
    return degree


def _as_threshold(threshold: SupportsFloat | None) -> float:
    if threshold is None:
        return np.inf
    cap = float(threshold)
    if not cap >= 0:
        raise ValueError(f"threshold is {cap}; expected a length of 0 or more. Use None to keep all edges.")
    return cap
