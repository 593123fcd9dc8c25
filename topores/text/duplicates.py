"""Texts that repeat each other as an encoder reads them: but for case, blanks and Unicode form, or for a few words."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from numpy.lib.stride_tricks import sliding_window_view
from scipy import sparse
from scipy.sparse.csgraph import connected_components

LEAST_COMMON = 0.7
"""Least Jaccard similarity of the 8-character shingles of two texts that repeat each other: of a sentence of 25 words,
about two are others."""

_SHINGLE = 8
_SHORTEST = 40
"""Shorter texts repeat each other if they are equal only: one word is most of what they say."""

_BANDS, _ROWS = 16, 4
_PRIME = np.uint64(2**31 - 1)

Edges = Int[np.ndarray, "_ 2"]


def reading_key(text: str) -> str:
    """What is equal in texts that differ in case, blanks and Unicode form only.

    >>> reading_key("A  ﬁne\\u00a0Trial") == reading_key("a fine trial")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def find_copies(texts: Sequence[str]) -> tuple[Edges, Edges]:
    """Pairs of texts that are equal by `reading_key`, and pairs that differ in a few words.

    Each copy is paired with one other of its kind, so that pairs join all copies.

    Source:
        MinHash with bands: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3.
    """
    first: dict[str, int] = {}
    keys = [reading_key(text) for text in texts]
    equal = [(first[key], i) for i, key in enumerate(keys) if first.setdefault(key, i) != i]
    return _edges(equal), _edges(_near_pairs(list(first), list(first.values())))


def join_copies(texts: Sequence[str]) -> Int[np.ndarray, " texts"]:
    """A number for each text, equal for texts that repeat each other, directly or through others."""
    return connected_groups(np.concatenate(find_copies(texts)), len(texts))


def connected_groups(edges: Edges, count: int) -> Int[np.ndarray, " count"]:
    """A number for each of `count` things, equal for those that edges join, directly or through others."""
    joined = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1])


def _edges(pairs: list[tuple[int, int]]) -> Edges:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _near_pairs(keys: list[str], places: list[int]) -> list[tuple[int, int]]:
    shingles = [_shingles(key) for key in keys]
    long_enough = [i for i, own in enumerate(shingles) if len(own)]
    sketches = {i: _sketch(shingles[i]) for i in long_enough}
    found: dict[tuple[int, int], None] = {}
    for band in range(_BANDS):
        bucket: dict[bytes, int] = {}
        for i in long_enough:
            other = bucket.setdefault(sketches[i][band * _ROWS : (band + 1) * _ROWS].tobytes(), i)
            if other != i and (other, i) not in found and _jaccard(shingles[other], shingles[i]) >= LEAST_COMMON:
                found[other, i] = None
    return [(places[i], places[j]) for i, j in sorted(found)]


def _shingles(key: str) -> np.ndarray:
    """Hashes of all stretches of 8 characters, without repeats; none for a short text."""
    if len(key) < _SHORTEST:
        return np.zeros(0, dtype=np.uint64)
    codes = np.frombuffer(key.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    powers = np.uint64(1_000_003) ** np.arange(_SHINGLE, dtype=np.uint64)
    # Products wrap around at 2^64, which hashes well enough.
    mixed = (sliding_window_view(codes, _SHINGLE) * powers).sum(axis=1, dtype=np.uint64)
    return np.unique((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(33))


def _sketch(shingles: np.ndarray) -> np.ndarray:
    """The least hash of the shingles under 64 functions: two texts agree in one with their Jaccard similarity."""
    draws = np.random.default_rng(0).integers(1, int(_PRIME), size=(2, _BANDS * _ROWS)).astype(np.uint64)
    hashed = (shingles[:, None] % _PRIME * draws[0] + draws[1]) % _PRIME
    return np.asarray(hashed.min(axis=0))


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)
