"""Sentences of a text in any script, with their places; paragraphs and headings are told apart.

A sentence ends after a mark of Unicode's Sentence_Terminal and its closing quotes, as in UAX #29.
Beyond that rule, a full stop after an abbreviation or an initial ends nothing, and the line breaks
of text that was wrapped at a column count as spaces.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACED = ".!?…‼⁇⁈⁉؟۔։።፧፨᠃᠉"
"""A space or the end of the line follows where these end a sentence."""
_UNSPACED = "。！？｡．।॥။៕។"
"""None need follow these."""
_CLOSING = re.escape("\"'”’»›)]}」』）】〉》*_")
_END = re.compile(rf"[{_UNSPACED}]+[{_CLOSING}]*|[{_SPACED}]+[{_CLOSING}]*(?=\s|$)")

# A single letter: an initial ("J. Smith"), or Russian "г."; but "и т. д.", "и т. п." end a sentence.
_ABBREVIATED = re.compile(
    r"\b(?:(?<!т\.)(?<!т\. )[^\W\d_]|al|vs|cf|ca|approx|resp|[Ff]igs?|[Ee]qs?|[Rr]efs?|[Nn]os?|[Vv]ols?|pp|eds?"
    r"|Drs?|Mrs?|Ms|Prof|St|bzw|Nr|Abb|[Рр]ис|[Тт]абл|гг|стр|им|др|пр|ср|см|тыс|млн|млрд|проф|акад)\.$"
)
_NO_SPACE = re.compile(r"\S")
_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")

# Markdown's blocks of one line, and lists in any text: they neither continue a line nor are continued.
_OPENS_A_LINE = re.compile(r"\s*(?:#{1,6}\s|[-*+•–—]\s|\d+[.)]\s|[>|]|```|~~~|=+\s*$|-+\s*$|$)")
_ENDS_A_LINE = re.compile(r"\s*(?:#{1,6}\s|[|]|```|~~~|=+\s*$|-+\s*$|$)")
_MARKDOWN_HEADING = re.compile(r"\s{0,3}#{1,6}\s")

# Columns at which text is wrapped; longer lines are paragraphs, shorter ones verse or a table.
_NARROWEST, _WIDEST = 40, 120
_LONGEST_HEADING, _MOST_HEADING_WORDS = 80, 12


@dataclass(frozen=True)
class Sentence:
    """`content[start:end]`, without white space around it."""

    start: int
    end: int
    paragraph: int
    """Number of its line, where wrapped lines are one. Equal for sentences that stand side by side."""
    heading: bool
    """A line that titles what comes after it."""


def sentences(content: str, *, markdown: bool = False) -> list[Sentence]:
    """Every character that is not white space, in order, each in one sentence.

    Args:
        content: A text.
        markdown: Whether lines that open with "#" are headings.

    Source:
        Unicode Standard Annex 29, sentence boundaries. https://www.unicode.org/reports/tr29/
    """
    view = _unwrapped(content)
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
        if not _goes_on(line, mark):
            yield start, mark.end()
            start = _next_word(line, mark.end())
    if start < end:
        yield start, end


def _next_word(line: str, place: int) -> int:
    found = _NO_SPACE.search(line, place)
    return found.start() if found else len(line)


def _goes_on(line: str, mark: re.Match[str]) -> bool:
    """Whether the sentence continues after a mark: a small letter follows, or an abbreviation ends there."""
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


def _unwrapped(content: str) -> str:
    """The text with each line break inside a paragraph replaced by one space, so that places stay."""
    lines = content.split("\n")
    widths = _block_widths(lines)
    joints = [
        " " if _is_wrapped(line, following, width) else "\n"
        for line, following, width in zip(lines, lines[1:], widths, strict=False)
    ]
    return "".join(piece for pair in zip(lines, [*joints, ""], strict=True) for piece in pair)


def _block_widths(lines: list[str]) -> list[int]:
    """For each line the length of the longest one between the same blank lines."""
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
    """Whether the text of a line goes on in the following one."""
    if _ENDS_A_LINE.match(line) or _OPENS_A_LINE.match(following):
        return False
    first_word = following.split(maxsplit=1)[0]
    if first_word[0].islower() and line.rstrip()[-1] not in _SPACED + _UNSPACED:
        return True
    full = len(line.rstrip()) + 1 + len(first_word) > width
    return full and _NARROWEST <= width <= _WIDEST
