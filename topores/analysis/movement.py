"""How two texts moved between two states: the parts of their movement, and the same parts by chance."""

from typing import NamedTuple

import numpy as np

from topores import topology
from topores.analysis.chance import SHUFFLES, Rows, with_moves_of
from topores.sign_flips import p_of_draws
from topores.topology.movement import MovementSplit, without_shared_rotation
from topores.topology.points import unit_rows


class TextMovement(NamedTuple):
    seen: MovementSplit
    by_chance: MovementSplit
    """Means over the draws. They need not add up to 1, because the shift has its own draws."""
    p: MovementSplit
    """p of each part: how often chance gives as large a share, or for deformation as small a share."""
    between: float | None
    """Share of the change of inner products that lies between the texts; None if none changed. 1: one text rotated
    against the other, and neither changed its shape."""
    between_by_chance: float | None
    between_p: float | None
    """How often chance puts as much of it between the texts. It tells a relative rotation from a shared one."""
    angle: float | None
    """Mean angle between the rotations of the two texts in radians, over the directions that both determine."""


def movement_of_texts(before: Rows, after: Rows, n_1: int, seed: int, draws: int = SHUFFLES) -> TextMovement:
    """Parts of the movement of two texts, the same by chance, and p.

    Under chance, every passage is given the move of another passage of its own text. For the shift, which that would
    hardly change, it is a passage of either text. The change between the texts is compared with two nulls: the same
    moves, and the moves left after the best rotation of all passages is undone. The larger p counts, so that the test
    holds for moves of any length and for texts that share a rotation.

    Args:
        before, after: Rows of all passages at two states, T1's first. They are scaled to unit length.
        n_1: Passages of T1.
        draws: Number of permutations; no p is smaller than 1 / (1 + draws).
    """
    before, after = (unit_rows(rows) for rows in (before, after))
    left = without_shared_rotation(before, after)
    origin = topology.MovementFrom(before[:n_1], before[n_1:])
    shuffle = np.random.default_rng(seed)
    chance, between_chance = [], []
    for _ in range(draws):
        within = np.concatenate([shuffle.permutation(n_1), n_1 + shuffle.permutation(len(after) - n_1)])
        either = shuffle.permutation(len(after))
        ends, ends_of_either = (with_moves_of(before, after, order) for order in (within, either))
        shift = origin.shift(ends_of_either[:n_1], ends_of_either[n_1:])
        chance.append(origin.split(ends[:n_1], ends[n_1:])._replace(shift=shift))
        between_chance.append(
            [_turn_between(before, ends, n_1), _turn_between(left[0], with_moves_of(*left, within), n_1)]
        )
    seen, between = origin.split(after[:n_1], after[n_1:]), _turn_between(before, after, n_1)
    shares, between_shares = np.array(chance), np.nan_to_num(between_chance)
    far = shares >= np.array(seen) - 1e-12
    far[:, -1] = shares[:, -1] <= seen.deformation + 1e-12
    changed = not np.isnan(between)
    return TextMovement(
        seen,
        MovementSplit(*shares.mean(axis=0).tolist()),
        MovementSplit(*p_of_draws(far).tolist()),
        between if changed else None,
        float(between_shares.mean(axis=0).max()) if changed else None,
        float(p_of_draws(between_shares >= between - 1e-12).max()) if changed else None,
        _angle(before, after, n_1),
    )


def _turn_between(before: Rows, after: Rows, n_1: int) -> float:
    return topology.change_between_texts(before[:n_1], before[n_1:], after[:n_1], after[n_1:])


def _angle(before: Rows, after: Rows, n_1: int) -> float | None:
    texts = [before[:n_1], before[n_1:], after[:n_1], after[n_1:]]
    if any((rows == rows[0]).all() for rows in texts):
        return None  # a single point has no rotation
    between = topology.relative_rotation_angles(*texts)
    return between.mean if len(between.angles) else None
