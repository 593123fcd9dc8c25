"""Split text in any script into sentences with their positions, paragraphs and headings.

As in UAX #29, a sentence ends after a character of Unicode's Sentence_Terminal and its closing quotes. In addition, a
full stop after an abbreviation or an initial does not end a sentence, and line breaks of hard-wrapped text count as
spaces.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACED = ".!?…‼⁇⁈⁉؟۔։።፧፨᠃᠉"
"""Terminators that end a sentence only before a space or the end of the line."""
_UNSPACED = "。！？｡．।॥။៕។"
"""Terminators that end a sentence without a following space."""
_CLOSING = re.escape("\"'”’»›)]}」』）】〉》*_")
_END = re.compile(rf"[{_UNSPACED}]+[{_CLOSING}]*|[{_SPACED}]+[{_CLOSING}]*(?=\s|$)")

# A single letter is an initial ("J. Smith") or Russian "г."; but "и т. д." and "и т. п." may end a sentence.
_ABBREVIATED = re.compile(
    r"\b(?:(?<!т\.)(?<!т\. )[^\W\d_]|al|vs|cf|ca|approx|resp|[Ff]igs?|[Ee]qs?|[Rr]efs?|[Nn]os?|[Vv]ols?|pp|eds?"
    r"|Drs?|Mrs?|Ms|Prof|St|bzw|Nr|Abb|[Рр]ис|[Тт]абл|гг|стр|им|др|пр|ср|см|тыс|млн|млрд|проф|акад)\.$"
)
_NO_SPACE = re.compile(r"\S")
_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")

# Markdown's one-line blocks, and list items in any text, are never joined with adjacent lines.
_OPENS_A_LINE = re.compile(r"\s*(?:#{1,6}\s|[-*+•–—]\s|\d+[.)]\s|[>|]|```|~~~|=+\s*$|-+\s*$|$)")
_ENDS_A_LINE = re.compile(r"\s*(?:#{1,6}\s|[|]|```|~~~|=+\s*$|-+\s*$|$)")
_MARKDOWN_HEADING = re.compile(r"\s{0,3}#{1,6}\s")

# Range of wrap columns; longer lines are paragraphs, shorter ones are verse or a table.
_NARROWEST, _WIDEST = 40, 120
_LONGEST_HEADING, _MOST_HEADING_WORDS = 80, 12


@dataclass(frozen=True)
class Sentence:
    """`content[start:end]`, without surrounding white space."""

    start: int
    end: int
    paragraph: int
    """Number of its line, after joining wrapped lines. Equal for sentences of one paragraph."""
    heading: bool
    """Whether the sentence is a heading of the text after it."""


def sentences(content: str, *, markdown: bool = False) -> list[Sentence]:
    """The sentences of a text, in order; every character except white space is in exactly one.

    Args:
        content: A text.
        markdown: Whether lines that start with "#" are headings.

    Source:
        Unicode Standard Annex 29, sentence boundaries. https://www.unicode.org/reports/tr29/
    """
    view = _unwrap(content)
    lines = [line for line in _LINE.finditer(view) if line[0].strip()]
    found = []
    for number, line in enumerate(lines):
        spans = list(_spans(line[0]))
        heading = number + 1 < len(lines) and _is_heading(line[0], len(spans), markdown)
        found += [Sentence(line.start() + start, line.start() + end, number, heading) for start, end in spans]
    return found


def _spans(line: str) -> Iterator[tuple[int, int]]:
    start, end = _next_word(line, 0), len(line.rstrip())
    for mark in _END.finditer(line):
        if not _continues(line, mark):
            yield start, mark.end()
            start = _next_word(line, mark.end())
    if start < end:
        yield start, end


def _next_word(line: str, place: int) -> int:
    found = _NO_SPACE.search(line, place)
    return found.start() if found else len(line)


def _continues(line: str, mark: re.Match[str]) -> bool:
    """Whether the sentence continues after a terminator, because of an abbreviation or a following small letter."""
    if mark[0][0] in _UNSPACED:
        return False
    rest = line[mark.end() : mark.end() + 8].lstrip(" \xa0\t—–-(")
    return rest[:1].islower() or bool(_ABBREVIATED.search(line[max(0, mark.end() - 12) : mark.end()]))


def _is_heading(line: str, sentences_in_it: int, markdown: bool) -> bool:
    if markdown and _MARKDOWN_HEADING.match(line):
        return True
    line = line.strip()
    short = len(line) <= _LONGEST_HEADING and len(line.split()) <= _MOST_HEADING_WORDS
    ended = line[-1] in _SPACED + _UNSPACED + ",;"
    listed = bool(re.match(r"[-*+•|>]", line))
    return sentences_in_it == 1 and short and not ended and not listed and any(map(str.isalpha, line))


def _unwrap(content: str) -> str:
    """The text with each line break inside a paragraph replaced by one space, so that positions stay the same."""
    lines = content.split("\n")
    widths = _block_widths(lines)
    joints = [
        " " if _is_wrapped(line, following, width) else "\n"
        for line, following, width in zip(lines, lines[1:], widths, strict=False)
    ]
    return "".join(piece for pair in zip(lines, [*joints, ""], strict=True) for piece in pair)


def _block_widths(lines: list[str]) -> list[int]:
    """For each line, the length of the longest line in its block between blank lines."""
    widths: list[int] = []
    block: list[int] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(len(line.rstrip()))
        else:
            widths += [max(block, default=0)] * len(block) + [0]
            block = []
    return widths[: len(lines)]


def _is_wrapped(line: str, following: str, width: int) -> bool:
    """Whether a line is hard-wrapped, so that its text continues on the following line."""
    if _ENDS_A_LINE.match(line) or _OPENS_A_LINE.match(following):
        return False
    first_word = following.split(maxsplit=1)[0]
    if first_word[0].islower() and line.rstrip()[-1] not in _SPACED + _UNSPACED:
        return True
    full = len(line.rstrip()) + 1 + len(first_word) > width
    return full and _NARROWEST <= width <= _WIDEST
