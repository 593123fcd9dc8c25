"""One run of the clock, measured at a few cycles and saved atomically in one file."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from topores.compute.files import write_json
from topores.config import ClockConfig
from topores.errors import RunError
from topores.training.clock.kernel import compile_cycles
from topores.training.clock.vectors import Vectors, margin, measure, start

WORK_AT_ONCE = 4e8
"""Multiplications between two checks whether to stop: less than a second."""

KEEP_EVERY = 10.0
"""Seconds between two saves of the state."""


@dataclass(frozen=True)
class Setting:
    """Everything that determines a run to the bit."""

    loss: str
    temperature: float
    pairs: int
    dim: int
    seed: int
    margin: float
    """Target margin of the worst row."""

    @property
    def name(self) -> str:
        return f"{self.loss}-{self.pairs}x{self.dim}-t{self.temperature:g}-seed{self.seed}"


@dataclass
class ClockRun:
    """The state of a run."""

    setting: Setting
    vectors: Vectors
    cycle: int = 0
    reached: int | None = None
    """The first cycle at which the target margin was reached."""
    seconds: float = 0.0
    """Computing time, summed over all resumes."""
    looks: list[dict[str, Any]] = field(default_factory=list)
    """Measurements at cycles 0, 1, 2, 5, 10, 20, 50, ... and the last: cycle, margin, loss, one_minus_p, sha256."""


def settings_of(config: ClockConfig) -> list[Setting]:
    """One setting for each start of each temperature."""
    return [
        Setting(config.loss, temperature, config.pairs, config.dim, config.seed + offset, config.margin)
        for temperature in config.each_temperature
        for offset in range(config.starts)
    ]


def new_run(setting: Setting) -> ClockRun:
    run = ClockRun(setting, start(setting.pairs, setting.dim, setting.seed))
    _look(run)
    return run


def advance(run: ClockRun, cycles: int, *, to_the_end: bool) -> Iterator[ClockRun]:
    """Run up to `cycles`, or only to the margin unless `to_the_end`; yields after each stretch of a second or less.

    The first cycle that reaches the margin is found by bisecting its stretch, which assumes that the margin grows
    within a stretch.
    """
    step = compile_cycles(run.setting.pairs, run.setting.dim, run.setting.loss)
    step(run.vectors, run.setting.temperature, 0)  # compile now, so that the run's time does not include it
    at_once = max(1, int(WORK_AT_ONCE / (2 * run.setting.pairs) ** 2 / (run.setting.dim + 8)))
    while run.cycle < cycles and (to_the_end or run.reached is None):
        began = time.monotonic()
        stretch = min(at_once, _next_look(run.cycle, cycles) - run.cycle)
        before = run.vectors.copy()
        step(run.vectors, run.setting.temperature, stretch)
        if run.reached is None and margin(run.vectors) >= run.setting.margin:
            needed = _first_to_reach(before, run.setting, stretch, step)
            run.reached = run.cycle + needed
            if not to_the_end:
                run.vectors, stretch = before, needed
        run.cycle += stretch
        run.seconds += time.monotonic() - began
        if run.cycle in (_next_look(run.cycle - 1, cycles), run.reached):
            _look(run)
        yield run


def write_run(run: ClockRun, folder: Path) -> None:
    """Write the run to one file, replacing the earlier one atomically."""
    facts = {**asdict(run), "vectors": run.vectors.tolist()}
    write_json(folder / f"{run.setting.name}.json", {**facts, "state_sha256": _sha256(run)})


def read_run(setting: Setting, folder: Path) -> ClockRun | None:
    """The saved run of `setting`, or None if there is none.

    Raises:
        RunError: Its file is damaged, or belongs to another setting.
    """
    path = folder / f"{setting.name}.json"
    if not path.exists():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        said = facts.pop("state_sha256")
        run = ClockRun(Setting(**facts.pop("setting")), np.array(facts.pop("vectors"), dtype=np.float64), **facts)
        whole = said == _sha256(run)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise RunError(f"'{path}' cannot be read ({fault}); remove it to start that run again.") from fault
    if not whole:
        raise RunError(f"'{path}' is damaged: its checksum does not match; remove it to start that run again.")
    if run.setting != setting:
        raise RunError(
            f"'{path}' has the target margin {run.setting.margin:g}, not {setting.margin:g}; give another --output."
        )
    return run


def _next_look(cycle: int, last: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... after `cycle`, or the last one.

    >>> [_next_look(c, 300) for c in (0, 1, 19, 20, 99, 200)]
    [1, 2, 20, 50, 100, 300]
    """
    decade = 10 ** max(0, len(str(cycle)) - 1)
    return min(last, next(m * decade for m in (1, 2, 5, 10) if m * decade > cycle))


def _look(run: ClockRun) -> None:
    found = measure(run.vectors, run.setting.temperature, run.setting.loss)._asdict()
    digest = hashlib.sha256(run.vectors.tobytes()).hexdigest()
    run.looks.append({"cycle": run.cycle, **found, "sha256": digest})


def _first_to_reach(
    vectors: Vectors, setting: Setting, cycles: int, step: Callable[[Vectors, float, int], None]
) -> int:
    """The first of up to `cycles` cycles that reaches the margin; `vectors` are advanced to it."""
    done = 0
    while cycles - done > 1:
        half = (cycles - done) // 2
        tried = vectors.copy()
        step(tried, setting.temperature, half)
        if margin(tried) >= setting.margin:
            cycles = done + half
        else:
            vectors[:], done = tried, done + half
    step(vectors, setting.temperature, cycles - done)
    return cycles


def _sha256(run: ClockRun) -> str:
    """Hash of everything that a resume needs."""
    facts = [asdict(run.setting), run.cycle, run.reached, run.looks]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(run.vectors.tobytes())
    return digest.hexdigest()
