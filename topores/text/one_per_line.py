"""Text files that hold one text a line, such as a list of sentences, rather than one long text."""

import re

from topores.text.sentences import sentences

FEWEST_LINES = 4
"""Fewer lines are a short text."""

_LONGEST = 400
"""Characters: longer lines are paragraphs."""
_MOST, _MOST_TITLE_WORDS = 0.8, 20
_END = re.compile(r"[.!?…。！？।؟][\"'”’»)\]]*\s*$")
_MARKDOWN = re.compile(r"\s*(?:#{1,6}\s|```|~~~|[|>]|[-*+]\s|\d+[.)]\s)")


def is_one_per_line(content: str) -> bool:
    """Whether every line is a text of its own: short lines without blank ones between, none of which continues.

    >>> is_one_per_line("Bees rest at night.\\nBread needs salt.\\nIron rusts.\\nSnow is quiet.\\n")
    True
    >>> is_one_per_line("Bees rest\\nat night. Bread\\nneeds salt. Iron\\nrusts.")
    False
    """
    lines = content.strip("\n").split("\n")
    if len(lines) < FEWEST_LINES or any(not line.strip() for line in lines):
        return False
    if max(map(len, lines)) > _LONGEST or any(map(_MARKDOWN.match, lines)):
        return False
    ended = sum(bool(_END.search(line)) for line in lines) / len(lines)
    begun = sum(not line.lstrip()[0].islower() for line in lines) / len(lines)
    if ended >= _MOST:
        return begun >= _MOST
    # Words or titles: no line ends a sentence, and none continues the one before.
    found = sentences(content)
    return ended <= 1 - _MOST and found[-1].paragraph + 1 == len(lines) and all(map(_is_title, lines))


def _is_title(line: str) -> bool:
    return len(line.split()) <= _MOST_TITLE_WORDS


def split_lines(content: str) -> list[tuple[str, int]]:
    """The texts of the lines, with the number of each line from 1; blank lines are none."""
    return [(line.strip(), i) for i, line in enumerate(content.split("\n"), 1) if line.strip()]
