"""`topores report`: the stored results of a run as a page again, computing nothing."""

import time
from pathlib import Path

from topores.analysis.store import PROTOCOL, read_results
from topores.config import Language
from topores.domain import Analysis
from topores.errors import InputError
from topores.report import write_report
from topores.runs import load_run


def run_report(folder: Path, output: Path | None, lang: Language = "en") -> tuple[Analysis, Path, float]:
    """Render the newest results of the run in `folder`, in a language.

    Raises:
        InputError: The run was not analysed yet, or its results are damaged.
    """
    started = time.monotonic()
    run = load_run(folder)
    results = sorted((folder / "topology").glob(f"*/{PROTOCOL}"), key=lambda path: path.stat().st_mtime)
    if not results:
        raise InputError(f"'{folder}' has no results yet; run topores topology --checkpoint {folder} first.")
    analysis = read_results(results[-1].parent, run)
    path = write_report(analysis, output or Path("reports") / f"{run.name}.html", lang)
    return analysis, path, time.monotonic() - started
