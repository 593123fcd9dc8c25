"""`topores clock`: how many cycles a contrastive loss needs at each temperature, counted or extrapolated."""

import os
import shlex
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from tqdm import tqdm

from topores.compute.files import write_json
from topores.config import ClockConfig
from topores.errors import Interrupted, RunError
from topores.report.clock.page import ClockFindings, render_clock
from topores.report.writing import write_page
from topores.training.clock.kernel import STEP
from topores.training.clock.law import Law, fit
from topores.training.clock.runs import KEEP_EVERY, ClockRun, advance, new_run, read_run, settings_of, write_run
from topores.training.clock.vectors import NOISE
from topores.training.signals import stop_asked


class Clock(NamedTuple):
    """All runs of a clock, and the law fitted to them."""

    config: ClockConfig
    runs: tuple[ClockRun, ...]
    law: Law | None
    """None if fewer than three temperatures reached the margin."""


def run_clock(config: ClockConfig, *, force: bool = False) -> Clock:
    """Run each temperature until the margin or the last cycle is reached; existing runs are continued.

    Args:
        force: Start all runs again from cycle 0.

    Raises:
        RunError: Another process is writing there, or a run is damaged.
        ResourceError: A run cannot be written.
        Interrupted: A signal was received; all runs are saved.
    """
    with _one_clock_at_a_time(config.output):
        settings = settings_of(config)
        runs = [(None if force else read_run(s, config.output)) or new_run(s) for s in settings]
        with stop_asked() as stopped, ThreadPoolExecutor(os.cpu_count()) as threads:
            work = [threads.submit(_run, run, config, stopped) for run in runs]
            _watch(work, runs, config)
        for done in work:
            done.result()
        if stopped():
            raise Interrupted(f"Stopped and saved in '{config.output}'; run the same command to continue.")
        clock = Clock(config, tuple(runs), _law(runs, config.margin))
        write_json(config.output / "clock.json", summary(clock))
        return clock


def _run(run: ClockRun, config: ClockConfig, stopped: Callable[[], bool]) -> None:
    kept = time.monotonic()
    for _ in advance(run, config.cycles, to_the_end=config.to_the_end):
        if stopped():
            break
        if time.monotonic() - kept > KEEP_EVERY:
            write_run(run, config.output)
            kept = time.monotonic()
    write_run(run, config.output)


def _watch(work: list[Any], runs: list[ClockRun], config: ClockConfig) -> None:
    """Show a progress bar of cycles; the total is known only if all runs go on to the last cycle."""
    before = sum(run.cycle for run in runs)
    total = config.cycles * len(runs) if config.to_the_end else None
    with tqdm(desc="cycles", total=total, initial=before, unit="", unit_scale=True, disable=None, leave=False) as bar:
        pending = set(work)
        while pending:
            _, pending = wait(pending, timeout=0.5)
            bar.update(sum(run.cycle for run in runs) - bar.n)


def _law(runs: list[ClockRun], margin: float) -> Law | None:
    reached = [(run.setting.temperature, run.reached) for run in runs if run.reached is not None]
    return fit([t for t, _ in reached], [cycles for _, cycles in reached], margin)


def summary(clock: Clock) -> dict[str, Any]:
    """The result as `--json` prints it."""
    config = clock.config
    return {
        "loss": config.loss, "pairs": config.pairs, "dim": config.dim, "margin": config.margin,
        "temperatures": [_temperature_summary(clock, temperature) for temperature in config.each_temperature],
        "law": None if clock.law is None else clock.law._asdict(),
    }  # fmt: skip


def _temperature_summary(clock: Clock, temperature: float) -> dict[str, Any]:
    """Cycle counts of all starts, and their median; extrapolated by the law if some start did not reach the margin."""
    runs = [run for run in clock.runs if run.setting.temperature == temperature]
    counts = [run.reached for run in runs if run.reached is not None]
    literal = median(counts) if len(counts) == len(runs) else None
    return {
        "temperature": temperature, "cycles": literal, "counts": counts, "starts": len(runs),
        "extrapolated": clock.law.cycles(temperature) if clock.law and literal is None else None,
        "cycles_run": max(run.cycle for run in runs), "seconds": sum(run.seconds for run in runs),
    }  # fmt: skip


def in_words(clock: Clock) -> str:
    """The result for a terminal: a table, and a sentence on the law."""
    config = clock.config
    lines = [
        f"Cycles until the worst of {2 * config.pairs} rows has a margin of {config.margin:.4f} "
        f"({config.share:.0%} of the simplex margin), {config.loss}:",
        "",
        f"{'temperature':>11}  {'cycles':>16}  {'':12}  {'of the starts':>24}  {'cycles/s':>10}",
    ]
    for row in summary(clock)["temperatures"]:
        known, foretold = row["cycles"], row["extrapolated"]
        count = f"{known:,.0f}" if known else f"~{foretold:,.0f}" if foretold else f"> {row['cycles_run']:,}"
        how = "" if known else "extrapolated" if foretold else "not reached"
        spread = f"{min(row['counts']):,} to {max(row['counts']):,}" if len(row["counts"]) > 1 else ""
        speed = sum(r.cycle for r in clock.runs if r.setting.temperature == row["temperature"]) / (row["seconds"] or 1)
        lines.append(f"{row['temperature']:>11g}  {count:>16}  {how:12}  {spread:>24}  {speed:>10,.0f}")
    return "\n".join([*lines, "", _law_sentence(clock.law)])


def _law_sentence(law: Law | None) -> str:
    if law is None:
        return "Fewer than three temperatures reached the margin, too few to fit the law; give more --temperatures."
    apart = (law.slope - law.expected) / law.expected
    return (
        f"ln(cycles / temperature) over 1 / temperature has the slope {law.slope:.4f} (standard error "
        f"{law.slope_error:.4f}) over {law.decades:.1f} decades; the law predicts the margin, {law.expected:.4f} "
        f"({apart:+.1%})."
    )


def report_clock(clock: Clock, report: Path | None = None) -> Path:
    """Write the report page of a clock; by default reports/<name of the output folder>.html.

    Raises:
        InputError: `report` is a folder.
        ResourceError: The page cannot be written.
    """
    config, name = clock.config, clock.config.output.resolve().name or "clock"
    runs = [
        {
            "temperature": run.setting.temperature, "seed": run.setting.seed, "cycle": run.cycle,
            "reached": run.reached, "seconds": run.seconds, "looks": run.looks,
        }
        for run in clock.runs
    ]  # fmt: skip
    page = ClockFindings(name, summary(clock), runs, config.to_mapping(), STEP, NOISE, _command(config))
    return write_page(render_clock(page), report or Path("reports") / f"{name}.html")


def _command(config: ClockConfig) -> str:
    """The command line of these runs, with the options that differ from the defaults."""
    usual, words = ClockConfig().to_mapping(), ["topores", "clock"]
    for name, value in config.to_mapping().items():
        if value != usual[name]:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(words)


@contextmanager
def _one_clock_at_a_time(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as fault:
        raise RunError(
            f"Another process is running the clock in '{folder}'; wait for it to finish, or give another --output."
        ) from fault
    try:
        yield
    finally:
        lock.release()
