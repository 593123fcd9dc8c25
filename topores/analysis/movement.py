"""How two texts moved between two states: the parts of their movement, beside what chance gives."""

from typing import NamedTuple

import numpy as np

from topores import topology
from topores.analysis.chance import SHUFFLES, Rows, handed_on, p_of_draws
from topores.topology.movement import MovementSplit, without_shared_rotation
from topores.topology.points import unit_rows


class TextMovement(NamedTuple):
    seen: MovementSplit
    by_chance: MovementSplit
    """Means over the draws; they need not add to 1, for the shift has draws of its own."""
    p: MovementSplit
    """How often chance comes as far: to as much or more of a share; of deformation, to as little or less."""
    between: float | None
    """Share of the change of inner products that lies between the texts; None if none changed. 1: one text was turned
    against the other, and neither changed its shape."""
    between_by_chance: float | None
    between_p: float | None
    """How often chance puts as much between the texts. This tells a relative rotation from a shared one."""
    angle: float | None
    """Mean angle between the two texts' own rotations in radians, where there are directions that both determine."""


def movement_of_texts(before: Rows, after: Rows, n_1: int, seed: int, draws: int = SHUFFLES) -> TextMovement:
    """How the movement of two texts divides, the same by chance, and p.

    By chance, every passage is handed the move of another one of its own text. For the shift, which that would leave
    nearly as it is, it is one of either text. What lies between the texts is held against two: the same moves, and
    those that are left once the best rotation of all passages is undone. The larger p counts, so that it holds for
    moves of any length and for texts that share a rotation.

    Args:
        before, after: Rows of all passages at two states, T1's first. They are taken to unit length.
        n_1: Passages of T1.
        draws: How often moves are handed on; no p is below 1 / (1 + draws).
    """
    before, after = (unit_rows(rows) for rows in (before, after))
    left = without_shared_rotation(before, after)
    origin = topology.MovementFrom(before[:n_1], before[n_1:])
    shuffle = np.random.default_rng(seed)
    chance, between_chance = [], []
    for _ in range(draws):
        within = np.concatenate([shuffle.permutation(n_1), n_1 + shuffle.permutation(len(after) - n_1)])
        either = shuffle.permutation(len(after))
        ends, ends_of_either = (handed_on(before, after, order) for order in (within, either))
        shift = origin.shift(ends_of_either[:n_1], ends_of_either[n_1:])
        chance.append(origin.split(ends[:n_1], ends[n_1:])._replace(shift=shift))
        between_chance.append([_between(before, ends, n_1), _between(left[0], handed_on(*left, within), n_1)])
    seen, between = origin.split(after[:n_1], after[n_1:]), _between(before, after, n_1)
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


def _between(before: Rows, after: Rows, n_1: int) -> float:
    return topology.change_between_texts(before[:n_1], before[n_1:], after[:n_1], after[n_1:])


def _angle(before: Rows, after: Rows, n_1: int) -> float | None:
    texts = [before[:n_1], before[n_1:], after[:n_1], after[n_1:]]
    if any((rows == rows[0]).all() for rows in texts):
        return None  # a single point has no rotation
    between = topology.relative_rotation_angles(*texts)
    return between.mean if len(between.angles) else None
