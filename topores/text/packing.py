"""Packing: sentences to groups within a budget of tokens, in order, headings with what they title."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

FEWEST_TOKENS = 8
"""A group shorter than this is a fragment, and joins a neighbour where the budget allows."""

_MOST_HEADINGS = 3


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of one that is too long: what passages are made of."""

    start: int
    end: int
    paragraph: int
    heading: bool
    tokens: int
    """Without special tokens."""
    gap: int
    """Tokens of the white space before the next piece; 0 for most tokenizers."""
    words: bool
    """Whether it holds a letter or a digit."""


def packed(pieces: Sequence[Piece], room: int) -> list[list[Piece]]:
    """Greedy groups of pieces, in order.

    A group that is half full also ends before a paragraph that would not fit whole. Headings at
    the end of a group move on with the next piece. An empty group stands for a divider.

    Args:
        pieces: Each at most `room` tokens long.
        room: The most tokens of a group, white space inside it included.
    """
    left = _left_in_paragraph(pieces)
    groups: list[list[Piece]] = [[]]
    used = 0
    for i, piece in enumerate(pieces):
        if is_divider(piece):
            groups += [[], []]  # The empty group keeps apart what stands before and after.
            continue
        group = groups[-1]
        used = used + group[-1].gap if group else 0
        opens = bool(group) and piece.paragraph != group[-1].paragraph
        cut_short = opens and 2 * used >= room and used + left[i] > room
        if group and (used + piece.tokens > room or cut_short):
            headings = headings_at_end(group)
            moved = headings if cost([*headings, piece]) <= room else []
            groups[-1] = group[: len(group) - len(moved)]
            groups.append(list(moved))
            used = cost([*moved, piece]) - piece.tokens
        groups[-1].append(piece)
        used += piece.tokens
    return groups


def _left_in_paragraph(pieces: Sequence[Piece]) -> list[int]:
    """For each piece the tokens from it to the end of its paragraph."""
    left = [piece.tokens for piece in pieces]
    for i in range(len(pieces) - 2, -1, -1):
        if pieces[i].paragraph == pieces[i + 1].paragraph:
            left[i] += pieces[i].gap + left[i + 1]
    return left


def headings_at_end(group: Sequence[Piece]) -> list[Piece]:
    """The headings that nothing follows: three at most, and never the whole group."""
    count = 0
    while count < min(_MOST_HEADINGS, len(group) - 1) and group[-1 - count].heading:
        count += 1
    return list(group[len(group) - count :])


def cost(group: Sequence[Piece]) -> int:
    """Tokens from the first piece to the end of the last."""
    return sum(piece.tokens + piece.gap for piece in group) - (group[-1].gap if group else 0)


def is_divider(piece: Piece) -> bool:
    """A row of signs: no part of a passage."""
    return not piece.words and piece.tokens > FEWEST_TOKENS


def has_words(group: Sequence[Piece]) -> bool:
    """Whether any piece holds a letter or a digit."""
    return any(piece.words for piece in group)


def _is_fragment(group: Sequence[Piece]) -> bool:
    """A few words, headings alone, or signs alone."""
    return cost(group) < FEWEST_TOKENS or all(piece.heading for piece in group) or not has_words(group)


def without_fragments(groups: Sequence[list[Piece]], room: int) -> list[list[Piece]]:
    """Groups of a few words joined to a neighbour where both fit, else made longer by a neighbour's sentence.

    Empty groups are left out; nothing is joined across them.
    """
    joined: list[list[Piece]] = []
    for group in groups:
        before = joined[-1] if joined else []
        either = bool(before and group) and (_is_fragment(before) or _is_fragment(group))
        if either and cost(before + group) <= room:
            joined[-1] = before + group
        else:
            joined.append(list(group))
    for before, group in pairwise(joined):
        if before and group:
            _borrow(before, group, room)
    return [group for group in joined if group]


def _borrow(before: list[Piece], group: list[Piece], room: int) -> None:
    """Move the piece between two groups to the one that is a fragment, if the other remains none."""
    if _is_fragment(group) and not group[0].heading:
        longer, shorter = [before[-1], *group], before[:-1]
        if shorter and not shorter[-1].heading and not _is_fragment(shorter) and cost(longer) <= room:
            before[:], group[:] = shorter, longer
    elif _is_fragment(before):
        longer, shorter = [*before, group[0]], group[1:]
        if shorter and not _is_fragment(shorter) and cost(longer) <= room:
            before[:], group[:] = longer, shorter
