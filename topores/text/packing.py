"""Pack sentences, in order, into groups within a token budget; headings stay with the text they introduce."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

FEWEST_TOKENS = 8
"""A group shorter than this is a fragment and is merged with a neighbour if the budget allows."""

_MOST_HEADINGS = 3


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of a sentence that is too long; passages are made of pieces."""

    start: int
    end: int
    paragraph: int
    heading: bool
    tokens: int
    """Number of tokens, without special tokens."""
    gap: int
    """Tokens of the white space before the next piece; 0 with most tokenizers."""
    words: bool
    """Whether the piece contains a letter or a digit."""


def pack_pieces(pieces: Sequence[Piece], room: int) -> list[list[Piece]]:
    """Pack pieces greedily into groups, in order.

    A group that is half full also ends before a paragraph that would not fit whole. Headings at the end of a group
    move to the next one. An empty group stands for a divider.

    Args:
        pieces: Pieces of at most `room` tokens each.
        room: Token limit of a group, including white space between its pieces.
    """
    left = _left_in_paragraph(pieces)
    groups: list[list[Piece]] = [[]]
    used = 0
    for i, piece in enumerate(pieces):
        if is_divider(piece):
            groups += [[], []]  # The empty group separates the text before and after.
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
    """For each piece, the tokens from its start to the end of its paragraph."""
    left = [piece.tokens for piece in pieces]
    for i in range(len(pieces) - 2, -1, -1):
        if pieces[i].paragraph == pieces[i + 1].paragraph:
            left[i] += pieces[i].gap + left[i + 1]
    return left


def headings_at_end(group: Sequence[Piece]) -> list[Piece]:
    """The headings at the end of a group: at most three, and never the whole group."""
    count = 0
    while count < min(_MOST_HEADINGS, len(group) - 1) and group[-1 - count].heading:
        count += 1
    return list(group[len(group) - count :])


def cost(group: Sequence[Piece]) -> int:
    """Tokens from the first piece to the end of the last."""
    return sum(piece.tokens + piece.gap for piece in group) - (group[-1].gap if group else 0)


def is_divider(piece: Piece) -> bool:
    """Whether the piece is a row of signs such as "-----", which belongs to no passage."""
    return not piece.words and piece.tokens > FEWEST_TOKENS


def has_words(group: Sequence[Piece]) -> bool:
    """Whether any piece contains a letter or a digit."""
    return any(piece.words for piece in group)


def _is_fragment(group: Sequence[Piece]) -> bool:
    """Whether a group has only a few words, only headings, or only signs."""
    return cost(group) < FEWEST_TOKENS or all(piece.heading for piece in group) or not has_words(group)


def merge_fragments(groups: Sequence[list[Piece]], room: int) -> list[list[Piece]]:
    """Merge fragments with a neighbour if both fit, or else extend them by a neighbour's sentence.

    Empty groups are removed; nothing is merged across them.
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
    """Move the piece between two groups to the one that is a fragment, unless that makes the other a fragment."""
    if _is_fragment(group) and not group[0].heading:
        longer, shorter = [before[-1], *group], before[:-1]
        if shorter and not shorter[-1].heading and not _is_fragment(shorter) and cost(longer) <= room:
            before[:], group[:] = shorter, longer
    elif _is_fragment(before):
        longer, shorter = [*before, group[0]], group[1:]
        if shorter and not _is_fragment(shorter) and cost(longer) <= room:
            before[:], group[:] = longer, shorter
