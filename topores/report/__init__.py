"""Floor 7: results in, one self-contained HTML page out."""

from topores.report.run.page import render
from topores.report.writing import write_report

__all__ = ["render", "write_report"]
