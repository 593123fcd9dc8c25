"""`topores topology`: checkpoints in; diagrams, measures, a verdict and a report out."""

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
    """Analyse, keep the results, write the report. What the same command found before is read, not computed again.

    Args:
        force: Begin even if the memory seems too small, and whatever is known already.

    Returns:
        The analysis, the report's path, and the seconds it took.
    """
    started = time.monotonic()
    if config.figures:
        need_matplotlib()
    source, cache = open_source(config), cache_of(config)
    report = config.output or Path("reports") / f"{source.name}.html"
    folder = results_folder(source, config, report)
    decided_by = fingerprint(source, config, cache)
    analysis = None if cache is None or force else results_for(decided_by, folder, source.run)
    if analysis is None:
        analysis = analyse_source(source, config, cache=cache, force=force)
        write_results(analysis, folder, fingerprint=decided_by)
    else:
        log.info("Nothing has changed since the results in '%s'; they are shown again.", folder)
    # The options have refused any other.
    write_report(analysis, report, cast(Language, config.lang))
    if config.figures:
        write_figures(analysis, folder_beside(report))
    return analysis, report, time.monotonic() - started


def stop_if(verdict: Verdict, outcomes: frozenset[str]) -> None:
    """End with exit code 1 if the outcome is among those of --fail-on.

    Raises:
        FailedOn: It is.
    """
    if verdict.outcome in outcomes:
        raise FailedOn(f"The verdict is '{verdict.outcome}', and --fail-on names it; the report says what it rests on.")


def analyse(config: TopologyConfig, *, force: bool = False) -> Analysis:
    """The analysis alone: no results and no report are written."""
    return analyse_source(open_source(config), config, cache=cache_of(config), force=force)


def cache_of(config: TopologyConfig) -> Cache | None:
    """Where --cache says; None for none."""
    if config.cache == "none":
        return None
    return Cache() if config.cache == "auto" else Cache(Path(config.cache))


def results_folder(source: Source, config: TopologyConfig, report: Path) -> Path:
    """In the run's own folder, or beside the report where there is no run."""
    if source.run is not None:
        return source.run.folder / "topology" / protocol_name(config)
    return report.with_suffix(".topology") / protocol_name(config)
