"""`topores compare`: the stored results of several runs side by side, in one page, computing nothing anew.

A run is given as its folder, or as a report, which carries its results.
"""

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.run import ComparedRun
from topores.analysis.comparison.verdict import judge_comparison
from topores.analysis.store import PROTOCOL, read_results
from topores.config import Language
from topores.domain import Verdict
from topores.errors import InputError, UsageError
from topores.report.carried import read_report
from topores.report.comparison.page import render_comparison
from topores.report.html.safe import clean
from topores.report.writing import write_page
from topores.runs import load_run

NULLS = re.compile(r"-nulls.*?(?=-seed\d+$|$)")
"""What the name of a protocol's folder says of its nulls."""

LONGEST_NAME = 80
"""Letters of a report's name; of more runs the first is named."""


class Compared(NamedTuple):
    comparison: Comparison
    verdict: Verdict
    report: Path
    seconds: float


@dataclass(frozen=True)
class Given:
    """A run as the command line names it: by its folder, or by a report."""

    path: Path
    name: str
    """How it calls itself."""
    page: str
    """What the name of the comparison's page calls it: a name of a file here, never one that a report brings."""
    results: dict[str, Path]
    """By protocol, the folder that holds the results, or the report; which nulls were measured makes no protocol."""
    read: Callable[[Path], ComparedRun]
    """Results to what is compared."""


def run_compare(paths: Sequence[Path], output: Path | None, lang: Language = "en") -> Compared:
    """Align the runs by cycle and by loss, judge what differs, write one page.

    Args:
        paths: Folders of runs and reports of runs, in any mixture.
        lang: Of the page.

    Raises:
        UsageError: Fewer than two runs, or one of them twice.
        RunError: A folder holds no run.
        InputError: A run was not analysed yet, a report carries no results that can be read, or the runs share no
            protocol.
    """
    started = time.monotonic()
    _refuse_too_few(paths)
    given = [given_as(path) for path in paths]
    comparison = Comparison(
        tuple(
            dataclasses.replace(one.read(results), name=name)
            for name, one, results in zip(_names(given), given, shared_results(given), strict=True)
        )
    )
    verdict = judge_comparison(comparison)
    place = output or Path("reports") / f"{_page_name(given)}.html"
    page = write_page(render_comparison(comparison, verdict, lang), place)
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
    # Names come from files of others, and a terminal obeys what it is told.
    return f"{clean(found.verdict.sentence)}\nReport: {found.report}"


def _refuse_too_few(paths: Sequence[Path]) -> None:
    if len(paths) < 2:
        seen = f"Only one run was given ('{paths[0]}')" if paths else "No runs were given"
        raise UsageError(f"{seen}; give two or more, as folders or reports: topores compare RUN RUN.")
    twice = [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if twice:
        raise UsageError(f"'{twice[0]}' was given twice; name each run once.")


def given_as(path: Path) -> Given:
    """The run that a folder holds or a report is of, and by which protocols it was measured."""
    named_as_one = path.suffix == ".html" and not path.is_dir()
    return _report(path) if path.is_file() or named_as_one else _folder(path)


def _folder(folder: Path) -> Given:
    run = load_run(folder)
    found = sorted((path.parent for path in (folder / "topology").glob(f"*/{PROTOCOL}")), key=_written)
    if not found:
        raise InputError(f"'{folder}' has no results yet; run topores topology --checkpoint {folder} first.")
    # Of one protocol the newest folder.
    results = {NULLS.sub("", results.name): results for results in found}
    return Given(folder, run.name, run.name, results, lambda place: ComparedRun(run.name, read_results(place, run)))


def _report(path: Path) -> Given:
    run = read_report(path)
    if not run.options:
        raise InputError(
            f"'{path}' reports on no training run, so nothing aligns it with others; give reports of runs."
        )
    return Given(path, run.name, path.stem, {NULLS.sub("", run.analysis.protocol["name"]): path}, lambda _: run)


def shared_results(given: Sequence[Given]) -> list[Path]:
    """For each run its results by the newest protocol that all share: as new as the oldest of these results.

    Raises:
        InputError: There is no such protocol.
    """
    shared = set.intersection(*(set(one.results) for one in given))
    if not shared:
        told = ", ".join(f"'{one.path}' {clean(' and '.join(sorted(one.results)))}" for one in given)
        raise InputError(
            f"The runs were measured by no common protocol ({told}); run topores topology on each with equal options."
        )
    newest = max(shared, key=lambda protocol: (min(_written(one.results[protocol]) for one in given), protocol))
    return [one.results[newest] for one in given]


def _written(results: Path) -> float:
    return (results if results.is_file() else results / PROTOCOL).stat().st_mtime


def _names(given: Sequence[Given]) -> list[str]:
    """How the runs call themselves; where two are called alike, the paths."""
    names = [one.name for one in given]
    return names if len(set(names)) == len(names) else [str(one.path) for one in given]


def _page_name(given: Sequence[Given]) -> str:
    names = [one.page for one in given]
    whole = f"compare-{'-'.join(names)}"
    return whole if len(whole) <= LONGEST_NAME else f"compare-{names[0][:LONGEST_NAME]}-and-{len(names) - 1}-more"
