"""The unit vectors of the clock: their start, and their measurements."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

NOISE = 0.05
"""Standard deviation of the noise added to each coordinate at the start."""

Vectors = Float[np.ndarray, "vectors dim"]
"""Unit rows: the T1 member of every pair, then the T2 members in the same order."""


class Measured(NamedTuple):
    """The margin of the worst row, and means over all rows."""

    margin: float
    """Cosine to the partner minus cosine to the nearest negative, minimum over the rows."""
    loss: float
    """In nats."""
    one_minus_p: float
    """Softmax probability of a row's negatives together."""


def start(pairs: int, dim: int, seed: int) -> Vectors:
    """Two cones: random pair centres, T1 and T2 shifted apart along one common unit vector, and a little noise."""
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
    """Margin, loss and 1 - p. The last two are computed as sums over negatives, which avoids cancellation."""
    cosines, partner = _cosines(vectors)
    rows = np.arange(len(vectors))
    above = (cosines - cosines[rows, partner][:, None]) / temperature
    above[rows, partner] = -np.inf
    negatives = np.exp(above).sum(axis=1)
    losses = np.log(negatives) if loss == "decoupled" else np.log1p(negatives)
    return Measured(margin(vectors), float(losses.mean()), float((negatives / (1 + negatives)).mean()))


def _cosines(vectors: Vectors) -> tuple[Float[np.ndarray, "vectors vectors"], Int[np.ndarray, " vectors"]]:
    """Cosines of all rows, with -inf on the diagonal; and the index of each row's partner."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return cosines, np.roll(np.arange(len(vectors)), len(vectors) // 2)


def _unit(rows: Vectors) -> Vectors:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
