"""One-byte code pages: how UTF-8 looks when decoded with one, and guessing the page of a file."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

CODE_PAGES = (
    "cp1252", "latin-1", "cp1251", "cp866", "koi8-r", "koi8-u", "mac_cyrillic", "iso8859-5",
    "cp1250", "iso8859-2", "cp1253", "iso8859-7", "cp1254", "cp1255", "cp1256", "cp1257",
    "iso8859-9", "iso8859-15", "mac_roman", "cp437", "cp850", "cp852",
)  # fmt: skip
"""The supported pages, in order of preference where two explain a text equally well."""

_CYRILLIC, _WESTERN = "оеаинтсрвлкмдяуі", "éèàêçâîôùäöüßñóíáúãåæø«»‘’“”–—°±"
_CENTRAL = "ąćęłńóśżźáčďéěíňřšťúůýžäöőüűâăîșşțţ„”’–"
_KANA = "のいるにたとしはなをがてっか"
_TURKISH = "ğışöüçâİ’“”"
_FREQUENT = {
    "cp1252": _WESTERN, "cp1251": _CYRILLIC, "koi8-r": _CYRILLIC, "cp866": _CYRILLIC, "mac_cyrillic": _CYRILLIC,
    "iso8859-5": _CYRILLIC,
    "mac_roman": _WESTERN, "cp437": _WESTERN,
    "cp1250": _CENTRAL, "iso8859-2": _CENTRAL, "cp1254": _TURKISH,
    "cp1253": "αοιετσνηυρπκάίόέ", "cp1255": "יוהלארתבמשנד", "cp1256": "اليمنرتوبدعه", "cp874": "าน่อรกเงมยลวด้",
    "shift_jis": _KANA, "euc_jp": _KANA, "euc_kr": "이는에의을가고하다은지로도",
    "gb18030": "的一是不了在人有我他这中大来上，。", "big5": "的一是不了在人有我他這中大來上，。",
}  # fmt: skip
"""The most frequent non-ASCII characters of texts in an encoding."""

# Minimum share of the frequent characters; lower for languages with many characters.
_LEAST = dict.fromkeys(_FREQUENT, 0.5) | dict.fromkeys(("shift_jis", "euc_jp", "euc_kr", "gb18030", "big5"), 0.1)


@dataclass(frozen=True)
class CodePage:
    """A one-byte code page that decodes every byte, so that a wrong decoding can be undone.

    A non-ASCII character of UTF-8 is one lead byte and one to three continuation bytes. The characters that such a
    sequence decodes to are called a unit: "Ã©" for é through cp1252, "Рџ" for П through cp1251.
    """

    name: str

    @cached_property
    def characters(self) -> str:
        """The characters of bytes 0x80 to 0xFF. An undefined byte becomes a control character, as in browsers."""
        return "".join(_character(byte, self.name) for byte in range(0x80, 0x100))

    @cached_property
    def byte(self) -> dict[int, int]:
        """Map from code point to byte, for the non-ASCII characters."""
        return {ord(character): byte for byte, character in enumerate(self.characters, 0x80)}

    @cached_property
    def undefined_characters(self) -> str:
        """The control characters that represent undefined bytes."""
        return "".join(c for c in self.characters if c <= "\x9f" and self.name.startswith("cp"))

    @cached_property
    def units(self) -> re.Pattern[str]:
        """Matches one or more units. Source: well-formed byte sequences, The Unicode Standard 16, table 3-7."""
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
        """`text` as it looks when its UTF-8 bytes are decoded with this page.

        >>> CodePage("cp1252").misread("café")
        'cafÃ©'
        """
        return "".join(chr(b) if b < 0x80 else self.characters[b - 0x80] for b in text.encode())

    def undo(self, units: str) -> str:
        """The original characters of some units.

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
    """Guess the encoding of bytes that are not UTF-8, by the most frequent characters of languages; None if unsure.

    Suggest the guess to the user, but do not act on it: a few words, or a table, can mislead it.
    """
    head = data[: 1 << 16]
    scores = {name: _naturalness(head, name) for name in _FREQUENT}
    likely = [name for name, (frequent, _) in scores.items() if frequent >= 1]
    return max(likely, key=lambda name: scores[name], default=None)


def _character(byte: int, page: str) -> str:
    try:
        return bytes([byte]).decode(page)
    except UnicodeDecodeError:
        return chr(byte)


def _naturalness(data: bytes, encoding: str) -> tuple[float, float]:
    """Share of frequent characters divided by the minimum share; then share of letters, as capitals are not listed."""
    text = data.decode(encoding, errors="replace")
    beyond_ascii = re.findall(r"[^\x00-\x7f]+", text)
    # Accented letters occur singly among plain ones; a whole word of them is another alphabet decoded wrongly.
    longest = 2 if _FREQUENT[encoding] in (_WESTERN, _CENTRAL, _TURKISH) else len(text)
    frequent = sum(c in _FREQUENT[encoding] for word in beyond_ascii if len(word) <= longest for c in word)
    characters = max(1, sum(map(len, beyond_ascii)))
    return frequent / characters / _LEAST[encoding], sum(map(str.isalpha, "".join(beyond_ascii))) / characters
