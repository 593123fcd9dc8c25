"""Moved as a whole, scaled, rotated or deformed: how the passages moved between the first and the last state.

A rotation is claimed only beyond scale, out of sample, and beyond dropout's where there is dropout.
"""

from typing import NamedTuple

import numpy as np

from topores.analysis.chance import share_interval, turned_share
from topores.analysis.floors import DROPOUT, LEAST_MOVE
from topores.analysis.movement import TextMovement, movement_of_texts
from topores.analysis.verdict import words
from topores.analysis.verdict.evidence import ANGLE, LOOPS, MOVE, MOVED, SCALE, TURN, Evidence
from topores.analysis.verdict.part import Part, claim_since_first
from topores.analysis.verdict.shuffled import after_shuffled, beside_shuffled, p_against_shuffled
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity
from topores.sign_flips import ALPHA, sign_flip_p
from topores.topology.halves import MoveLeft, predict_halves
from topores.topology.points import unit_rows

LEAST_SHARE = 0.1
"""Share of the movement that scale or a rotation must predict to be named."""
DEFORMED = 0.2
"""Share of the movement that rotation and scale must leave to be called a deformation."""
AS_A_WHOLE = 0.8
"""Share of the squared way of all passages that their common way must be, if they moved as a whole."""
LEAST_SIZE = 0.02
"""Least change of size that is named, as a share."""
FEWEST = 8
"""Passages below which a half is too small to fit a rotation to."""


def movement_of(evidence: Evidence, seed: int) -> tuple[str, Part]:
    """What kind of movement it was, with its shares, their intervals and the same after shuffled pairings."""
    first, last = (evidence.states[i].cycle for i in (0, -1))
    loops = [claim_since_first(evidence, LOOPS, evidence.value(LOOPS, last), evidence.value(LOOPS, first))]
    moved = evidence.value(MOVE, last)
    # No residual: the states differ in width, or one of them is a single point.
    if evidence.value("procrustes.residual", last) is None or moved is None:
        return "", Part("", loops)
    before, after = unit_rows(evidence.first), unit_rows(evidence.last)
    if rest := _at_rest(evidence, moved, loops):
        return "unchanged", rest
    as_large = abs(_size(before, after) - 1) < LEAST_SIZE
    if as_large and moved < DEFORMED and (common := _common_way(before, after)) >= AS_A_WHOLE:
        return "moved as a whole", _moved_as_a_whole(common, moved, loops)
    if rest := _within_dropout(evidence, moved, loops):
        return "unchanged", rest
    if len(before) < FEWEST:
        few = Phrase("the passages moved, but {n} are too few to tell a rotation from a deformation", n=len(before))
        return "", Part(few, loops)
    return _kinds(evidence, before, after, moved, loops, seed)


def _at_rest(evidence: Evidence, moved: float, loops: list[Claim]) -> Part | None:
    """Within what storage and layout make of it, or too little to be worth naming."""
    floor = evidence.rounding
    if floor is not None and moved <= floor:
        what = Phrase("{measure}, share of their spread (null: rounding alone)", measure=quantity(MOVE).phrase)
        claim = Claim(what, moved, floor, None, MOVE, evidence.unit(MOVE), "rounding")
        told = words.moved_within_rounding(moved, floor)
        return Part(told, [claim, *loops], Phrase("passages moved within rounding"))
    if moved <= LEAST_MOVE and _way_of_all(evidence) <= LEAST_MOVE:
        what = Phrase("{measure}, share of their spread (null: least worth naming)", measure=quantity(MOVE).phrase)
        claim = Claim(what, moved, LEAST_MOVE, None, MOVE, evidence.unit(MOVE), "least")
        told = words.moved_too_little(moved, LEAST_MOVE)
        return Part(told, [claim, *loops], Phrase("passages hardly moved"))
    return None


def _way_of_all(evidence: Evidence) -> float:
    """Movement of the passages with that of their centre, as a share of their spread."""
    before, after = unit_rows(evidence.first), unit_rows(evidence.last)
    return float(np.linalg.norm(after - before) / np.linalg.norm(before - before.mean(axis=0)))


def _common_way(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the squared way of all passages that is the way of their centre."""
    way = after - before
    return float(len(way) * np.square(way.mean(axis=0)).sum() / np.square(way).sum())


def _moved_as_a_whole(common: float, moved: float, loops: list[Claim]) -> Part:
    claim = _claim("movement.common", common, 0.0, None)
    told = Phrase(
        "the space moved as a whole ({common:.0%} of the squared way is common to all passages; within, they moved "
        "{moved:.2f} of their spread)",
        common=common, moved=moved,
    )  # fmt: skip
    return Part(told, [claim, *loops], Phrase("the space moved as a whole"))


def _within_dropout(evidence: Evidence, moved: float, loops: list[Claim]) -> Part | None:
    floor = evidence.floors.get(DROPOUT, {}).get(MOVE)
    if floor is None:
        return None
    what = Phrase("{measure}, share of their spread (null: dropout alone)", measure=quantity(MOVE).phrase)
    loops.insert(0, Claim(what, moved, floor, None, MOVE, evidence.unit(MOVE), "dropout"))
    if moved > floor:
        return None
    told = Phrase(
        "the passages moved no further than under dropout ({moved:.2f} of their spread, dropout alone {floor:.2f})",
        moved=moved, floor=floor,
    )  # fmt: skip
    return Part(told, loops, Phrase("passages moved within noise"))


def _kinds(
    evidence: Evidence, before: np.ndarray, after: np.ndarray, moved: float, loops: list[Claim], seed: int
) -> tuple[str, Part]:
    """Scaled, rotated, deformed, or several of them; what none of these explains is a deformation."""
    asked = predict_halves(before, after, seed=seed)
    scale, rotation = (
        _share_of(gained, asked, seed)
        for gained in (asked.moved - asked.by_scale, asked.by_scale - asked.by_rotation)
    )  # fmt: skip
    texts = _texts(evidence, before, after, seed)
    size = _size(before, after)
    scaled = abs(size - 1) >= LEAST_SIZE and scale.value >= LEAST_SHARE and scale.low > 0
    turned = texts.against or (rotation.value >= LEAST_SHARE and rotation.p < ALPHA and _beyond_dropout(evidence))
    # With fewer passages than columns, half of them do not determine a rotation: then all are asked what it leaves.
    left = texts.left if turned else 1 - scale.value - max(rotation.value, 0.0)
    floor = evidence.floors.get(DROPOUT, {}).get(MOVE)
    within = floor is not None and moved * np.sqrt(max(left, 0.0)) <= floor
    kinds = [name for name, holds in (("scaled", scaled), ("turned", turned)) if holds]
    if (left >= DEFORMED and not within) or not kinds:
        kinds.append("deformed")
    as_shuffled = p_against_shuffled(evidence, MOVED)
    alike = bool(as_shuffled) and min(as_shuffled.values()) >= ALPHA
    title = words.movement_words(kinds, size, as_shuffled=alike)
    told = Phrase(
        "{moved} (asked of the other half of the passages, scale predicts {scale} of the movement and a rotation "
        "{rotation} more{shuffled}{against}{rest})",
        moved=title, scale=words.share(*scale[:3]), rotation=words.share(*rotation[:3]),
        shuffled=_shuffled_words(evidence, as_shuffled), against=texts.against,
        rest=Phrase("; the remainder is within dropout noise") if left >= DEFORMED and within else "",
    )  # fmt: skip
    claims = [
        _claim(SCALE, scale.value, 0.0, scale.p, scale.low, scale.high),
        _claim(TURN, rotation.value, 0.0, rotation.p, rotation.low, rotation.high),
        *_angle_claims(evidence), *texts.claims, *loops, *beside_shuffled(evidence, as_shuffled),
    ]  # fmt: skip
    return " and ".join(kinds), Part(told, claims, title)


class _Share(NamedTuple):
    value: float
    low: float
    high: float
    p: float
    """Chance of it if the passages are predicted no better with it than without."""


def _share_of(gained: np.ndarray, asked: MoveLeft, seed: int) -> _Share:
    total = float(asked.moved.sum())
    if not total:
        return _Share(0.0, 0.0, 0.0, 1.0)
    low, high = share_interval(gained, asked.moved, seed)
    return _Share(float(gained.sum()) / total, low, high, sign_flip_p(gained, seed))


def _size(before: np.ndarray, after: np.ndarray) -> float:
    """How many times as large the cloud became."""
    was, now = (float(np.linalg.norm(rows - rows.mean(axis=0))) for rows in (before, after))
    return now / was


def _beyond_dropout(evidence: Evidence) -> bool:
    """Whether the mean rotation is larger than that between two draws of dropout, where there is any."""
    angle, floor = (
        evidence.value(ANGLE, evidence.states[-1].cycle),
        evidence.floors.get(DROPOUT, {}).get(ANGLE),
    )
    return angle is None or floor is None or angle > floor


def _angle_claims(evidence: Evidence) -> list[Claim]:
    angle, floor = (
        evidence.value(ANGLE, evidence.states[-1].cycle),
        evidence.floors.get(DROPOUT, {}).get(ANGLE),
    )
    if angle is None or floor is None:
        return []
    what = Phrase("{measure} (null: dropout alone)", measure=quantity(ANGLE).phrase)
    return [Claim(what, angle, floor, None, ANGLE, evidence.unit(ANGLE), "dropout")]


def _shuffled_words(evidence: Evidence, p: dict[str, float]) -> str:
    if TURN not in p or SCALE not in p:
        return ""
    return words.moved_after_shuffled(
        after_shuffled(evidence, SCALE), p[SCALE], after_shuffled(evidence, TURN), p[TURN]
    )


class _Texts(NamedTuple):
    """What rotations of all passages, or of each text, leave of their movement when fitted to all of them."""

    left: float
    claims: list[Claim]
    against: Phrase | str
    """Words for texts that rotated against each other; empty if they did not, or if there is one text."""


def _texts(evidence: Evidence, before: np.ndarray, after: np.ndarray, seed: int) -> _Texts:
    """Texts that rotated against each other rotated, too: what their own rotations explain is then no deformation."""
    n_1 = evidence.texts["T1"].stop if evidence.texts else 0
    if not 1 < n_1 < len(before) - 1:
        return _Texts(1 - turned_share(before, after, seed)[0], [], "")
    found = movement_of_texts(before, after, n_1, seed)
    against, claims = _of_two_texts(found)
    return _Texts(1 - found.seen.shared - (found.seen.relative if against else 0.0), claims, against)


def _of_two_texts(found: TextMovement) -> tuple[Phrase | str, list[Claim]]:
    """Whether the texts rotated against each other, beyond their shared rotation; words only if they did."""
    claims = [
        _claim(f"movement.{name}", *(getattr(part, name) for part in found[:3])) for name in ("relative", "shift")
    ]
    if found.between is None or found.between_p is None or found.between_by_chance is None:
        return "", claims
    claims.append(_claim("movement.between", found.between, found.between_by_chance, found.between_p))
    # Its p cannot be smaller than its few permutations allow.
    if found.between_p > ALPHA or found.between - found.between_by_chance < LEAST_SHARE:
        return "", claims
    against = Phrase(
        "; the two texts rotated against each other: {between:.0%} of the change lies between them, "
        "{by_chance:.0%} by chance",
        between=found.between, by_chance=found.between_by_chance,
    )  # fmt: skip
    return against, claims


def _claim(
    name: str, value: float, by_chance: float, p: float | None, low: float | None = None, high: float | None = None
) -> Claim:
    """A share of the movement beside the same by chance."""
    of = Phrase("change of inner products") if name == "movement.between" else Phrase("squared movement")
    what = Phrase("{measure}, share of the {whole} (null: chance)", measure=quantity(name).phrase, whole=of)
    return Claim(what, value, by_chance, p, name, null_of="chance", low=low, high=high)
