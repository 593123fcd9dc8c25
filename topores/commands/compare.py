"""`topores compare`: stored results of several runs side by side in one page; nothing is computed again.

A run is given as its folder or as a report, which contains its results.
"""

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from topores.analysis.comparison.aligned import Comparison
from topores.analysis.comparison.run import ComparedRun
from topores.analysis.comparison.verdict import judge_comparison
from topores.analysis.store import PROTOCOL, protocol_facts, read_results
from topores.analysis.verdict.stored import claim_facts
from topores.config import Language
from topores.domain import Verdict
from topores.errors import InputError, UsageError
from topores.report.carried import read_report
from topores.report.comparison.page import render_comparison
from topores.report.html.safe import clean
from topores.report.writing import write_page
from topores.runs import load_run

NULLS = re.compile(r"-nulls.*?(?=-seed\d+$|$)")
"""The nulls in a protocol's name: older results keep no name without them."""

LONGEST_NAME = 80
"""Longest name of a report; with more runs only the first is named."""


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
    """Name of the run."""
    page: str
    """Its part of the page's file name: the name of a file here, never one from inside a report."""
    results: dict[str, Path]
    """By protocol without nulls, the folder with the results, or the report."""
    read: Callable[[Path], ComparedRun]
    """Reads the results."""


def run_compare(paths: Sequence[Path], output: Path | None, lang: Language = "en") -> Compared:
    """Align the runs by cycle and by loss, test what differs, write one page.

    Args:
        paths: Run folders and reports of runs, in any combination.
        lang: Language of the page.

    Raises:
        UsageError: Fewer than two runs, or one of them twice.
        RunError: A folder holds no run.
        InputError: A run was not analysed yet, a report contains no readable results, or the runs share no protocol.
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
        "claims": [claim_facts(claim) for claim in found.verdict.claims],
        "report": str(found.report),
        "seconds": round(found.seconds, 3),
    }


def in_words(found: Compared) -> str:
    # Names come from foreign files, and a terminal obeys control characters.
    return f"{clean(found.verdict.sentence)}\nReport: {found.report}"


def _refuse_too_few(paths: Sequence[Path]) -> None:
    if len(paths) < 2:
        seen = f"Only one run was given ('{paths[0]}')" if paths else "No runs were given"
        raise UsageError(f"{seen}; give two or more, as folders or reports: topores compare RUN RUN.")
    twice = [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if twice:
        raise UsageError(f"'{twice[0]}' was given twice; name each run once.")


def given_as(path: Path) -> Given:
    """The run in a folder or of a report, and the protocols by which it was measured."""
    named_as_one = path.suffix == ".html" and not path.is_dir()
    return _report(path) if path.is_file() or named_as_one else _folder(path)


def _folder(folder: Path) -> Given:
    run = load_run(folder)
    found = sorted((path.parent for path in (folder / "topology").glob(f"*/{PROTOCOL}")), key=_modified_at)
    if not found:
        raise InputError(f"'{folder}' has no results yet; run topores topology --checkpoint {folder} first.")
    # If a protocol has several folders, the newest counts.
    results = {_comparable({"name": results.name, **protocol_facts(results)}): results for results in found}

    def read(place: Path) -> ComparedRun:
        return ComparedRun(run.name, read_results(place, run), ranks=run.held_out_ranks)

    return Given(folder, run.name, run.name, results, read)


def _report(path: Path) -> Given:
    run = read_report(path)
    if not run.options:
        raise InputError(
            f"'{path}' is not the report of a training run, so it cannot be aligned with others; give reports of runs."
        )
    return Given(path, run.name, path.stem, {_comparable(run.analysis.protocol): path}, lambda _: run)


def _comparable(protocol: Mapping[str, Any]) -> str:
    """Name of a protocol that is equal where numbers are comparable: nulls add numbers and change none."""
    known = protocol.get("comparable")
    return known if isinstance(known, str) else NULLS.sub("", protocol["name"])


def shared_results(given: Sequence[Given]) -> list[Path]:
    """For each run its results by the newest protocol that all share; a protocol is as new as its oldest results.

    Raises:
        InputError: There is no such protocol.
    """
    shared = set.intersection(*(set(one.results) for one in given))
    if not shared:
        told = ", ".join(f"'{one.path}' {clean(' and '.join(sorted(one.results)))}" for one in given)
        raise InputError(f"The runs share no protocol ({told}); run topores topology on each with the same options.")
    newest = max(shared, key=lambda protocol: (min(_modified_at(one.results[protocol]) for one in given), protocol))
    return [one.results[newest] for one in given]


def _modified_at(results: Path) -> float:
    return (results if results.is_file() else results / PROTOCOL).stat().st_mtime


def _names(given: Sequence[Given]) -> list[str]:
    """Names of the runs; their paths if two have the same name."""
    names = [one.name for one in given]
    return names if len(set(names)) == len(names) else [str(one.path) for one in given]


def _page_name(given: Sequence[Given]) -> str:
    names = [one.page for one in given]
    whole = f"compare-{'-'.join(names)}"
    return whole if len(whole) <= LONGEST_NAME else f"compare-{names[0][:LONGEST_NAME]}-and-{len(names) - 1}-more"
