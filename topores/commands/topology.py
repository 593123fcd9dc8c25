"""`topores topology`: checkpoints in; diagrams, measures, a verdict and a report out."""

import json
import logging
import time
from pathlib import Path
from typing import cast

from topores.analysis.analyse import analyse_source, fingerprint, protocol_name
from topores.analysis.opening import open_source
from topores.analysis.sources import Source
from topores.analysis.store import results_for, write_results
from topores.compute.cache import Cache
from topores.config import Language, TopologyConfig
from topores.domain import Analysis, Verdict
from topores.errors import FailedOn
from topores.report import write_report
from topores.report.figures import folder_beside, need_matplotlib, write_figures

log = logging.getLogger(__name__)


def run_topology(config: TopologyConfig, *, force: bool = False) -> tuple[Analysis, Path, float]:
    """Analyse, store the results, write the report. Results of the same command are read instead of computed again.

    Args:
        force: Start even if memory seems too small, and compute even if results exist.

    Returns:
        The analysis, the path of the report, and the seconds it took.
    """
    started = time.monotonic()
    if config.figures:
        need_matplotlib()
    source, cache = open_source(config), cache_of(config)
    report = config.output or default_report(source, Path("reports"))
    folder = results_folder(source, config, report)
    decided_by = fingerprint(source, config, cache)
    analysis = None if cache is None or force else results_for(decided_by, folder, source.run)
    if analysis is None:
        analysis = analyse_source(source, config, cache=cache, force=force)
        # What is missing may be found next time, so such results are not used again.
        complete = "missing" not in analysis.protocol
        write_results(analysis, folder, fingerprint=decided_by if complete else None)
    else:
        log.info("Nothing changed since the results in '%s' were computed; they are used again.", folder)
    # The options have refused any other.
    write_report(analysis, report, cast(Language, config.lang))
    if config.figures:
        write_figures(analysis, folder_beside(report))
    return analysis, report, time.monotonic() - started


def default_report(source: Source, folder: Path) -> Path:
    """The report by the name of the source; by its folders too, where another source has a report of that name."""
    first = source.states[0].path
    parents = first.expanduser().absolute().parts[-2::-1]
    if source.run is not None:
        return folder / f"{source.name}.html"
    name = source.name
    for parent in (*parents, *map(str, range(2, 1000))):
        report = folder / f"{name}.html"
        if not _is_of_another(report, first):
            break
        name = f"{source.name}-{parent}" if parent.isdigit() else f"{parent.strip('/')}-{name}".strip("-")
    return report


def _is_of_another(report: Path, first: Path) -> bool:
    """Whether there is a report, and results beside it whose first state is not `first`."""
    for facts in report.with_suffix(".topology").glob("*/protocol.json") if report.is_file() else ():
        try:
            known = json.loads(facts.read_text(encoding="utf-8"))["states"][0]["path"]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        return Path(known).absolute() != first.absolute()
    return False


def stop_if(verdict: Verdict, outcomes: frozenset[str]) -> None:
    """Exit with code 1 if --fail-on names an outcome that holds.

    Raises:
        FailedOn: It does.
    """
    named = [outcome for outcome in verdict.every_outcome if outcome in outcomes]
    if named:
        told = "' and '".join(named)
        raise FailedOn(f"The verdict is '{told}', which --fail-on names; the report has the evidence.")


def analyse(config: TopologyConfig, *, force: bool = False) -> Analysis:
    """The analysis alone: neither results nor a report are written."""
    return analyse_source(open_source(config), config, cache=cache_of(config), force=force)


def cache_of(config: TopologyConfig) -> Cache | None:
    """The cache that --cache names; None for 'none'."""
    if config.cache == "none":
        return None
    return Cache() if config.cache == "auto" else Cache(Path(config.cache))


def results_folder(source: Source, config: TopologyConfig, report: Path) -> Path:
    """Within the run's folder, or beside the report if there is no run."""
    if source.run is not None:
        return source.run.folder / "topology" / protocol_name(config)
    return report.with_suffix(".topology") / protocol_name(config)
