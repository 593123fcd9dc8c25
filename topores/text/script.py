"""Whether the encoder knows the script of a text, judged by how its tokenizer splits words."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer

from topores.text.passages import without_truncation

MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"

MOST_BROKEN = 0.5
"""Largest share of unknown and one-letter pieces in a known script.

MiniLM's English WordPiece, on 1000 sentence pairs of Tatoeba: English 0.004, Russian 0.949. English papers: 0.02 to
0.05. Program messages in 130 languages: Latin script up to 0.31 (Azerbaijani 0.48), all other scripts from 0.94. The
vocabulary of XLM-R on the same texts: Russian 0.08, English papers 0.06 to 0.08.
"""

MOST_UNKNOWN = 0.1
"""Largest share of unknown pieces. MiniLM: Latin script 0, Chinese 0.77, Thai 0.83. XLM-R: both below 0.01."""

# Marks a space at the start of a word in SentencePiece and byte-level vocabularies; it may be a separate piece.
_SPACE_SIGNS = "▁Ġ"
_UNKNOWN = ("[UNK]", "<unk>")
_LOOKED_AT = 200_000
_OF_NOTE = 0.1
_NAMES = {"Cjk": "Han", "Hiragana": "Kana", "Katakana": "Kana"}
# In these scripts a character is a word or syllable, or words have no spaces, so one-letter pieces are normal.
_SHORT_PIECES = {"Han", "Kana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Yi"}


@dataclass(frozen=True)
class ScriptCoverage:
    """How a tokenizer splits the words of one script."""

    script: str
    """Name of the script in Unicode, such as 'Cyrillic'; Japanese syllables are 'Kana'."""
    unknown: float
    """Share of pieces that are the unknown token, or part of one character."""
    one_letter: float
    """Share of pieces that are one letter of a longer word; 0 in scripts where that is normal (Han, Thai)."""

    @property
    def is_known(self) -> bool:
        return self.unknown <= MOST_UNKNOWN and self.unknown + self.one_letter <= MOST_BROKEN


def script_coverage(texts: Sequence[str], tokenizer: Any) -> ScriptCoverage:
    """Coverage of the worst-covered script, among scripts with at least a tenth of the letters.

    Args:
        texts: Texts or passages; only their openings are examined, 200,000 characters in total.
        tokenizer: The encoder's tokenizer, as for `topores.text.passages.split_passages`.
    """
    plain = without_truncation(tokenizer)
    share = max(1, _LOOKED_AT // max(1, len(texts)))
    letters, counts = Counter[str](), Counter[tuple[str, str]]()
    for text in texts:
        _count(text[:share], plain, letters, counts)
    scripts = [script for script, n in letters.items() if n >= _OF_NOTE * letters.total()]
    found = [_coverage(script, counts) for script in scripts]
    return max(found, key=lambda c: (not c.is_known, letters[c.script]), default=ScriptCoverage("no letters", 0.0, 0.0))


def warning(coverage: ScriptCoverage, model_name: str) -> str | None:
    """A one-line warning with a remedy if the encoder does not know the script; otherwise None."""
    if coverage.is_known:
        return None
    broken = coverage.unknown + coverage.one_letter
    return (
        f"The encoder '{model_name}' does not know the {coverage.script} script: {broken:.0%} of the pieces of its "
        f"words are single letters or unknown. Use a multilingual one: --model {MULTILINGUAL}, or the path of a "
        "local model folder (--model PATH)."
    )


def _count(text: str, tokenizer: Tokenizer, letters: Counter[str], counts: Counter[tuple[str, str]]) -> None:
    """Add the letters of each script, and the pieces of its words by kind."""
    word_at: list[tuple[int, int] | None] = [None] * len(text)
    for start, end in _words(text):
        word_at[start:end] = [(start, end)] * (end - start)
        letters[_script(text[start])] += end - start
    encoding = tokenizer.encode(text, add_special_tokens=False)
    # By id: a unigram model names an unknown piece by the characters it stands for.
    unknown = {tokenizer.token_to_id(name) for name in (*_UNKNOWN, getattr(tokenizer.model, "unk_token", None)) if name}
    pieces = [
        (id_, place)
        for id_, piece, place in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
        if piece.strip(_SPACE_SIGNS)
    ]
    # Several pieces of one character (bytes, letters of a Hangul syllable) are fragments of it.
    same_place = Counter(place for _, place in pieces)
    for id_, (start, end) in pieces:
        words = [word for word in dict.fromkeys(word_at[start:end]) if word]
        if id_ in unknown:  # One unknown piece may cover several words.
            counts.update((_script(text[word[0]]), "unknown") for word in words)
        elif words:
            word = words[-1]
            length = end - max(start, word[0])  # A piece may include the space before its word.
            fragment = length == 1 and same_place[start, end] > 1
            kind = "unknown" if fragment else "one letter" if length == 1 < word[1] - word[0] else "longer"
            counts[_script(text[word[0]]), kind] += 1


def _coverage(script: str, counts: Counter[tuple[str, str]]) -> ScriptCoverage:
    unknown, lone, longer = (counts[script, kind] for kind in ("unknown", "one letter", "longer"))
    pieces = max(1, unknown + lone + longer)
    return ScriptCoverage(script, unknown / pieces, 0.0 if script in _SHORT_PIECES else lone / pieces)


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Runs of letters of one script, with their combining marks."""
    start, script = 0, None
    for i, character in enumerate(text):
        here = _script(character)
        if here == "mark" and script:
            continue
        if here != script:
            if script:
                yield start, i
            start, script = i, None if here in ("mark", "") else here
    if script:
        yield start, len(text)


@lru_cache(maxsize=1 << 14)
def _script(character: str) -> str:
    """Name of a letter's script; 'mark' for combining marks, '' for everything else."""
    kind = unicodedata.category(character)[0]
    if kind != "L":
        return "mark" if kind == "M" else ""
    name = unicodedata.name(character, "Unnamed").split()[0].split("-")[0].capitalize()
    return _NAMES.get(name, name)
