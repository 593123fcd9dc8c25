"""Reading a text file: what is accepted, and the one-line message for everything else."""

import os
from pathlib import Path

import pytest

from topores.domain import Text
from topores.errors import InputError
from topores.text.code_pages import code_page
from topores.text.files import read_text

RUSSIAN = "Испытание показало, что лекарство снижает смертность.\nНо риск кровотечений выше.\n"


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_text(path)
    message = str(refused.value)
    assert "\n" not in message
    assert refused.value.exit_code == 3
    return message


def written(folder: Path, data: bytes, name: str = "a.txt") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("name", "markdown"), [("a.txt", False), ("A.TXT", False), ("a.md", True), ("notes.v2.Md", True)]
)
def test_plain_text_and_markdown(tmp_path: Path, name: str, markdown: bool) -> None:
    assert read_text(written(tmp_path, b"one\r\ntwo\rthree\n", name)) == Text(name, "one\ntwo\nthree\n", markdown)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    assert read_text(written(tmp_path, RUSSIAN.encode(encoding))).content == RUSSIAN


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\x00\x00\xfe\xff"])
def test_big_endian_unicode(tmp_path: Path, mark: bytes) -> None:
    encoding = "utf-16-be" if len(mark) == 2 else "utf-32-be"
    assert read_text(written(tmp_path, mark + RUSSIAN.encode(encoding))).content == RUSSIAN


def test_a_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.txt")


def test_a_name_too_long_for_the_system(tmp_path: Path) -> None:
    assert "check the path" in refusal(tmp_path / ("a" * 5000 + ".txt")).lower()


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize(("name", "seen"), [("a.odt", "ends in '.odt'"), ("README", "has no suffix")])
def test_another_kind_of_file(tmp_path: Path, name: str, seen: str) -> None:
    message = refusal(written(tmp_path, b"text", name))
    assert seen in message
    assert ".txt, .md" in message


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file(tmp_path: Path, data: bytes) -> None:
    assert "is empty" in refusal(written(tmp_path, data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7 text", "is a PDF"),
        (b"PK\x03\x04text", "zip archive"),
        (b"text\0text" * 3, "NUL byte at offset 4"),
        (b"\x01\x02\x03\x04text", "50% control characters"),
    ],
)
def test_a_binary_file(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refusal(written(tmp_path, data))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    message = refusal(written(tmp_path, RUSSIAN.encode(encoding)))
    assert f"iconv -f {encoding.upper().replace('-LE', 'LE').replace('-BE', 'BE')} -t UTF-8" in message


def test_another_encoding_is_named_with_its_place(tmp_path: Path) -> None:
    message = refusal(written(tmp_path, ("Trial.\n" + RUSSIAN).encode("cp1251"), "it's.txt"))
    assert "is not UTF-8 (byte 0xc8 at offset 7)" in message
    assert "It looks like cp1251: iconv -f CP1251 -t UTF-8" in message
    assert "'\"'\"'s.txt'" in message  # quoted for the shell


def test_no_guess_is_offered_for_noise(tmp_path: Path) -> None:
    message = refusal(written(tmp_path, b"text " + bytes(range(128, 256)) * 4))
    assert "iconv" not in message
    assert "Save it as UTF-8" in message


def test_damaged_utf_16(tmp_path: Path) -> None:
    assert "UTF-16-LE" in refusal(written(tmp_path, b"\xff\xfet\0e\0\x00"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"text")
    path.chmod(0)
    assert "cannot be read" in refusal(path)


def test_characters_lost_before(tmp_path: Path) -> None:
    assert "lost in an earlier conversion" in refusal(written(tmp_path, ("�" * 30 + " 12 " + "�" * 20).encode()))


@pytest.mark.parametrize("lost", ["\ufffd", "\0"])
def test_a_few_lost_characters_are_left_out_and_told(tmp_path: Path, lost: str) -> None:
    text = "A long text. " * 50 + f"na{lost}ve and ef{lost}cient"
    read = read_text(written(tmp_path, text.encode()))
    assert read.content == "A long text. " * 50 + "nave and efcient"
    assert "2 lost characters (U+FFFD or NUL) left out (2 characters), such as 'ong text. na�ve and" in read.notes[0]


def test_text_decoded_wrongly_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, code_page("cp1251").misread(RUSSIAN).encode())
    message = refusal(path)
    assert "2 of 2 lines were decoded as cp1251" in message
    assert "--repair" in message
    assert "'Испытание" in message


def test_text_decoded_wrongly_is_repaired_on_request(tmp_path: Path) -> None:
    path = written(tmp_path, ("\ufeff" + code_page("cp1251").misread(RUSSIAN)).encode())
    assert read_text(path, repair=True).content == RUSSIAN


def test_a_byte_order_mark_decoded_wrongly(tmp_path: Path) -> None:
    path = written(tmp_path, "ï»¿A trial.".encode())
    assert "cp1252" in refusal(path)
    assert read_text(path, repair=True).content == "A trial."
