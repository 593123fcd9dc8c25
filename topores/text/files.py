"""Text files: read whole, checked, and refused with one line that says what to do."""

import codecs
import re
import shlex
from collections.abc import Collection
from pathlib import Path

from topores.domain import Text
from topores.errors import InputError
from topores.text.code_pages import guess_code_page
from topores.text.encoding import Damage, diagnose
from topores.text.encoding import repair as undo_damage

SUFFIXES = (".txt", ".md")

# The longer marks first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_KINDS = {
    b"%PDF": "a PDF", b"PK\x03\x04": "a zip archive (or .docx, .odt, .epub)", b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"{\\rtf": "an RTF document",
    b"PAR1": "a parquet table", b"\xd0\xcf\x11\xe0": "an old Office document",
}  # fmt: skip
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MOST_CONTROLS = 0.1
_MOST_LOST = 0.01
_ICONV = {"mac_roman": "MACINTOSH"}


def read_text(path: Path, *, repair: bool = False) -> Text:
    """Read a .txt or .md file: UTF-8, or UTF-16 and UTF-32 with a byte order mark; newlines become "\\n".

    Args:
        path: The file.
        repair: Undo a wrong decoding (see `topores.text.encoding`) instead of refusing the text.

    Raises:
        InputError: No such file, a folder, another kind of file, empty, binary, in another
            encoding, or decoded wrongly before it was saved.
    """
    suffix = known_suffix(path, SUFFIXES)
    content = read_unicode(path)
    if not content.strip():
        raise InputError(f"'{path}' is empty; give a file with text in it.")
    return Text(path.name, mended(content, str(path), repair=repair), markdown=suffix == ".md")


def known_suffix(path: Path, known: Collection[str]) -> str:
    """The suffix of an existing file, in small letters.

    Raises:
        InputError: No such file, a folder, or a suffix that is not in `known`.
    """
    try:
        exists, regular, folder = path.exists(), path.is_file(), path.is_dir()
    except OSError as fault:
        raise InputError(f"'{path}' cannot be read ({fault.strerror}); check the path and its permissions.") from fault
    if not exists:
        raise InputError(f"No such file: '{path}'. Check the path.")
    if not regular:
        raise InputError(f"'{path}' is {'a folder' if folder else 'no file'}; give one file ({', '.join(known)}).")
    suffix = path.suffix.lower()
    if suffix not in known:
        seen = f"ends in '{path.suffix}'" if suffix else "has no suffix"
        raise InputError(f"'{path}' {seen}; files ending in {', '.join(known)} are read. Convert or rename it.")
    return suffix


def read_unicode(path: Path) -> str:
    """The characters of a file, without a byte order mark, newlines as "\\n".

    Raises:
        InputError: Unreadable, binary, or not in Unicode.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(f"'{path}' cannot be read ({fault.strerror}); check its permissions.") from fault
    mark, encoding = next((m for m in _MARKS if data.startswith(m[0])), (b"", "utf-8"))
    if encoding == "utf-8":
        _refuse_binary(path, data)
    text = _decoded(path, data[len(mark) :], encoding)
    lost = (text.count("\ufffd") + text.count("\0")) / max(1, len(text))
    if lost > _MOST_LOST:
        raise InputError(
            f"'{path}': {lost:.0%} of the characters were lost in an earlier conversion (U+FFFD or NUL); "
            "export the text again as UTF-8."
        )
    return unix_newlines(text)


def mended(content: str, name: str, *, repair: bool) -> str:
    """`content`, if it was decoded rightly; what it was meant to be, if `repair`.

    Raises:
        InputError: It was decoded wrongly, and is not to be repaired.
    """
    if repair:
        return undo_damage(content).removeprefix("\ufeff")
    damage = diagnose(content)
    if damage:
        raise InputError(f"'{name}': {damage.damaged} of {damage.lines} lines were {told(damage)}")
    return content


def told(damage: Damage) -> str:
    """The end of an error sentence: what happened to a text, a sample, the remedy."""
    return (
        f"read as {damage.code_page} though they are UTF-8: '{damage.sample_seen}' was meant to be "
        f"'{damage.sample_meant}'. Add --repair, or export the text again as UTF-8."
    )


def unix_newlines(text: str) -> str:
    return re.sub("\r\n?", "\n", text)


def _decoded(path: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as fault:
        if encoding != "utf-8":
            raise InputError(
                f"'{path}' begins with the mark of {encoding.upper()}, but is damaged at byte {fault.start}; "
                "save it again as UTF-8."
            ) from fault
        seen = f"byte 0x{data[fault.start]:02x} at offset {fault.start}"
        raise InputError(f"'{path}' is not UTF-8 ({seen}). {_conversion(path, guess_code_page(data))}") from fault


def _conversion(path: Path, guess: str | None) -> str:
    if guess is None:
        return "Save it as UTF-8 with the program that made it."
    target = path.with_name(f"{path.stem}.utf8{path.suffix}")
    name = _ICONV.get(guess, guess.upper().replace("_", "-"))
    command = f"iconv -f {name} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(target))}"
    return f"It looks like {guess}: {command}"


def _refuse_binary(path: Path, data: bytes) -> None:
    for magic, kind in _KINDS.items():
        if data.startswith(magic):
            raise InputError(f"'{path}' is {kind}, not a text; save its words as plain text in UTF-8.")
    if b"\0" in data:
        name = _utf_16_without_mark(data)
        if name:
            raise InputError(f"'{path}' holds NUL bytes. {_conversion(path, name)}")
        raise InputError(f"'{path}' is binary: NUL byte at offset {data.index(0)}; give a plain text in UTF-8.")
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls > _MOST_CONTROLS * len(data):
        raise InputError(
            f"'{path}' is binary: {controls / len(data):.0%} control characters; give a plain text in UTF-8."
        )


def _utf_16_without_mark(data: bytes) -> str | None:
    """Plain letters and spaces have a NUL byte in UTF-16, always on the same side."""
    first, second = data[::2].count(0), data[1::2].count(0)
    if min(first, second) > 0.02 * max(first, second) or max(first, second) < 0.05 * len(data):
        return None
    return "utf-16le" if second > first else "utf-16be"
