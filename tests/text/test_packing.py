"""Packing by hand: groups, headings that move to the next group, merged fragments."""

from hypothesis import given
from hypothesis import strategies as st

from topores.text.packing import FEWEST_TOKENS, Piece, cost, merge_fragments, pack_pieces


def pieces(*tokens: int, paragraphs: str = "", headings: str = "", gap: int = 0) -> list[Piece]:
    """Pieces of these lengths; a negative length is a row of signs, "x" in `headings` marks a heading."""
    return [
        Piece(i, i + 1, int(paragraphs[i]) if paragraphs else 0, headings[i : i + 1] == "x", abs(n), gap, n > 0)
        for i, n in enumerate(tokens)
    ]


def lengths(groups: list[list[Piece]]) -> list[list[int]]:
    return [[piece.tokens for piece in group] for group in groups]


def test_groups_are_greedy() -> None:
    assert lengths(pack_pieces(pieces(40, 40, 20, 30, 60, 20), 100)) == [[40, 40, 20], [30, 60], [20]]


def test_gaps_count_within_a_group_only() -> None:
    assert lengths(pack_pieces(pieces(45, 50, 45, 50, gap=5), 100)) == [[45, 50], [45, 50]]
    assert lengths(pack_pieces(pieces(45, 51, 45, 50, gap=5), 100)) == [[45], [51], [45, 50]]
    assert cost(pieces(45, 50, gap=5)) == 100


def test_a_paragraph_that_would_be_cut_waits_if_the_group_is_half_full() -> None:
    assert lengths(pack_pieces(pieces(50, 40, 40, paragraphs="011"), 100)) == [[50], [40, 40]]
    assert lengths(pack_pieces(pieces(49, 40, 40, paragraphs="011"), 100)) == [[49, 40], [40]]
    assert lengths(pack_pieces(pieces(50, 25, 25, paragraphs="011"), 100)) == [[50, 25, 25]]


def test_headings_move_on() -> None:
    given = pieces(60, 3, 2, 90, paragraphs="0123", headings=" xx ")
    assert lengths(pack_pieces(given, 100)) == [[60], [3, 2, 90]]
    assert lengths(pack_pieces(given, 94)) == [[60, 3, 2], [90]]  # They do not fit there.


def test_a_divider_parts_groups() -> None:
    assert lengths(pack_pieces(pieces(20, -30, 20, -3, 20), 100)) == [[20], [], [20, 3, 20]]


def test_fragments_are_joined() -> None:
    groups = [pieces(50), pieces(4), [], pieces(5), [], pieces(3), pieces(95)]
    assert lengths(merge_fragments(groups, 100)) == [[50, 4], [5], [3, 95]]


def test_fragments_borrow() -> None:
    assert lengths(merge_fragments([pieces(40, 30, 28), pieces(4)], 100)) == [[40, 30], [28, 4]]
    assert lengths(merge_fragments([pieces(4, headings="x"), pieces(50, 48)], 100)) == [[4, 50], [48]]
    assert lengths(merge_fragments([pieces(98), pieces(4)], 100)) == [[98], [4]]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3), st.booleans(), st.booleans()), max_size=60),
    st.integers(50, 120),
)
def test_nothing_is_lost_and_nothing_is_too_long(drawn: list[tuple[int, int, bool, bool]], room: int) -> None:
    given = [
        Piece(i, i + 1, i // 3, heading, tokens, gap, words) for i, (tokens, gap, heading, words) in enumerate(drawn)
    ]
    groups = merge_fragments(pack_pieces(given, room), room)
    kept = [piece for piece in given if piece.words or piece.tokens <= FEWEST_TOKENS]
    assert [piece for group in groups for piece in group] == kept
    assert all(cost(group) <= room for group in groups)
