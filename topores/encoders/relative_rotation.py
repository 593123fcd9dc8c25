"""The rotation of T1 against T2 in closed form: the yardstick for what a trained rotation finds."""

import numpy as np
import torch

from topores.backbones.pooled_views import BATCH_SIZE, LEARNING_RATE, HeadEncoder, with_head
from topores.config import TrainConfig
from topores.domain import Corpus
from topores.encoders.rotation import CANNOT_CHANGE
from topores.modules.rotation import Rotation

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "RelativeRotation", "build"]


class RelativeRotation(HeadEncoder):
    """A one-sided rotation that is solved at once from the aligned pairs to train on, by Procrustes."""

    closed_form = True

    def solve(self, corpus: Corpus) -> None:
        """Make Q the orthogonal matrix that minimises the weighted sum of |Q a - b|^2 over aligned pairs (a, b).

        Rows are of unit length. Dimensions that no pair reaches are turned as little as can be.

        Source:
            Schönemann 1966, https://doi.org/10.1007/BF02289451.
        """
        head = self.head
        assert isinstance(head, Rotation)
        head.matrix = torch.eye(head.dim, device=head.matrix.device)
        chosen, pairs = corpus.pairs_in("train"), corpus.pairs
        a, b = (
            self.encode([passages[i].text for i in side[chosen]]).astype(np.float64)
            for passages, side in ((corpus.t1, pairs.t1), (corpus.t2, pairs.t2))
        )
        covariance = b.T @ (pairs.weight[chosen, None] * a)
        # Pairs fewer than dimensions leave many rotations equally good: a trace of the identity picks the smallest.
        left, _, right = np.linalg.svd(covariance + 1e-6 * np.eye(head.dim))
        head.matrix = torch.from_numpy(left @ right).to(head.matrix)


def build(config: TrainConfig, device: str) -> HeadEncoder:
    """The base model of `config` under a rotation of T1 that is solved, not trained.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return with_head(config, device, Rotation, RelativeRotation, cannot_change=CANNOT_CHANGE)
