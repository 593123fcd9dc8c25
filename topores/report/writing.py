"""Writes a page to disk, completely or not at all."""

from pathlib import Path

from topores.compute.files import write_text
from topores.config import Language
from topores.domain import Analysis
from topores.errors import InputError
from topores.report.run.page import render


def write_report(analysis: Analysis, path: Path, lang: Language = "en") -> Path:
    """Render `analysis` into one HTML file, as `write_page` does."""
    return write_page(render(analysis, lang), path)


def write_page(html: str, path: Path) -> Path:
    """Write one HTML file; missing folders are created, an older report is replaced.

    Raises:
        InputError: `path` is a folder.
        ResourceError: The disk is full or the path is not writable; an older report stays as it was.
    """
    if path.is_dir():
        raise InputError(
            f"The report cannot be written to '{path}', which is a folder; give a file such as {path}.html."
        )
    return write_text(path, html)
