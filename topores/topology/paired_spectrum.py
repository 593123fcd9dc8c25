"""Gaussian clouds of two texts in which pairs stay pairs, and the gap between the texts stays a gap."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores.topology.gaussian_like import GaussianLike, as_seed
from topores.topology.points import Numbers, WholeNumber, as_points

THINNINGS = 5
"""Choices of one row of each pair that are averaged."""


class TwoTexts(NamedTuple):
    """Which rows of a cloud belong to which text, and which of them are partners."""

    texts: Int[np.ndarray, " points"]
    """0 or 1 per row."""
    pairs: Int[np.ndarray, "pairs 2"]
    """Rows (of text 0, of text 1) that are partners; each row at most once."""

    def of_rows(self, rows: Int[np.ndarray, " chosen"]) -> "TwoTexts":
        """The same for some rows of the cloud; a pair of which a row is missing is none."""
        place = np.full(len(self.texts), -1)
        place[rows] = np.arange(len(rows))
        pairs = place[self.pairs.reshape(-1, 2)]
        return TwoTexts(self.texts[rows], pairs[(pairs >= 0).all(axis=1)])


def one_to_one(pairs: Int[np.ndarray, "pairs 2"], weight: Float[np.ndarray, " pairs"]) -> Int[np.ndarray, "partners 2"]:
    """The heaviest pairs such that each row is in one pair at most, taken greedily; ties in the given order."""
    taken_1: set[int] = set()
    taken_2: set[int] = set()
    kept = []
    for first, second in pairs[np.argsort(-weight, kind="stable")].tolist():
        if first not in taken_1 and second not in taken_2:
            taken_1.add(first)
            taken_2.add(second)
            kept.append((first, second))
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def without_partners(two: TwoTexts, count: int, seed: int) -> Iterator[Int[np.ndarray, " rows"]]:
    """Rows of clouds in which no row has its partner: one of each pair at random, and all rows without a partner."""
    random = np.random.default_rng(seed)
    pairs = two.pairs.reshape(-1, 2)
    for _ in range(count):
        left_out = pairs[np.arange(len(pairs)), random.integers(2, size=len(pairs))]
        yield np.setdiff1d(np.arange(len(two.texts)), left_out)


class PairedGaussianLike:
    """Draws clouds in which partners are drawn jointly: a pair is one point of twice as many columns.

    Pairs keep the mean and the covariance of both texts, and the covariance between partners; rows without a partner
    keep those of the unpaired rows of their text. All three sets are drawn apart, each as by `gaussian_like`. So the
    distance between partners and the gap between the texts stay what they are, and only the shape is Gaussian.

    Args:
        points: One row per point.
        two: The texts of the rows, and their pairs.

    Raises:
        ValueError: Unusable points, labels other than 0 and 1, or rows in more than one pair.

    Source:
        Langsrud 2005, Rotation tests, Statistics and Computing 15, 53-60: the frame of the stacked pairs is rotated.
    """

    def __init__(self, points: Numbers, two: TwoTexts) -> None:
        rows = as_points(points)
        self._shape = rows.shape
        texts, pairs = _validate(two, len(rows))
        alone = np.ones(len(rows), dtype=bool)
        alone[pairs] = False
        self._strata: list[tuple[np.ndarray, GaussianLike]] = []
        for places in (pairs, *(np.flatnonzero(alone & (texts == text))[:, None] for text in (0, 1))):
            if len(places):
                self._strata.append((places, GaussianLike(rows[places].reshape(len(places), -1))))

    def draw(self, seed: WholeNumber) -> Float[np.ndarray, "points dim"]:
        """
        Raises:
            ValueError: A negative seed.
        """
        drawn, first = np.empty(self._shape), as_seed(seed)
        for number, (places, like) in enumerate(self._strata):
            drawn[places] = like.draw(len(self._strata) * first + number).reshape(*places.shape, -1)
        return drawn


def _validate(two: TwoTexts, points: int) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "pairs 2"]]:
    texts, pairs = np.asarray(two.texts), np.asarray(two.pairs, dtype=np.int64).reshape(-1, 2)
    if texts.shape != (points,) or not np.isin(texts, (0, 1)).all():
        raise ValueError(f"texts has shape {texts.shape}; expected 0 or 1 for each of the {points} points.")
    if len(np.unique(pairs)) != pairs.size:
        raise ValueError("pairs names a row twice; expected each row in one pair at most. Use one_to_one first.")
    if pairs.size and not (pairs.min() >= 0 and pairs.max() < points):
        raise ValueError(f"pairs names row {pairs.max()}; expected rows from 0 to {points - 1}.")
    return texts, pairs
