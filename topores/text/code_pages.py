"""One-byte code pages: how UTF-8 looks when it is read through one, and which one a file is written in."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

CODE_PAGES = (
    "cp1252", "latin-1", "cp1251", "cp866", "koi8-r", "koi8-u", "mac_cyrillic", "iso8859-5",
    "cp1250", "iso8859-2", "cp1253", "iso8859-7", "cp1254", "cp1255", "cp1256", "cp1257",
    "iso8859-9", "iso8859-15", "mac_roman", "cp437", "cp850", "cp852",
)  # fmt: skip
"""The pages that are known, in the order of preference where two explain the same."""

_GUESSED = ("cp1251", "koi8-r", "cp866", "mac_cyrillic", "cp1252", "cp1250", "cp1253", "cp1254", "mac_roman", "cp437")
_GUESSED_IN_BYTE_PAIRS = ("gb18030", "shift_jis", "euc_kr", "big5")
_NATURAL = 0.9


@dataclass(frozen=True)
class CodePage:
    """A one-byte code page as a mistake uses it: it reads every byte, and can be undone.

    A character of UTF-8 is one lead byte and one to three continuation bytes. What one such
    sequence reads as is called a unit: "Ã©" for é through cp1252, "Рџ" for П through cp1251.
    """

    name: str

    @cached_property
    def characters(self) -> str:
        """What the bytes 0x80 to 0xFF read as. An undefined byte becomes a control character, as in browsers."""
        return "".join(_character(byte, self.name) for byte in range(0x80, 0x100))

    @cached_property
    def byte(self) -> dict[int, int]:
        """From code point to byte, for the characters beyond ASCII."""
        return {ord(character): byte for byte, character in enumerate(self.characters, 0x80)}

    @cached_property
    def undefined(self) -> str:
        """The control characters that stand for bytes without a character."""
        return "".join(c for c in self.characters if c <= "\x9f" and self.name.startswith("cp"))

    @cached_property
    def units(self) -> re.Pattern[str]:
        """One unit or more. Source: the well-formed byte sequences of The Unicode Standard 16, table 3-7."""
        tail = self._any_of(0x80, 0xBF)
        forms = (
            self._any_of(0xC2, 0xDF) + tail,
            self._any_of(0xE0, 0xE0) + self._any_of(0xA0, 0xBF) + tail,
            self._any_of(0xE1, 0xEC) + tail + tail,
            self._any_of(0xED, 0xED) + self._any_of(0x80, 0x9F) + tail,
            self._any_of(0xEE, 0xEF) + tail + tail,
            self._any_of(0xF0, 0xF0) + self._any_of(0x90, 0xBF) + tail + tail,
            self._any_of(0xF1, 0xF3) + tail + tail + tail,
            self._any_of(0xF4, 0xF4) + self._any_of(0x80, 0x8F) + tail + tail,
        )
        return re.compile(f"(?:{'|'.join(forms)})+")

    def misread(self, text: str) -> str:
        """`text` as it looks when its UTF-8 bytes are read through this page.

        >>> CodePage("cp1252").misread("café")
        'cafÃ©'
        """
        return "".join(chr(b) if b < 0x80 else self.characters[b - 0x80] for b in text.encode())

    def undo(self, units: str) -> str:
        """What units were meant to be.

        >>> CodePage("cp1252").undo("Ã©")
        'é'
        """
        return units.translate(self.byte).encode("latin-1").decode()

    def _any_of(self, first: int, last: int) -> str:
        return "[" + re.escape(self.characters[first - 0x80 : last - 0x7F]) + "]"


@lru_cache
def code_page(name: str) -> CodePage:
    return CodePage(name)


def guess_code_page(data: bytes) -> str | None:
    """The encoding in which bytes that are not UTF-8 read most like words, or None.

    Words are natural where capitals open them and no sign stands between letters. Text of a
    few words can fool it: a guess to offer, not to act on.
    """
    head = data[: 1 << 16]
    scores = {name: _naturalness(head.decode(name, errors="replace")) for name in _GUESSED}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= _NATURAL:
        return best
    return next((name for name in _GUESSED_IN_BYTE_PAIRS if _decodes(data, name)), None)


def _character(byte: int, page: str) -> str:
    try:
        return bytes([byte]).decode(page)
    except UnicodeDecodeError:
        return chr(byte)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _naturalness(text: str) -> float:
    """Share of the characters beyond ASCII that stand where such a character may stand."""
    places = [i for i, character in enumerate(text) if not character.isascii()]
    return sum(_is_natural(text, i) for i in places) / len(places) if places else 0.0


def _is_natural(text: str, i: int) -> bool:
    before, here, after = text[i - 1 : i], text[i], text[i + 1 : i + 2]
    if not here.isalpha():
        return here in "«»“”„‘’–—…№§°©®\xa0" and not (before.isalpha() and after.isalpha() and here not in "’–—\xa0")
    if here.isupper() and before.islower():
        return False
    # Accented letters come singly among plain ones; other alphabets keep to themselves.
    if "LATIN" in unicodedata.name(here, ""):
        return before.isascii() and after.isascii() and (before + after).strip() != ""
    return not (before + after).isascii() or not any(c.isalpha() for c in before + after)
