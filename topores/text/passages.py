"""Split a text between sentences into passages that fit the encoder.

Sentences are packed in order up to the token limit. A heading stays with the text after it, and a passage of a few
words is merged with a neighbour. Only a sentence above the limit is cut, between clauses or else between words.
Nothing that contains a letter or a digit is lost.
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
    merge_fragments,
    pack_pieces,
)
from topores.text.sentences import sentences

_CLAUSE = re.compile(r"[,;:)\]]+(?=\s)|[，、；：،؛]+|$")
_WORD = re.compile(r"\S+")

# The splitter's time is quadratic in its input, so a giant word is processed in windows of this many parts.
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
    """Split a text into passages, between sentences.

    Args:
        text: The text; a string is treated as plain text.
        tokenizer: The encoder's tokenizer: `tokenizers.Tokenizer`, or a fast one of transformers. Its truncation and
            padding settings are ignored.
        max_tokens: Token limit of a passage, including special tokens; 8 or more.
        side: Which of the two texts it is.
        document: Document name of the passages; by default the stem of the text's name.

    Returns:
        Passages in order, without overlap; `content[p.start:p.end] == p.text`. Only white space and dividers such as
        "-----" are between them. Empty for a text without letters and digits.

    Raises:
        ValueError: `max_tokens` is below 8, or the tokenizer is not a fast one.
    """
    content, name, markdown = _parts(text, document)
    budget = _Budget(without_truncation(tokenizer), max_tokens)
    pieces = _pieces(content, markdown, budget)
    groups = merge_fragments(pack_pieces(pieces, budget.room), budget.room)
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

    Takes as many whole sentences as fit. If they fill less than half of the limit, as after a short title, part of the
    next sentence is added. `passage.end / len(text)` is the share of the text that the passage covers.

    Raises:
        InputError: The text has no letters and no digits.
        ValueError: `max_tokens` is below 8, or the tokenizer is not a fast one.
    """
    content, name, markdown = _parts(text, document)
    budget = _Budget(without_truncation(tokenizer), max_tokens)
    opening: list[Piece] = []
    _fill(opening, _pieces(content, markdown, budget), content, budget)
    without_headings = opening[: len(opening) - len(headings_at_end(opening))]
    if has_words(without_headings):
        opening = without_headings
    if not has_words(opening):
        raise InputError(f"The text of '{name}' has no letters and no digits; give a text with words.")
    return _passages([opening], content, name, side, budget)[0]


def count_tokens(text: str, tokenizer: Any) -> int:
    """Number of tokens, including special tokens, without truncation or padding."""
    return len(without_truncation(tokenizer).encode(text).ids)


def without_truncation(tokenizer: Any) -> Tokenizer:
    """A copy of the tokenizer without truncation and padding. MiniLM's tokenizer.json truncates and pads to 128.

    Raises:
        ValueError: The tokenizer is not a fast one.
    """
    return _copy_without_truncation(tokenizer, _backend(tokenizer).get_vocab_size())


def _backend(tokenizer: Any) -> Tokenizer:
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not isinstance(backend, Tokenizer):
        raise ValueError(
            f"tokenizer is a {type(tokenizer).__name__}; give a tokenizers.Tokenizer, or a fast one of transformers."
        )
    return backend


# The vocabulary size is part of the cache key, so that added tokens give a new copy.
@lru_cache(maxsize=4)
def _copy_without_truncation(tokenizer: Any, vocabulary: int) -> Tokenizer:  # noqa: ARG001
    copy = Tokenizer.from_str(_backend(tokenizer).to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


class _Budget:
    """Counts tokens and holds the limit."""

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
    """The sentences with their lengths; sentences above the limit are split into parts."""
    found = sentences(content, markdown=markdown)
    counts = budget.count([content[s.start : s.end] for s in found], special=False)
    pieces = []
    for s, tokens in zip(found, counts, strict=True):
        words = any(map(str.isalnum, content[s.start : s.end]))
        piece = Piece(s.start, s.end, s.paragraph, s.heading, tokens, 0, words)
        pieces += [piece] if tokens <= budget.room else _cut(piece, content, budget)
    return _add_gaps(pieces, content, budget)


def _add_gaps(pieces: Sequence[Piece], content: str, budget: _Budget) -> list[Piece]:
    gaps = [content[piece.end : following.start] for piece, following in pairwise(pieces)] + [""]
    kinds = sorted(set(gaps) - {"", " "})
    tokens = dict(zip(kinds, budget.count(kinds, special=False), strict=True))
    return [replace(piece, gap=tokens.get(gap, 0)) for piece, gap in zip(pieces, gaps, strict=False)]


def _fill(opening: list[Piece], pieces: Sequence[Piece], content: str, budget: _Budget) -> None:
    """Add pieces until one does not fit. Of that one add parts while the opening is less than half full."""
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
            parts = _add_gaps(_cut(piece, content, budget), content, budget)
            if len(parts) > 1 and 2 * cost(opening) < budget.room:
                _fill(opening, parts, content, budget)
            return


def _cut(piece: Piece, content: str, budget: _Budget) -> list[Piece]:
    """Parts of a piece that fit: clauses, words of a long clause, or fragments of a giant word."""
    spans = _smaller_parts(content, piece, budget)
    texts = [content[start:end] for start, end in spans]
    parts = []
    for (start, end), text, tokens in zip(spans, texts, budget.count(texts, special=False), strict=True):
        part = replace(piece, start=start, end=end, tokens=tokens, words=any(map(str.isalnum, text)))
        parts += [part] if tokens <= budget.room or end - start == 1 else _cut(part, content, budget)
    return parts


def _smaller_parts(content: str, piece: Piece, budget: _Budget) -> list[tuple[int, int]]:
    ends = [mark.end() for mark in _CLAUSE.finditer(content, piece.start, piece.end)]
    clauses = [_trim(content, start, end) for start, end in pairwise([piece.start, *ends])]
    clauses = [(start, end) for start, end in clauses if start < end]
    if len(clauses) > 1:
        return clauses
    words = [word.span() for word in _WORD.finditer(content, piece.start, piece.end)]
    if len(words) > 1:
        return words
    capacity = int(_CAUTION * (piece.end - piece.start) * budget.room / piece.tokens)
    return list(_word_parts(content, piece.start, piece.end, max(1, capacity)))


def _trim(content: str, start: int, end: int) -> tuple[int, int]:
    text = content[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _word_parts(content: str, start: int, end: int, capacity: int) -> Iterator[tuple[int, int]]:
    """Parts of at most `capacity` characters: words in scripts without spaces (Thai, Chinese), else whatever fits."""
    splitter = TextSplitter(capacity)
    while start < end:
        window = content[start : min(end, start + _WINDOW * capacity)]
        chunks = splitter.chunk_indices(window)
        goes_on = start + len(window) < end and len(chunks) > 1
        # A window may end within a word, so its last part starts the next window.
        following = start + (chunks.pop()[0] if goes_on else len(window))
        yield from ((start + offset, start + offset + len(chunk)) for offset, chunk in chunks)
        start = following


def _passages(groups: Sequence[list[Piece]], content: str, document: str, side: Side, budget: _Budget) -> list[Passage]:
    """The groups as passages. If joined pieces have more tokens than separate ones, a group is halved until it fits."""
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
