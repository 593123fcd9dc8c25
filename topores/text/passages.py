"""Passages: a text cut between sentences into stretches that the encoder can hold.

Sentences are packed in order as long as the budget lasts. A heading goes with the text after it,
and a few words alone join a neighbour. Only a sentence that is over the budget by itself is cut:
between clauses, else between words. Nothing that has a letter or a digit is lost.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from semantic_text_splitter import TextSplitter
from tokenizers import Tokenizer

from topores.domain import Passage, Side, Text
from topores.errors import InputError
from topores.text.packing import (
    FEWEST_TOKENS,
    Piece,
    cost,
    has_words,
    headings_at_end,
    is_divider,
    packed,
    without_fragments,
)
from topores.text.sentences import sentences

_CLAUSE = re.compile(r"[,;:)\]]+(?=\s)|[，、；：،؛]+|$")
_WORD = re.compile(r"\S+")

# The splitter's time grows with the square of its input, so a giant word goes in windows of so many parts.
_WINDOW = 8
_CAUTION = 0.9


def split_passages(
    text: Text | str,
    tokenizer: Any,
    *,
    max_tokens: int = 96,
    side: Side = "t1",
    document: str | None = None,
) -> list[Passage]:
    """Cut a text into passages, between sentences.

    Args:
        text: The text; a bare string is taken as plain text.
        tokenizer: The encoder's: `tokenizers.Tokenizer`, or a fast one of transformers. Its own
            truncation and padding are left out of account.
        max_tokens: The longest passage, special tokens included; 8 or more.
        side: Which of the two texts it is.
        document: Name for the passages; by default the stem of the text's name.

    Returns:
        Passages in order, without overlap; `content[p.start:p.end] == p.text`. Between them lies
        white space, and dividers such as "-----". Empty for a text without letters and digits.

    Raises:
        ValueError: `max_tokens` is below 8, or the tokenizer is not a fast one.
    """
    content, name, markdown = _parts(text, document)
    budget = _Budget(untruncated(tokenizer), max_tokens)
    pieces = _pieces(content, markdown, budget)
    groups = without_fragments(packed(pieces, budget.room), budget.room)
    return _passages(groups, content, name, side, budget)


def first_passage(
    text: Text | str,
    tokenizer: Any,
    *,
    max_tokens: int = 96,
    side: Side = "t1",
    document: str | None = None,
) -> Passage:
    """The opening passage of a text, for the rows of a pair file; see `split_passages`.

    As many whole sentences as fit. If they fill less than half of the budget, as after a short
    title, part of the next sentence is taken too. How much of the text the passage stands for is
    `passage.end / len(text)`.

    Raises:
        InputError: The text has no letters and no digits.
        ValueError: `max_tokens` is below 8, or the tokenizer is not a fast one.
    """
    content, name, markdown = _parts(text, document)
    budget = _Budget(untruncated(tokenizer), max_tokens)
    opening: list[Piece] = []
    _fill(opening, _pieces(content, markdown, budget), content, budget)
    without_headings = opening[: len(opening) - len(headings_at_end(opening))]
    if has_words(without_headings):
        opening = without_headings
    if not has_words(opening):
        raise InputError(f"The text of '{name}' has no letters and no digits; give a text with words in it.")
    return _passages([opening], content, name, side, budget)[0]


def count_tokens(text: str, tokenizer: Any) -> int:
    """Length by the tokenizer, its special tokens included, and its truncation and padding left out."""
    return len(untruncated(tokenizer).encode(text).ids)


def untruncated(tokenizer: Any) -> Tokenizer:
    """A copy without truncation and padding. MiniLM's own tokenizer.json cuts and pads to 128.

    Raises:
        ValueError: The tokenizer is not a fast one.
    """
    return _untruncated(tokenizer, _backend(tokenizer).get_vocab_size())


def _backend(tokenizer: Any) -> Tokenizer:
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not isinstance(backend, Tokenizer):
        raise ValueError(
            f"tokenizer is a {type(tokenizer).__name__}; give a tokenizers.Tokenizer, or a fast one of transformers."
        )
    return backend


# The vocabulary's size is part of the key, so that added tokens make a new copy.
@lru_cache(maxsize=4)
def _untruncated(tokenizer: Any, vocabulary: int) -> Tokenizer:  # noqa: ARG001
    copy = Tokenizer.from_str(_backend(tokenizer).to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


class _Budget:
    """Counts tokens, and knows how many fit."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        if max_tokens < FEWEST_TOKENS:
            raise ValueError(f"max_tokens is {max_tokens}; give {FEWEST_TOKENS} or more.")
        self.tokenizer, self.most = tokenizer, max_tokens
        self.room = max_tokens - tokenizer.num_special_tokens_to_add(False)

    def count(self, texts: Sequence[str], *, special: bool) -> list[int]:
        return [len(e.ids) for e in self.tokenizer.encode_batch(list(texts), add_special_tokens=special)]


def _parts(text: Text | str, document: str | None) -> tuple[str, str, bool]:
    if isinstance(text, str):
        text = Text("text", text)
    return text.content, document if document is not None else Path(text.name).stem, text.markdown


def _pieces(content: str, markdown: bool, budget: _Budget) -> list[Piece]:
    """The sentences with their lengths; those over the budget in parts."""
    found = sentences(content, markdown=markdown)
    counts = budget.count([content[s.start : s.end] for s in found], special=False)
    pieces = []
    for s, tokens in zip(found, counts, strict=True):
        words = any(map(str.isalnum, content[s.start : s.end]))
        piece = Piece(s.start, s.end, s.paragraph, s.heading, tokens, 0, words)
        pieces += [piece] if tokens <= budget.room else _cut(piece, content, budget)
    return _with_gaps(pieces, content, budget)


def _with_gaps(pieces: Sequence[Piece], content: str, budget: _Budget) -> list[Piece]:
    gaps = [content[piece.end : following.start] for piece, following in pairwise(pieces)] + [""]
    kinds = sorted(set(gaps) - {"", " "})
    tokens = dict(zip(kinds, budget.count(kinds, special=False), strict=True))
    return [replace(piece, gap=tokens.get(gap, 0)) for piece, gap in zip(pieces, gaps, strict=False)]


def _fill(opening: list[Piece], pieces: Sequence[Piece], content: str, budget: _Budget) -> None:
    """Add pieces until one does not fit; of that one its parts, while the opening is not half full."""
    for piece in pieces:
        if is_divider(piece):
            if has_words(opening):
                return
            opening.clear()
        elif cost([*opening, piece]) <= budget.room:
            opening.append(piece)
        elif not has_words(opening):
            opening[:] = [piece]
        else:
            parts = _with_gaps(_cut(piece, content, budget), content, budget)
            if len(parts) > 1 and 2 * cost(opening) < budget.room:
                _fill(opening, parts, content, budget)
            return


def _cut(piece: Piece, content: str, budget: _Budget) -> list[Piece]:
    """Parts of a piece that fit: its clauses, the words of a long clause, the syllables of a giant word."""
    spans = _finer(content, piece, budget)
    texts = [content[start:end] for start, end in spans]
    parts = []
    for (start, end), text, tokens in zip(spans, texts, budget.count(texts, special=False), strict=True):
        part = replace(piece, start=start, end=end, tokens=tokens, words=any(map(str.isalnum, text)))
        parts += [part] if tokens <= budget.room or end - start == 1 else _cut(part, content, budget)
    return parts


def _finer(content: str, piece: Piece, budget: _Budget) -> list[tuple[int, int]]:
    ends = [mark.end() for mark in _CLAUSE.finditer(content, piece.start, piece.end)]
    clauses = [_trimmed(content, start, end) for start, end in pairwise([piece.start, *ends])]
    clauses = [(start, end) for start, end in clauses if start < end]
    if len(clauses) > 1:
        return clauses
    words = [word.span() for word in _WORD.finditer(content, piece.start, piece.end)]
    if len(words) > 1:
        return words
    capacity = int(_CAUTION * (piece.end - piece.start) * budget.room / piece.tokens)
    return list(_word_parts(content, piece.start, piece.end, max(1, capacity)))


def _trimmed(content: str, start: int, end: int) -> tuple[int, int]:
    text = content[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _word_parts(content: str, start: int, end: int, capacity: int) -> Iterator[tuple[int, int]]:
    """At most `capacity` characters each: words where a script has no spaces (Thai, Chinese), else what fits."""
    splitter = TextSplitter(capacity)
    while start < end:
        window = content[start : min(end, start + _WINDOW * capacity)]
        chunks = splitter.chunk_indices(window)
        goes_on = start + len(window) < end and len(chunks) > 1
        # The window may end within a word, so its last chunk opens the next window.
        following = start + (chunks.pop()[0] if goes_on else len(window))
        yield from ((start + offset, start + offset + len(chunk)) for offset, chunk in chunks)
        start = following


def _passages(groups: Sequence[list[Piece]], content: str, document: str, side: Side, budget: _Budget) -> list[Passage]:
    """The groups as passages. Where joined pieces have more tokens than apart, a group is halved until it fits."""
    while True:
        groups = [group for group in groups if has_words(group)]
        texts = [content[group[0].start : group[-1].end] for group in groups]
        counts = budget.count(texts, special=True)
        if all(count <= budget.most or len(group) == 1 for group, count in zip(groups, counts, strict=True)):
            break
        groups = [part for group, n in zip(groups, counts, strict=True) for part in _halves(group, n > budget.most)]
    return [
        Passage(side, document, position, group[0].start, group[-1].end, text, tokens)
        for position, (group, text, tokens) in enumerate(zip(groups, texts, counts, strict=True))
    ]


def _halves(group: list[Piece], over: bool) -> list[list[Piece]]:
    middle = len(group) // 2
    return [group[:middle], group[middle:]] if over and middle else [group]
