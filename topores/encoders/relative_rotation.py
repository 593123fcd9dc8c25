"""The rotation of T1 relative to T2 in closed form, as a baseline for trained rotations."""

import numpy as np
import torch

from topores.backbones.pooled_views import BATCH_SIZE, LEARNING_RATE, HeadEncoder, with_head
from topores.config import TrainConfig
from topores.domain import SIDES, Corpus
from topores.encoders.rotation import CANNOT_CHANGE
from topores.modules.rotation import Rotation

__all__ = ["BATCH_SIZE", "LEARNING_RATE", "RelativeRotation", "build"]


class RelativeRotation(HeadEncoder):
    """A rotation of T1 computed by Procrustes from the aligned training pairs."""

    closed_form = True

    def solve(self, corpus: Corpus) -> None:
        """Set Q to the orthogonal matrix that minimises the weighted sum of |Q a - b|^2 over aligned pairs (a, b).

        Rows have unit length. In directions that no pair determines, Q is as near to the identity as possible.

        Source:
            Schönemann 1966, https://doi.org/10.1007/BF02289451.
        """
        head = self.head
        assert isinstance(head, Rotation)
        head.matrix = torch.eye(head.dim, device=head.matrix.device)
        chosen, pairs = corpus.pairs_in("train"), corpus.pairs
        a, b = (
            self.encode([passages[i].text for i in place[chosen]], [side] * len(chosen)).astype(np.float64)
            for side, passages, place in ((SIDES[0], corpus.t1, pairs.t1), (SIDES[1], corpus.t2, pairs.t2))
        )
        covariance = b.T @ (pairs.weight[chosen, None] * a)
        # With fewer pairs than dimensions many rotations are optimal; adding a little identity picks the smallest.
        left, _, right = np.linalg.svd(covariance + 1e-6 * np.eye(head.dim))
        head.matrix = torch.from_numpy(left @ right).to(head.matrix)


def build(config: TrainConfig, device: str) -> HeadEncoder:
    """The base model of `config` with a rotation of T1 that is computed, not trained.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    return with_head(config, device, Rotation, RelativeRotation, cannot_change=CANNOT_CHANGE)
