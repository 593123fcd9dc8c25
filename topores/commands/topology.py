"""`topores topology`: checkpoints in; diagrams, measures, a verdict and a report out."""

import time
from pathlib import Path

from topores.analysis.analyse import analyse_source, protocol_name
from topores.analysis.sources import Source, open_source
from topores.analysis.store import write_results
from topores.config import TopologyConfig
from topores.domain import Analysis
from topores.report import write_report


def run_topology(config: TopologyConfig) -> tuple[Analysis, Path, float]:
    """Analyse, keep the results, write the report.

    Returns:
        The analysis, the report's path, and the seconds it took.
    """
    started = time.monotonic()
    source = open_source(config)
    analysis = analyse_source(source, config)
    report = config.output or Path("reports") / f"{source.name}.html"
    write_results(analysis, results_folder(source, config, report))
    write_report(analysis, report)
    return analysis, report, time.monotonic() - started


def analyse(config: TopologyConfig) -> Analysis:
    """The analysis alone: nothing is written."""
    return analyse_source(open_source(config), config)


def results_folder(source: Source, config: TopologyConfig, report: Path) -> Path:
    """In the run's own folder, or beside the report where there is no run."""
    if source.run is not None:
        return source.run.folder / "topology" / protocol_name(config)
    return report.with_suffix(".topology") / protocol_name(config)
