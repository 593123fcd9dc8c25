"""The command line: options in, one command called. Nothing heavy is imported for --help."""

import dataclasses
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from topores.compute.devices import first_process, leave_processes
from topores.compute.files import json_line
from topores.config import LANGUAGES, ClockConfig, Language, TopologyConfig, TrainConfig
from topores.errors import FailedOn, InputError, Interrupted, ToporesError, UsageError, did_you_mean
from topores.flags import TrainCommand, options_from
from topores.options import is_whole, whole_number, with_underscores

INTERNAL = 70
"""Exit code of a failure inside topores: EX_SOFTWARE of sysexits.h."""


class OneLine(click.Group):
    """A group whose commands report an error in one line and an exit code, never as a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                code = super().main(*args, **{**kwargs, "standalone_mode": False})
            except (FailedOn, Interrupted):
                leave_processes()
                raise
            leave_processes()
            sys.exit(code or 0)
        except click.exceptions.Exit as done:
            sys.exit(done.exit_code)
        except click.ClickException as fault:
            fault.show()
            sys.exit(fault.exit_code)
        except ToporesError as fault:
            _end(str(fault), fault.exit_code)
        except (KeyboardInterrupt, click.Abort):
            _end("Interrupted.", 130)
        except MemoryError:
            _end("There is not enough memory for this; give a smaller --batch-size or --max-points.", 5)
        except BrokenPipeError:
            sys.exit(1)
        except Exception as fault:
            if _debug():
                raise
            _end(f"Something inside topores failed ({type(fault).__name__}: {fault}); --debug shows where.", INTERNAL)


def _debug() -> bool:
    return "--debug" in sys.argv


def _end(message: str, code: int) -> None:
    if _debug():
        logging.getLogger("topores").debug("", exc_info=True)
    # One line, whatever the message quotes.
    click.echo(f"topores: {' '.join(message.split())}", err=True)
    sys.exit(code)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that every command has."""
    for option in (
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        click.option("-v", "--verbose", count=True, help="Print more messages."),
        click.option("-q", "--quiet", is_flag=True, help="Print only warnings and the result."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout; messages go to stderr."),
    ):
        command = option(command)
    return command


def send_messages(quiet: bool, verbose: int, debug: bool) -> None:
    """Send the package's messages to stderr, and silence other libraries unless --verbose is given."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    package = logging.getLogger("topores")
    package.handlers, package.propagate = [handler], False
    level = logging.DEBUG if verbose or debug else logging.WARNING if quiet else logging.INFO
    # With several processes, only the first one prints messages.
    package.setLevel(level if first_process() else logging.ERROR)
    if not verbose:
        warnings.simplefilter("ignore")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def merge_config(options: dict[str, Any], config: Path | None) -> dict[str, Any]:
    """Options of the config file, overridden by those on the command line."""
    typed = {name: value for name, value in options.items() if value is not None and value != ()}
    return {**_yaml(config), **typed}


def _yaml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as fault:
        raise InputError(f"--config '{path}' cannot be read ({fault}); give a YAML file of option names.") from fault
    if not isinstance(values, dict):
        raise InputError(f"--config '{path}' has no 'name: value' lines; write one option per line, e.g. cycles: 20.")
    return with_underscores(values)


config_file = click.option("--config", type=click.Path(path_type=Path), help="YAML file of options, by the same names.")


def _known_language(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if value not in LANGUAGES:
        raise UsageError(f"--lang is '{value}'. {did_you_mean(value, LANGUAGES)}")
    return value


language = click.option(
    "--lang", metavar=" | ".join(LANGUAGES), callback=_known_language, default="en", show_default=True,
    help="Language of the report.",
)  # fmt: skip


figures_too = click.option(
    "--figures", is_flag=True, help="Also draw figures for papers, as SVG and PNG, in a folder beside the report."
)


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="topores")
def main() -> None:
    """Train a sentence encoder on two fixed texts, and see what happens to the topology of its space.

    \b
    topores demo                                    all of it on sample texts, in about a minute
    topores train ARTICLE META_ANALYSIS -o runs/x   train on the four pairings of two texts
    topores topology --checkpoint runs/x            measure the space, write reports/x.html
    topores compare runs/x runs/y                   compare runs side by side, write one report
    """


@main.command()
@click.option("--cycles", metavar="N", help="Cycles to train.", default="200", show_default=True)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Run folder.", default="runs/demo", show_default=True
)
@click.option("--report", type=click.Path(path_type=Path), help="Report to write.  [default: reports/demo.html]")
@language
@figures_too
@common
def demo(
    cycles: str,
    output: Path,
    report: Path | None,
    lang: Language,
    figures: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
) -> None:
    """Train on the sample texts, measure the space, write the report."""
    send_messages(quiet, verbose, debug)
    from topores.commands.demo import run_demo

    _print_analysis(*run_demo(cycles, output, report, lang, figures=figures), as_json, figures)


@main.command(cls=TrainCommand)
@options_from(TrainConfig, positional=("article", "meta_analysis"))
@click.option("--resume", is_flag=True, help="Continue the run in --output; other options need not be repeated.")
@click.option("--force", is_flag=True, help="Replace an existing run in --output.")
@config_file
@common
def train(
    resume: bool,
    force: bool,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **options: Any,
) -> None:
    """Train on ARTICLE and META_ANALYSIS, or on --pairs FILE.

    Each cycle trains every aligned pair in the four pairings T1->T1, T2->T2, T1->T2 and T2->T1.
    """
    send_messages(quiet, verbose, debug)
    values = merge_config(options, config)
    if resume and not values.get("output"):
        raise UsageError("--resume needs the run folder; give --output RUN.")
    settings = None if resume else TrainConfig.from_mapping(values)
    started = time.monotonic()
    from topores.commands.train import command_line, in_words, summary
    from topores.runs import load_run
    from topores.training import running
    from topores.training.agreement import default_output

    folder = Path(values["output"]) if settings is None else settings.output or default_output(settings)
    failed = None
    try:
        if settings is None:
            run = running.resume(folder, values)
        else:
            run = running.train(settings, force=force, argv=command_line())
    except FailedOn as fault:
        failed, run = fault, load_run(folder)
    if first_process():
        click.echo(json_line(summary(run, time.monotonic() - started)) if as_json else in_words(run))
    if failed:
        raise failed


@main.command()
@options_from(TopologyConfig)
@click.option("--force", is_flag=True, help="Recompute existing results, and start even if memory seems too small.")
@config_file
@common
def topology(
    force: bool, config: Path | None, as_json: bool, quiet: bool, verbose: int, debug: bool, **options: Any
) -> None:
    """Measure how the space changes over the checkpoints of a run, or over any models or arrays."""
    send_messages(quiet, verbose, debug)
    settings = TopologyConfig.from_mapping(merge_config(options, config))
    from topores.commands.topology import run_topology, stop_if

    found = run_topology(settings, force=force)
    _print_analysis(*found, as_json, settings.figures)
    stop_if(found[0].verdict, settings.failing)


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Report to write.  [default: reports/<name>.html]"
)
@language
@figures_too
@common
def report(
    run: Path,
    output: Path | None,
    lang: Language,
    figures: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
) -> None:
    """Write the report of RUN again from its stored results, without computing anything."""
    send_messages(quiet, verbose, debug)
    from topores.commands.report import run_report

    _print_analysis(*run_report(run, output, lang, figures=figures), as_json, figures)


@main.command()
@click.argument("runs", nargs=-1, metavar="RUN RUN...", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Report to write.  [default: reports/compare-<names>.html]"
)
@language
@common
def compare(
    runs: tuple[Path, ...], output: Path | None, lang: Language, as_json: bool, quiet: bool, verbose: int, debug: bool
) -> None:
    """Compare runs at the same cycles and at the same losses, from their stored results.

    RUN is a run folder, or the report of a run, which contains its results; the two may be mixed.

    Runs that differ only in the seed are replicates: a difference is claimed only if it exceeds their spread.
    """
    send_messages(quiet, verbose, debug)
    from topores.commands.compare import in_words, run_compare, summary

    found = run_compare(runs, output, lang)
    click.echo(json_line(summary(found)) if as_json else in_words(found))


@main.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder of the model to write.")
@click.option("--cycle", metavar="N", help="Cycle of the checkpoint, if SOURCE is a run.  [default: the last one]")
@click.option("--force", is_flag=True, help="Replace an existing model at --output.")
@common
def export(
    source: Path, output: Path, cycle: str | None, force: bool, as_json: bool, quiet: bool, verbose: int, debug: bool
) -> None:
    """Write SOURCE, a run or a checkpoint, as a sentence-transformers model.

    Adapters and heads are merged, so that the model loads where topores is not installed. If it has a module that no
    stock module can stand for, the result says how to load it.
    """
    send_messages(quiet, verbose, debug)
    if cycle is not None and not is_whole(cycle):
        raise UsageError(f"--cycle is {cycle!r}; give a whole number.")
    from topores.commands.export import in_words, run_export, summary

    exported = run_export(source, output, None if cycle is None else whole_number(cycle), force=force)
    click.echo(json_line(summary(exported)) if as_json else in_words(exported))


@main.command()
@options_from(ClockConfig)
@click.option(
    "--report", type=click.Path(path_type=Path), help="Report to write.  [default: reports/<name of --output>.html]"
)
@click.option("--force", is_flag=True, help="Restart the existing runs in --output.")
@config_file
@common
def clock(
    report: Path | None,
    force: bool,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **options: Any,
) -> None:
    """Count the cycles that free unit vectors need to learn their pairs, at each temperature of the loss.

    The margin grows with the logarithm of the cycles. Runs that would take too long are extrapolated, and marked so.
    """
    send_messages(quiet, verbose, debug)
    settings = ClockConfig.from_mapping(merge_config(options, config))
    from topores.commands.clock import in_words, report_clock, run_clock, summary

    found = run_clock(settings, force=force)
    page = str(report_clock(found, report))
    click.echo(json_line({**summary(found), "report": page}) if as_json else f"{in_words(found)}\nReport: {page}")


@main.command()
@click.option("--prune", is_flag=True, help="Remove results not used for 30 days, or beyond the limits below.")
@click.option(
    "--older-than", metavar="DAYS", help="With --prune: remove results not used for this long; 0 removes all."
)
@click.option(
    "--larger-than", metavar="SIZE", help="With --prune: remove the least recently used beyond a size such as 2GB."
)
@common
def cache(
    prune: bool, older_than: str | None, larger_than: str | None, as_json: bool, quiet: bool, verbose: int, debug: bool
) -> None:
    """Show cached results of earlier analyses, and remove them on request."""
    send_messages(quiet, verbose, debug)
    from topores.commands.cache import in_words, run_cache, summary

    found = run_cache(prune, older_than, larger_than)
    click.echo(json_line(summary(found)) if as_json else in_words(found))


@main.command()
@click.argument("model", required=False)
@common
def doctor(model: str | None, as_json: bool, quiet: bool, verbose: int, debug: bool) -> None:
    """Check that this machine has everything topores needs, and that the homology engines agree.

    With MODEL, a folder or hub id, say instead what that model is and which encoders can be trained on it.
    """
    # What opening a model says is part of the answer, once.
    send_messages(quiet or model is not None, verbose, debug)
    from topores.commands.doctor import examine_model, run_doctor

    checks = run_doctor() if model is None else examine_model(model)
    # An encoder that a model does not take is no fault of the model.
    decisive = checks if model is None else checks[:1]
    if as_json:
        click.echo(json_line([dataclasses.asdict(check) for check in checks]))
    else:
        click.echo("\n".join(f"{_mark(c.passed, c in decisive)}  {c.name}: {c.detail}" for c in checks))
    if not all(check.passed for check in decisive):
        sys.exit(3)


def _mark(passed: bool, decisive: bool) -> str:
    return "ok " if passed else "BAD" if decisive else "no "


def _print_analysis(analysis: Any, report: Path, seconds: float, as_json: bool, figures: bool) -> None:
    """Print the result of demo, topology or report, in words or as one JSON object; figures only if requested."""
    from topores.report.figures import figures_in, folder_beside

    drawn = {"figures": [str(path) for path in figures_in(folder_beside(report))]} if figures else {}
    if as_json:
        from topores.analysis.verdict.stored import claim_facts

        claims = [claim_facts(claim) for claim in analysis.verdict.claims]
        result = {
            "run": analysis.name, "verdict": analysis.verdict.sentence, "outcome": analysis.verdict.outcome,
            "outcomes": list(analysis.verdict.every_outcome),
            "movement": analysis.verdict.movement, "claims": claims, "report": str(report), **drawn,
            "seconds": round(seconds, 3),
        }  # fmt: skip
        if "missing" in analysis.protocol:
            result["missing"] = analysis.protocol["missing"]
        click.echo(json_line(result))
    else:
        where = f"\nFigures: {folder_beside(report)}" if drawn else ""
        click.echo(f"{analysis.verdict.sentence}\nReport: {report}{where}")
