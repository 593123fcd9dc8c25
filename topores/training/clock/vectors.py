"""The vectors: where they start, and what is measured of them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

NOISE = 0.05
"""Standard deviation of each coordinate of a vector about its pair's."""

Vectors = Float[np.ndarray, "vectors dim"]
"""Unit rows: T1's of all pairs, then T2's in the same order."""


class Measured(NamedTuple):
    """Means over the rows, but for the margin."""

    margin: float
    """Cosine of partners less that of the nearest negative, of the worst row."""
    loss: float
    """In nats."""
    one_minus_p: float
    """Share of the softmax that the row's negatives hold."""


def start(pairs: int, dim: int, seed: int) -> Vectors:
    """Random pair centres, T1 and T2 pushed apart by one common unit vector, and a little noise: two cones."""
    draw = np.random.default_rng(seed)
    centres = _unit(draw.normal(size=(pairs, dim)))
    apart = _unit(draw.normal(size=(1, dim)))
    return _unit(np.concatenate([centres + apart, centres - apart]) + NOISE * draw.normal(size=(2 * pairs, dim)))


def margin(vectors: Vectors) -> float:
    """`Measured.margin`."""
    cosines, partner = _cosines(vectors)
    rows = np.arange(len(vectors))
    positive = cosines[rows, partner].copy()
    cosines[rows, partner] = -np.inf
    return float((positive - cosines.max(axis=1)).min())


def measure(vectors: Vectors, temperature: float, loss: str) -> Measured:
    """Margin, loss and 1 - p, of which the last two are sums over negatives, so that nothing cancels."""
    cosines, partner = _cosines(vectors)
    rows = np.arange(len(vectors))
    above = (cosines - cosines[rows, partner][:, None]) / temperature
    above[rows, partner] = -np.inf
    negatives = np.exp(above).sum(axis=1)
    losses = np.log(negatives) if loss == "decoupled" else np.log1p(negatives)
    return Measured(margin(vectors), float(losses.mean()), float((negatives / (1 + negatives)).mean()))


def _cosines(vectors: Vectors) -> tuple[Float[np.ndarray, "vectors vectors"], Int[np.ndarray, " vectors"]]:
    """Of all rows, with -inf on the diagonal; and the row of each one's partner."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return cosines, np.roll(np.arange(len(vectors)), len(vectors) // 2)


def _unit(rows: Vectors) -> Vectors:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
