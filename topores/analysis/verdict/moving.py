"""Rotated, scaled or deformed: how the passages moved between the first and the last state."""

import numpy as np

from topores.analysis.chance import ALPHA, turned_share
from topores.analysis.movement import TextMovement, movement_of_texts
from topores.analysis.verdict import words
from topores.analysis.verdict.evidence import LOOPS, MOVE, MOVED, TURN, Evidence
from topores.analysis.verdict.part import Part, claim_since_first
from topores.analysis.verdict.shuffled import after_shuffled, beside_shuffled, p_against_shuffled
from topores.domain import Claim
from topores.phrases import Phrase
from topores.quantities import quantity

BEYOND_CHANCE = 0.1
"""Share of the movement that one rotation and scale must explain beyond chance to be called a rotation."""
DEFORMED = 0.2
"""Share of the movement that rotation and scale must leave to be called a deformation."""


def movement_of(evidence: Evidence, seed: int) -> tuple[str, Part]:
    """How much of the passages' movement one rotation and scale of all of them explain, compared with chance.

    Under chance, moves are exchanged within each text where there are two, as for the changes of every other state.
    Texts that rotated against each other rotated, too: what their own rotations explain is then no deformation.
    """
    last = evidence.states[-1].cycle
    was, now = evidence.value(LOOPS, evidence.states[0].cycle), evidence.value(LOOPS, last)
    loops = [claim_since_first(evidence, LOOPS, now, was)]
    moved, floor = evidence.value(MOVE, last), evidence.floors.get("dropout", {}).get(MOVE)
    # No residual: the states differ in width, or one of them is a single point.
    if evidence.value("procrustes.residual", last) is None or moved is None:
        return "", Part("", loops)
    if evidence.rounding is not None and moved <= evidence.rounding:
        what = Phrase("{measure}, share of their spread (null: rounding alone)", measure=quantity(MOVE).phrase)
        loops.insert(0, Claim(what, moved, evidence.rounding, None, MOVE, evidence.unit(MOVE), "rounding"))
        still = words.moved_within_rounding(moved, evidence.rounding)
        return "unchanged", Part(still, loops, Phrase("passages moved within rounding"))
    if floor is not None:
        what = Phrase("{measure}, share of their spread (null: dropout alone)", measure=quantity(MOVE).phrase)
        loops.insert(0, Claim(what, moved, floor, None, MOVE, evidence.unit(MOVE), "dropout"))
        if moved <= floor:
            still = Phrase(
                "the passages moved no further than under dropout ({moved:.2f} of their spread, dropout alone "
                "{floor:.2f})",
                moved=moved, floor=floor,
            )  # fmt: skip
            return "unchanged", Part(still, loops, Phrase("passages moved within noise"))
    n_1 = 0 if evidence.corpus is None else len(evidence.corpus.t1)
    if 1 < n_1 < len(evidence.first) - 1:
        found = movement_of_texts(evidence.first, evidence.last, n_1, seed)
        turned, by_chance, p = found.seen.shared, found.by_chance.shared, found.p.shared
        against, of_texts = _of_two_texts(found)
        left = 1 - turned - (found.seen.relative if against else 0.0)
    else:
        turned, by_chance, p = turned_share(evidence.first, evidence.last, seed)
        against, of_texts, left = "", [], 1 - turned
    claim = _share_claim(TURN, turned, by_chance, p)
    # Its p cannot be smaller than its few permutations allow.
    kinds = ["turned"] if against or (p <= ALPHA and turned - by_chance >= BEYOND_CHANCE) else []
    within = floor is not None and moved * np.sqrt(max(left, 0.0)) <= floor
    kinds += ["deformed"] if left >= DEFORMED and not within else []
    # A movement that no rotation explains beyond chance is a deformation, however small the remainder.
    movement = " and ".join(kinds) or "deformed"
    as_shuffled = p_against_shuffled(evidence, MOVED)
    title = words.movement_words(movement, as_shuffled=bool(as_shuffled) and min(as_shuffled.values()) >= ALPHA)
    shuffled: str = ""
    if TURN in as_shuffled:
        shuffled = words.turned_after_shuffled(after_shuffled(evidence, TURN), as_shuffled[TURN])
    told = Phrase(
        "{moved} (one rotation and scale explain {turned:.0%} of the movement, {by_chance:.0%} by chance{shuffled}"
        "{against}{rest})",
        moved=title, turned=turned, by_chance=by_chance, shuffled=shuffled, against=against,
        rest=Phrase("; the remainder is within dropout noise") if left >= DEFORMED and within else "",
    )  # fmt: skip
    return movement, Part(told, [claim, *of_texts, *loops, *beside_shuffled(evidence, as_shuffled)], title)


def _of_two_texts(found: TextMovement) -> tuple[str, list[Claim]]:
    """Whether the texts rotated against each other, beyond their shared rotation; words only if they did."""
    claims = [
        _share_claim(f"movement.{name}", *(getattr(part, name) for part in found[:3])) for name in ("relative", "shift")
    ]
    if found.between is None or found.between_p is None or found.between_by_chance is None:
        return "", claims
    claims.append(_share_claim("movement.between", found.between, found.between_by_chance, found.between_p))
    if found.between_p > ALPHA or found.between - found.between_by_chance < BEYOND_CHANCE:
        return "", claims
    against = Phrase(
        "; the two texts rotated against each other: {between:.0%} of the change lies between them, "
        "{by_chance:.0%} by chance",
        between=found.between, by_chance=found.between_by_chance,
    )  # fmt: skip
    return against, claims


def _share_claim(name: str, value: float, by_chance: float, p: float) -> Claim:
    """A share of the movement beside the same by chance."""
    of = Phrase("change of inner products") if name == "movement.between" else Phrase("squared movement")
    what = Phrase("{measure}, share of the {whole} (null: chance)", measure=quantity(name).phrase, whole=of)
    return Claim(what, value, by_chance, p, name, null_of="chance")
