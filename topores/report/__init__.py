"""Results in, one self-contained HTML page out."""

from topores.report.page import render
from topores.report.writing import write_report

__all__ = ["render", "write_report"]
