"""What collapsed, memorised and stalled mean: one rule each, for warnings while training, the verdict and --fail-on."""

from typing import NamedTuple

ONE_PLACE = -0.5
"""Uniformity above this is a mean cosine over about 0.87. Shuffled pairs contract the space to -1.25 before they widen
it again, so a contraction alone is not a fault."""

SHARE_OF_UNIFORMITY = 0.5
"""An untrained space may already be narrow, so uniformity must also be nearer to 0 than this share of its start."""

SHARE_OF_RANK = 0.25
"""Runs that learn keep nine tenths of RankMe or more. Uniformity does not detect a loss of directions, since a space
with a quarter of them can still be wide."""

FOUND = 0.9
"""MRR from which training pairs count as retrieved almost perfectly."""

SHARE_FOUND = 0.5
"""A base may find most training pairs untrained, so this share of what was missing must be found as well."""

MEMORISED_BELOW = 0.02
"""Gain in MRR of unseen partners that must be excluded: an interval that holds larger ones says that too little is
known, and not that nothing was learned."""

FEW_GROUPS = 10
"""Independent groups of held-out pairs below which it says nothing that none of them changed."""

STILL = 1e-3
"""Mean 1 - p, which scales the gradient: less than a thousandth of that of a pair that is not found at all."""

ROUNDING = 1e-9
"""MRRs of equally many queries count as equal up to this."""


FEW_PASSAGES = 5
"""Passages of one text below which its spread is not judged by itself: RankMe is at most their number."""


class Spread(NamedTuple):
    """How wide a cloud is; None where it was not measured."""

    uniformity: float | None
    rank_me: float | None


class Retrieval(NamedTuple):
    """MRR of the pairs in training and of those held out, mean of both directions; None where there are none."""

    train: float | None
    held_out: float | None


def in_one_place(before: Spread, now: Spread) -> bool:
    """Whether all passages came to lie in nearly one place."""
    if before.uniformity is None or now.uniformity is None:
        return False
    return now.uniformity > max(ONE_PLACE, SHARE_OF_UNIFORMITY * before.uniformity)


def in_few_directions(before: Spread, now: Spread) -> bool:
    """Whether few of the space's directions are left."""
    if before.rank_me is None or now.rank_me is None:
        return False
    return now.rank_me < SHARE_OF_RANK * before.rank_me


def is_collapsed(before: Spread, now: Spread) -> bool:
    """Whether a space that was `before` has collapsed: into one place, or to few directions."""
    return in_one_place(before, now) or in_few_directions(before, now)


def knows_training_pairs(before: Retrieval, now: Retrieval) -> bool:
    """Whether training has made the training pairs retrievable almost perfectly."""
    if before.train is None or now.train is None:
        return False
    expected = max(FOUND, before.train + SHARE_FOUND * (1 - before.train))
    return now.train >= expected - ROUNDING and now.train > before.train


def is_memorised(before: Retrieval, now: Retrieval, most: float, groups: int) -> bool:
    """Whether the training pairs were learned by heart, and a gain for unseen partners is excluded.

    Args:
        most: Upper end of the 95 % interval of the gain for unseen partners.
        groups: Independent groups of unseen pairs. Few of them can all keep their ranks by chance.
    """
    if before.held_out is None:
        return False
    # Where unseen partners are found at once, there is nothing to gain.
    room = before.held_out <= 1 - MEMORISED_BELOW
    excluded = most < MEMORISED_BELOW if groups >= FEW_GROUPS else most < 0
    return room and excluded and knows_training_pairs(before, now)
