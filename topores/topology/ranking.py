"""Distances as integer ranks, which engines that compute in float32 can represent exactly."""

import numpy as np
from jaxtyping import Float, Int

EXACT_INTEGERS = 2**24
"""Integers up to this are exact in float32, in which the engines compute."""

KEY_BITS = 63


class Ranking:
    """The rank of each distance among all of them, and the way back to float64.

    The pairing of births with deaths depends only on the order of the distances. Ranks are integers, exact in float32
    at any scale of the points: 0 for a distance of 0, equal for equal distances, ascending otherwise. With more than
    `EXACT_INTEGERS` different distances, adjacent ones are merged.

    Args:
        distances: Finite distances of all pairs, 0 or more.
    """

    def __init__(self, distances: Float[np.ndarray, " pairs"]) -> None:
        order, ordered = argsort_distances(distances)
        places = _first_of_equals(ordered)
        if len(distances) >= EXACT_INTEGERS:
            places, order_of_ranks = _dense_ranks(places, order)
        else:
            order_of_ranks = order
        zeros = int(np.searchsorted(ordered, 0, side="right"))
        numbers = places + 1
        numbers[:zeros] = 0
        self._merged = -(-(len(order_of_ranks) + 1) // EXACT_INTEGERS)
        self._distances, self._order, self._order_of_ranks = distances, order, order_of_ranks
        self.ranks = np.empty(len(distances), dtype=np.float32)
        """One rank per distance."""
        self.ranks[order] = numbers // self._merged if self._merged > 1 else numbers

    def lengths(self, ranks: np.ndarray) -> Float[np.ndarray, "..."]:
        """The distances that have these ranks; inf stays inf."""
        found = np.full(ranks.shape, np.inf)
        finite = np.isfinite(ranks)
        places = ranks[finite].astype(np.int64) * self._merged
        found[finite] = np.where(places > 0, self._distances[self._order_of_ranks[np.maximum(places - 1, 0)]], 0.0)
        return found

    def last_up_to(self, length: float) -> float:
        """The rank of the longest distance up to `length`; inf if that is all of them."""
        within = int(np.searchsorted(self._distances, length, side="right", sorter=self._order))
        if within == len(self._order):
            return np.inf
        return float(self.ranks[self._order[within - 1]]) if within else 0.0


def argsort_distances(
    distances: Float[np.ndarray, " pairs"],
) -> tuple[Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Stable argsort, several times faster than numpy's, and the sorted distances.

    Sorts integer keys whose high bits are the distance and whose low bits are the index.

    Args:
        distances: 0 or more, finite.
    """
    bits = len(distances).bit_length()
    top = int(np.frexp(distances.max(initial=0.0))[1])
    if not -900 < top < 900:
        order = np.argsort(distances, kind="stable")
        return order, distances[order]
    # Scaled by a power of two and truncated to integers: sorted, except where truncation made keys equal.
    keys = (distances * 2.0 ** (KEY_BITS - bits - top)).astype(np.int64)
    keys <<= bits
    keys |= np.arange(len(keys))
    keys.sort()
    order = keys & ((1 << bits) - 1)
    ordered = distances[order]
    if (ordered[1:] < ordered[:-1]).any():
        keys >>= bits
        _sort_equals(order, ordered, keys)
    return order, ordered


def _sort_equals(
    order: Int[np.ndarray, " pairs"], ordered: Float[np.ndarray, " pairs"], keys: Int[np.ndarray, " pairs"]
) -> None:
    """Sort runs of equal keys by distance."""
    equal = keys[1:] == keys[:-1]
    runs = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    within = runs[np.lexsort((ordered[runs], keys[runs]))]
    order[runs], ordered[runs] = order[within], ordered[within]


def _first_of_equals(ordered: Float[np.ndarray, " pairs"]) -> Int[np.ndarray, " pairs"]:
    """For each sorted position, the first position with the same distance."""
    places = np.arange(len(ordered))
    equal = ordered[1:] == ordered[:-1]
    if equal.any():
        places[1:][equal] = 0
        np.maximum.accumulate(places, out=places)
    return places


def _dense_ranks(
    firsts: Int[np.ndarray, " pairs"], order: Int[np.ndarray, " pairs"]
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " distinct"]]:
    """Consecutive ranks without gaps for ties, and the sorted position of each rank's distance."""
    is_first = firsts == np.arange(len(firsts))
    return is_first.cumsum() - 1, order[is_first]
