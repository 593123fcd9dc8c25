"""`topores compare`: the stored results of several runs side by side, in one page, computing nothing anew."""

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from topores.analysis.compared_run import ComparedRun
from topores.analysis.comparison import Comparison
from topores.analysis.comparison_verdict import judge_comparison
from topores.analysis.store import PROTOCOL, read_results
from topores.domain import Verdict
from topores.errors import InputError, UsageError
from topores.report.compare_page import render_comparison
from topores.report.writing import write_page
from topores.runs import Run, load_run

NULLS = re.compile(r"-nulls.*?(?=-seed\d+$|$)")
"""What the name of a protocol's folder says of its nulls."""

LONGEST_NAME = 80
"""Letters of a report's name; of more runs the first is named."""


class Compared(NamedTuple):
    comparison: Comparison
    verdict: Verdict
    report: Path
    seconds: float


def run_compare(folders: Sequence[Path], output: Path | None) -> Compared:
    """Align the runs by cycle and by loss, judge what differs, write one page.

    Raises:
        UsageError: Fewer than two runs, or one of them twice.
        RunError: A folder holds no run.
        InputError: A run was not analysed yet, or the runs share no protocol.
    """
    started = time.monotonic()
    _refuse_too_few(folders)
    runs = [load_run(folder) for folder in folders]
    comparison = Comparison(
        tuple(
            ComparedRun(name, read_results(results, run))
            for name, run, results in zip(_names(runs), runs, shared_results(runs), strict=True)
        )
    )
    verdict = judge_comparison(comparison)
    page = write_page(render_comparison(comparison, verdict), output or Path("reports") / f"{_page_name(runs)}.html")
    return Compared(comparison, verdict, page, time.monotonic() - started)


def summary(found: Compared) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "run": found.comparison.names,
        "verdict": found.verdict.sentence,
        "claims": [dataclasses.asdict(claim) for claim in found.verdict.claims],
        "report": str(found.report),
        "seconds": round(found.seconds, 3),
    }


def in_words(found: Compared) -> str:
    return f"{found.verdict.sentence}\nReport: {found.report}"


def _refuse_too_few(folders: Sequence[Path]) -> None:
    if len(folders) < 2:
        seen = f"Only one run was given ('{folders[0]}')" if folders else "No runs were given"
        raise UsageError(f"{seen}; give two or more: topores compare RUN RUN.")
    twice = [folder for folder, count in Counter(folder.resolve() for folder in folders).items() if count > 1]
    if twice:
        raise UsageError(f"'{twice[0]}' was given twice; name each run once.")


def shared_results(runs: Sequence[Run]) -> list[Path]:
    """For each run its folder of results by the newest protocol that all share: as new as the oldest of these results.

    Raises:
        InputError: A run has no results, or there is no such protocol.
    """
    found = [_results(run) for run in runs]
    for run, own in zip(runs, found, strict=True):
        if not own:
            raise InputError(
                f"'{run.folder}' has no results yet; run topores topology --checkpoint {run.folder} first."
            )
    shared = set.intersection(*map(set, found))
    if not shared:
        told = ", ".join(f"'{run.folder}' {' and '.join(sorted(own))}" for run, own in zip(runs, found, strict=True))
        raise InputError(
            f"The runs were measured by no common protocol ({told}); run topores topology on each with equal options."
        )
    newest = max(shared, key=lambda protocol: (min(_written(own[protocol]) for own in found), protocol))
    return [own[newest] for own in found]


def _results(run: Run) -> dict[str, Path]:
    """The newest folder of each protocol, whichever nulls were measured beside: they change no number of the run."""
    folders = (path.parent for path in (run.folder / "topology").glob(f"*/{PROTOCOL}"))
    return {NULLS.sub("", folder.name): folder for folder in sorted(folders, key=_written)}


def _written(results: Path) -> float:
    return (results / PROTOCOL).stat().st_mtime


def _names(runs: Sequence[Run]) -> list[str]:
    """Names of the folders; where two are called alike, whole paths."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]


def _page_name(runs: Sequence[Run]) -> str:
    names = [run.name for run in runs]
    whole = f"compare-{'-'.join(names)}"
    return whole if len(whole) <= LONGEST_NAME else f"compare-{names[0][:LONGEST_NAME]}-and-{len(names) - 1}-more"
