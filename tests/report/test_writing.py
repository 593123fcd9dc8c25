from pathlib import Path

import pytest

from topores.domain import Analysis
from topores.errors import InputError, ToporesError
from topores.report import render, write_report


def test_the_page_is_written_whole_and_folders_are_made(bare: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "reports" / "deep" / "точки.html"
    assert write_report(bare, path) == path
    assert path.read_text(encoding="utf-8") == render(bare)
    assert [p.name for p in path.parent.iterdir()] == ["точки.html"]


def test_an_older_report_is_replaced(bare: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "old.html"
    path.write_text("old")
    write_report(bare, path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_folder_is_never_replaced(bare: Analysis, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="which is a folder; give a file such as"):
        write_report(bare, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_to_is_one_line(bare: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ToporesError, match="cannot be written"):
        write_report(bare, tmp_path / "file" / "report.html")


def test_text_that_cannot_be_encoded_is_written_all_the_same(hostile: Analysis, tmp_path: Path) -> None:
    assert "⟨U+DC80⟩" in write_report(hostile, tmp_path / "hostile.html").read_text(encoding="utf-8")
