"""Files are whole or not there, and one folder has one writer."""

import errno
import json
from pathlib import Path

import pytest

from topores.compute.files import one_writer, sha256_file, sha256_text, write_json, write_text, write_whole
from topores.errors import ResourceError, RunError


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_text(target, "old")

    def fail(aside: Path) -> None:
        aside.write_text("half", encoding="utf-8")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_whole(target, fail)
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    def folder_with(*names: str):
        def write(aside: Path) -> None:
            aside.mkdir()
            for name in names:
                (aside / name).write_text(name, encoding="utf-8")

        return write

    write_whole(tmp_path / "model", folder_with("a", "b"))
    write_whole(tmp_path / "model", folder_with("c"))
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["c"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_full_disk_is_one_line_and_keeps_what_was(tmp_path: Path) -> None:
    write_text(tmp_path / "f", "old")

    def full(_aside: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ResourceError, match=r"No space is left on the disk of .*; free some") as fault:
        write_whole(tmp_path / "f", full)
    assert fault.value.exit_code == 5
    assert (tmp_path / "f").read_text(encoding="utf-8") == "old"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_text(tmp_path / "file" / "below", "text")


def test_one_folder_has_one_writer(tmp_path: Path) -> None:
    with one_writer(tmp_path), pytest.raises(RunError, match="Another process writes"), one_writer(tmp_path):
        pass
    with one_writer(tmp_path):
        pass  # free again


def test_hashes_and_json(tmp_path: Path) -> None:
    # The empty string's SHA-256, FIPS 180-4.
    assert sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_file(write_text(tmp_path / "a", "текст")) == sha256_text("текст")
    write_json(tmp_path / "b", {"ключ": [1, 2.5, None]})
    assert json.loads((tmp_path / "b").read_text(encoding="utf-8")) == {"ключ": [1, 2.5, None]}
