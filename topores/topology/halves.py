"""Scale and rotation asked out of sample: fitted to half of the passages, they predict the move of the other half."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from topores.topology.factors import svd
from topores.topology.points import Numbers, as_matched_points, same_columns

SPLITS = 3
"""Random splits in halves; each passage is predicted once in each."""

PULL = 0.3
"""Pull of the fitted rotation towards none, as a share of the mean variance along a direction. Without it, a rotation
fitted to fewer passages than columns turns noise too; with it, a rotation of all directions still shows."""


class MoveLeft(NamedTuple):
    """Squared move of each passage, and what is left of it. Both clouds are centred: a move of the whole counts for
    nothing."""

    moved: Float[np.ndarray, " points"]
    by_scale: Float[np.ndarray, " points"]
    """Left by the scale of the other half: how many times as large it became."""
    by_rotation: Float[np.ndarray, " points"]
    """Left by the rotation of the other half, with the same scale."""

    @property
    def scale(self) -> float:
        """Share of the squared movement that scale predicts; below 0 if it predicts worse than no move. 0 if none."""
        return self._share(self.moved - self.by_scale)

    @property
    def rotation(self) -> float:
        """Share of it that a rotation predicts beyond scale. Without a rotation it is below 0 on average."""
        return self._share(self.by_scale - self.by_rotation)

    @property
    def rest(self) -> float:
        """Share that neither predicts."""
        return 1 - self.scale - self.rotation if self.moved.sum() else 0.0

    def _share(self, gained: Float[np.ndarray, " points"]) -> float:
        total = float(self.moved.sum())
        return float(gained.sum()) / total if total else 0.0


def predict_halves(before: Numbers, after: Numbers, *, seed: int = 0, splits: int = SPLITS) -> MoveLeft:
    """Fit scale and rotation to one half of the passages; ask the other half; and the other way round.

    The rotation maximises the inner product with the goal plus `PULL` times its own trace, which keeps directions that
    the half does not determine where they are.

    Args:
        before, after: One row per passage at two states, with equally many columns; 4 passages or more.
        seed: Seed of the splits.

    Raises:
        ValueError: Unusable points, or different shapes.

    Source:
        Cross-validation: Stone 1974, https://doi.org/10.1111/j.2517-6161.1974.tb00994.x; the rotation: Schoenemann
        1966, https://doi.org/10.1007/BF02289451, here with a ridge towards the identity.
    """
    start, goal = as_matched_points(before, after)
    same_columns(start, goal)
    if len(start) < 4:
        raise ValueError(f"{len(start)} passages have no two halves to fit and to ask; give 4 or more")
    start, goal = start - start.mean(axis=0), goal - goal.mean(axis=0)
    left = np.zeros((2, len(start)))
    shuffle = np.random.default_rng(seed)
    for _ in range(splits):
        order = shuffle.permutation(len(start))
        one, other = order[: len(order) // 2], order[len(order) // 2 :]
        for fitted, asked in ((one, other), (other, one)):
            left[:, asked] += _left_of_asked(start, goal, fitted, asked)
    by_scale, by_rotation = left / splits
    return MoveLeft(np.square(goal - start).sum(axis=1), by_scale, by_rotation)


def _left_of_asked(
    start: Float[np.ndarray, "points dim"],
    goal: Float[np.ndarray, "points dim"],
    fitted: Int[np.ndarray, " some"],
    asked: Int[np.ndarray, " others"],
) -> Float[np.ndarray, "2 others"]:
    size = float(np.square(start[fitted]).sum())
    if not size:
        return np.tile(np.square(goal[asked] - start[asked]).sum(axis=1), (2, 1))
    # The ratio of sizes. The best factor would be smaller wherever there is noise, which is no change of size.
    scale = float(np.sqrt(np.square(goal[fitted]).sum() / size))
    both = np.vstack([start[fitted], goal[fitted]])
    # Outside the span of the fitted passages the rotation is none, so it is looked for within.
    basis = np.linalg.qr(both.T)[0] if len(both) < both.shape[1] else np.eye(both.shape[1])
    own, to = start[fitted] @ basis, goal[fitted] @ basis
    pull = PULL * size / min(len(fitted), start.shape[1])
    left, _, right = svd(own.T @ to + pull * np.eye(basis.shape[1]))
    turn = left @ right
    inside = start[asked] @ basis
    turned = start[asked] + (inside @ turn - inside) @ basis.T
    return np.stack([
        np.square(goal[asked] - scale * start[asked]).sum(axis=1),
        np.square(goal[asked] - scale * turned).sum(axis=1),
    ])  # fmt: skip
