"""Two lists of fixed texts with pairs between them, and the measures that the callback and the evaluator share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Int
from sentence_transformers import SentenceTransformer

from topores.topology import (
    alignment,
    modality_gap,
    persistent_homology,
    rank_me,
    total_persistence,
    uniformity,
)

Rows1 = Float[np.ndarray, "texts_1 dim"]
Rows2 = Float[np.ndarray, "texts_2 dim"]


class FixedTexts:
    """Texts of both sides, and the aligned pairs between them.

    Args:
        texts_1: T1's texts.
        texts_2: T2's texts.
        pairs: Index pairs (into texts_1, into texts_2) of aligned texts. None pairs row i with row i.

    Raises:
        ValueError: A list is empty or a single string, or an index is out of range.
    """

    def __init__(
        self, texts_1: Sequence[str], texts_2: Sequence[str], pairs: Sequence[Sequence[int]] | None = None
    ) -> None:
        for name, texts in (("texts_1", texts_1), ("texts_2", texts_2)):
            if isinstance(texts, str) or not len(texts):
                raise ValueError(f"{name} is {texts!r:.60}; give a list of at least one text")
        self.texts_1, self.texts_2 = list(texts_1), list(texts_2)
        self.pairs = _as_pairs(pairs, len(self.texts_1), len(self.texts_2))

    def rows(self, model: SentenceTransformer, batch_size: int) -> tuple[Rows1, Rows2]:
        """Unit rows of both sides, without dropout; NaN where an embedding is zero or not finite."""
        with preserve_state(model):
            both = model.encode(self.texts_1 + self.texts_2, batch_size=batch_size, show_progress_bar=False)
        rows = both.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit[: len(self.texts_1)], unit[len(self.texts_1) :]


def geometry(rows_1: Rows1, rows_2: Rows2, pairs: Int[np.ndarray, "pairs 2"], max_degree: int) -> dict[str, float]:
    """Measures of the two clouds and their union, from unit rows; all NaN if any row is NaN.

    Returns:
        alignment (mean squared distance of the pairs, 0 to 4), uniformity (nats), rank_me (directions), modality_gap
        (distance of the centroids), and for each degree k up to max_degree h<k>_persistence: the total persistence of
        the union's finite bars, in radians.
    """
    union = np.concatenate([rows_1, rows_2])
    degrees = [f"h{degree}_persistence" for degree in range(max_degree + 1)]
    if not np.isfinite(union).all():
        return dict.fromkeys(["alignment", "uniformity", "rank_me", "modality_gap", *degrees], np.nan)
    diagrams = persistent_homology(union, metric="angle", max_degree=max_degree)
    return {
        "alignment": alignment(rows_1[pairs[:, 0]], rows_2[pairs[:, 1]]),
        "uniformity": uniformity(union),
        "rank_me": rank_me(union),
        "modality_gap": modality_gap(rows_1, rows_2),
        **{name: total_persistence(diagram) for name, diagram in zip(degrees, diagrams, strict=True)},
    }


@contextmanager
def preserve_state(model: SentenceTransformer) -> Iterator[None]:
    """Restore each module's training mode and the state of the random generators on exit."""
    modes = [(module, module.training) for module in model.modules()]
    accelerators = [model.device] if model.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=accelerators):
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def _as_pairs(pairs: Sequence[Sequence[int]] | None, n_1: int, n_2: int) -> Int[np.ndarray, "pairs 2"]:
    if pairs is None:
        if n_1 != n_2:
            raise ValueError(f"texts_1 has {n_1} texts and texts_2 has {n_2}; pass pairs to say which are aligned")
        return np.stack([np.arange(n_1)] * 2, axis=1)
    rows = np.array(pairs)
    if rows.ndim != 2 or rows.shape[1] != 2 or not len(rows) or rows.dtype.kind not in "iu":
        raise ValueError("pairs must be a non-empty list of (index into texts_1, index into texts_2), from 0")
    if rows.min() < 0 or (rows >= [n_1, n_2]).any():
        wrong = rows[(rows < 0).any(axis=1) | (rows >= [n_1, n_2]).any(axis=1)][0]
        raise ValueError(f"pairs has {tuple(wrong.tolist())}; indices go up to {n_1 - 1} and {n_2 - 1}")
    return rows
