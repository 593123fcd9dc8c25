"""`topores report`: renders the stored results of a run again, without computing anything."""

import time
from pathlib import Path

from topores.analysis.store import PROTOCOL, read_results
from topores.config import Language
from topores.domain import Analysis
from topores.errors import InputError
from topores.report import write_report
from topores.report.figures import folder_beside, need_matplotlib, write_figures
from topores.runs import load_run


def run_report(
    folder: Path, output: Path | None, lang: Language = "en", *, figures: bool = False
) -> tuple[Analysis, Path, float]:
    """Render the newest results of the run in `folder`.

    Args:
        lang: Language of the page.
        figures: Also draw figures for papers, beside the report.

    Raises:
        InputError: The run was not analysed yet, or its results are damaged.
        UsageError: Figures are requested, but matplotlib is not installed.
    """
    started = time.monotonic()
    if figures:
        need_matplotlib()
    run = load_run(folder)
    results = sorted((folder / "topology").glob(f"*/{PROTOCOL}"), key=lambda path: path.stat().st_mtime)
    if not results:
        raise InputError(f"'{folder}' has no results yet; run topores topology --checkpoint {folder} first.")
    analysis = read_results(results[-1].parent, run)
    path = write_report(analysis, output or Path("reports") / f"{run.name}.html", lang)
    if figures:
        write_figures(analysis, folder_beside(path))
    return analysis, path, time.monotonic() - started
