"""A figure as the bytes of its files: reproducible, and safe to open."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from types import ModuleType
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

from topores.domain import Analysis

DOTS_PER_INCH = 300

STYLE: dict[str, Any] = {
    "font.family": ["sans-serif"],
    # The first one comes with matplotlib, so that a PNG is the same everywhere.
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "legend.fontsize": 6.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.formatter.useoffset": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "lines.markeredgewidth": 0.8,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.4,
    "legend.borderpad": 0,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    # Names of files and units come from users, who mean a dollar when they write one.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "topores",
}

DOCTYPE, METADATA = re.compile(r"<!DOCTYPE[^>]*>\s*"), re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
"""Parts with web addresses, which some programs request."""


def drawn(module: ModuleType, analysis: Analysis) -> dict[str, bytes]:
    """The figure of a module as bytes by format; empty if there is nothing to draw."""
    with our_style():
        figure = module.draw(analysis)
        # The PNG first: the layout settles while it is drawn, and both then share it.
        return {} if figure is None else {"png": _png(figure), "svg": _svg(figure, module.TITLE)}


@contextmanager
def our_style() -> Iterator[None]:
    """Everything drawn within the block has our style, and not the user's."""
    with matplotlib.style.context(STYLE, after_reset=True), warnings.catch_warnings():
        # A label in a script that the font lacks: the SVG has its text all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def _png(figure: Figure) -> bytes:
    return _save(figure, "png", {"Software": None})


def _svg(figure: Figure, title: str) -> bytes:
    kept = _save(figure, "svg", {"Title": title, "Creator": None, "Date": None, "Format": None, "Type": None})
    return METADATA.sub("", DOCTYPE.sub("", kept.decode("utf-8"))).encode("utf-8")


def _save(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()
