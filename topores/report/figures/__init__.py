"""Figures for papers as SVG and PNG: one file per figure, and the folder is the registry."""

import importlib
from pathlib import Path

from topores import variants
from topores.compute.files import disk_faults, write_whole
from topores.domain import Analysis
from topores.errors import UsageError

FIGURES = "topores.report.figures"

FORMATS = ("svg", "png")


def need_matplotlib() -> None:
    """Check for matplotlib before long work whose result it is to draw.

    Raises:
        UsageError: It is not installed.
    """
    try:
        importlib.import_module("matplotlib")
    except ImportError as fault:
        raise UsageError(
            "--figures needs matplotlib, which is not installed; pip install 'topores[figures]'."
        ) from fault


def write_figures(analysis: Analysis, folder: Path) -> list[Path]:
    """Write every figure that the analysis has data for, in English, as SVG and as PNG with 300 dots per inch.

    The same analysis gives the same bytes. File names never come from the analysis. Figures of an earlier analysis are
    replaced, or removed if there is nothing to draw; other files stay.

    Returns:
        The files, in order of their names.

    Raises:
        UsageError: matplotlib is not installed.
        ResourceError: The disk is full or the folder cannot be written to.
    """
    need_matplotlib()
    from topores.report.figures._files import drawn

    for name in variants.names(FIGURES):
        contents = drawn(variants.load(FIGURES, name), analysis)
        for kind in FORMATS:
            _put(_path(folder, name, kind), contents.get(kind))
    return figures_in(folder)


def figures_in(folder: Path) -> list[Path]:
    """Figures in a folder, in order of their names."""
    every = [_path(folder, name, kind) for name in variants.names(FIGURES) for kind in sorted(FORMATS)]
    return [path for path in every if path.is_file()]


def folder_beside(report: Path) -> Path:
    """Folder of the figures of a report.

    >>> folder_beside(Path("reports/mine.html")).as_posix()
    'reports/mine-figures'
    """
    return report.with_name(f"{report.stem}-figures")


def _path(folder: Path, name: str, kind: str) -> Path:
    return folder / f"{name.replace('_', '-')}.{kind}"


def _put(path: Path, content: bytes | None) -> None:
    if content is not None:
        write_whole(path, lambda aside: _write(aside, content))
        return
    with disk_faults(path):
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
