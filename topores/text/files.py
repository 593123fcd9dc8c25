"""Read and check text files; an unusable one is rejected with a one-line message that says what to do."""

import codecs
import re
import shlex
from collections.abc import Collection
from pathlib import Path

from topores.domain import Text
from topores.errors import InputError
from topores.text import documents
from topores.text.code_pages import guess_code_page
from topores.text.encoding import Damage, diagnose
from topores.text.encoding import repair as undo_damage
from topores.text.leftovers import Removed, remove_leftovers

SUFFIXES = (".txt", ".md", *documents.SUFFIXES)

# Longer marks first: the mark of UTF-32 begins with that of UTF-16.
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
_SHEET, _LETTER = "Save the sheet as CSV", "Save it as .docx or .txt"
_REMEDIES = {
    ".xlsx": _SHEET, ".xls": _SHEET, ".ods": _SHEET, ".doc": _LETTER, ".odt": _LETTER, ".rtf": _LETTER,
}  # fmt: skip
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MOST_CONTROLS = 0.1
_MOST_LOST = 0.01
_ICONV = {"mac_roman": "MACINTOSH"}


def read_text(path: Path, *, repair: bool = False) -> Text:
    """Read a text file without what converters leave in it; newlines become "\\n".

    .txt and .md are UTF-8, or UTF-16 and UTF-32 with a byte order mark; PDF, Word and HTML need the extra `documents`.

    Args:
        path: The file.
        repair: Undo a wrong decoding (see `topores.text.encoding`) instead of refusing the text.

    Raises:
        InputError: The file does not exist, is a folder, has another type, is empty, is binary, is in another
            encoding, or was decoded wrongly before it was saved.
    """
    suffix = known_suffix(path, SUFFIXES)
    if suffix in documents.SUFFIXES:
        content, said = documents.read_document(path)
        content = unix_newlines(content)
    else:
        content, said = read_unicode(path), []
    if not content.strip():
        raise InputError(f"'{path}' is empty; give a file that contains text.")
    removed = Removed()
    content = remove_leftovers(check_or_repair(content, str(path), repair=repair), removed, paged=True)
    notes = (*said, *removed.notes(path.name))
    if not content.strip():
        raise InputError(f"'{path}' holds no text: {' '.join(notes)} Give a file that contains text.")
    return Text(path.name, content, markdown=suffix == ".md", notes=notes)


def known_suffix(path: Path, known: Collection[str]) -> str:
    """The suffix of an existing file, in lower case.

    Raises:
        InputError: The path is not a file, or its suffix is not in `known`.
    """
    try:
        exists, regular, folder = path.exists(), path.is_file(), path.is_dir()
    except OSError as fault:
        raise InputError(f"'{path}' cannot be read ({fault.strerror}); check the path and its permissions.") from fault
    if not exists:
        raise InputError(f"'{path}' does not exist; check the path.")
    if not regular:
        raise InputError(f"'{path}' is {'a folder' if folder else 'not a file'}; give one file ({', '.join(known)}).")
    suffix = path.suffix.lower()
    if suffix not in known:
        seen = f"ends in '{path.suffix}'" if suffix else "has no suffix"
        remedy = _REMEDIES.get(suffix, "Convert or rename the file")
        raise InputError(f"'{path}' {seen}; expected one of {', '.join(known)}. {remedy}.")
    return suffix


def read_unicode(path: Path) -> str:
    """The text of a file, without byte order mark, with "\\n" as newline.

    Raises:
        InputError: The file is unreadable, binary, or not in a Unicode encoding.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InputError(f"'{path}' cannot be read ({fault.strerror}); check its permissions.") from fault
    mark, encoding = next((m for m in _MARKS if data.startswith(m[0])), (b"", "utf-8"))
    if encoding == "utf-8":
        _refuse_binary(path, data)
    text = _decode(path, data[len(mark) :], encoding)
    lost = (text.count("\ufffd") + text.count("\0")) / max(1, len(text))
    if lost > _MOST_LOST:
        raise InputError(
            f"'{path}': {lost:.0%} of the characters were lost in an earlier conversion (U+FFFD or NUL); "
            "export the text again as UTF-8."
        )
    return unix_newlines(text)


def check_or_repair(content: str, name: str, *, repair: bool) -> str:
    """`content` if it was decoded correctly, or its repaired text if `repair` is set.

    Raises:
        InputError: `content` was decoded wrongly and `repair` is not set.
    """
    if repair:
        return undo_damage(content).removeprefix("\ufeff")
    damage = diagnose(content)
    if damage:
        raise InputError(f"'{name}': {damage.damaged} of {damage.lines} lines were {describe_damage(damage)}")
    return content


def describe_damage(damage: Damage) -> str:
    """The end of an error message: how the text was damaged, an example, and the remedy."""
    return (
        f"decoded as {damage.code_page} although they are UTF-8: '{damage.sample_seen}' should be "
        f"'{damage.sample_meant}'. Add --repair, or export the text again as UTF-8."
    )


def unix_newlines(text: str) -> str:
    return re.sub("\r\n?", "\n", text)


def _decode(path: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as fault:
        if encoding != "utf-8":
            raise InputError(
                f"'{path}' has the byte order mark of {encoding.upper()}, but is damaged at byte {fault.start}; "
                "save it again as UTF-8."
            ) from fault
        seen = f"byte 0x{data[fault.start]:02x} at offset {fault.start}"
        raise InputError(
            f"'{path}' is not UTF-8 ({seen}). {_conversion_advice(path, guess_code_page(data))}"
        ) from fault


def _conversion_advice(path: Path, guess: str | None) -> str:
    if guess is None:
        return "Save it as UTF-8 with the program that made it."
    target = path.with_name(f"{path.stem}.utf8{path.suffix}")
    name = _ICONV.get(guess, guess.upper().replace("_", "-"))
    command = f"iconv -f {name} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(target))}"
    return f"It looks like {guess}: {command}"


def _refuse_binary(path: Path, data: bytes) -> None:
    for magic, kind in _KINDS.items():
        if data.startswith(magic):
            raise InputError(f"'{path}' is {kind}, not a text file; save its contents as plain text in UTF-8.")
    if data.count(0) > _MOST_LOST * len(data):
        name = _utf_16_without_mark(data)
        if name:
            raise InputError(f"'{path}' contains NUL bytes. {_conversion_advice(path, name)}")
        raise InputError(f"'{path}' is binary: NUL byte at offset {data.index(0)}; give a plain text file in UTF-8.")
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls > _MOST_CONTROLS * len(data):
        raise InputError(
            f"'{path}' is binary: {controls / len(data):.0%} control characters; give a plain text file in UTF-8."
        )


def _utf_16_without_mark(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: ASCII characters have a NUL byte, always on the same side."""
    first, second = data[::2].count(0), data[1::2].count(0)
    if min(first, second) > 0.02 * max(first, second) or max(first, second) < 0.05 * len(data):
        return None
    return "utf-16le" if second > first else "utf-16be"
