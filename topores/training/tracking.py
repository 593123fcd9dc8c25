"""Send the lines of metrics.jsonl to experiment trackers through Accelerate; by default they stay on this machine."""

import importlib.util
import json
import logging
import netrc
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from accelerate.tracking import GeneralTracker, MLflowTracker, TensorBoardTracker, TrackioTracker, WandBTracker

from topores.compute.files import disk_faults, write_json
from topores.errors import ToporesError, UsageError

log = logging.getLogger(__name__)

FOLDER = "tracking"
"""Folder of the trackers' files within the run folder."""

PROJECT = "topores"
"""Project name in trackers that hold many runs."""

DATABASE = ("sqlalchemy", "alembic")
"""Modules that mlflow needs to write to a local file, and that mlflow-skinny lacks."""

NEEDS = {
    "mlflow": ("mlflow", *DATABASE),
    "tensorboard": ("tensorboard",),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""Modules that each tracker imports."""

OPTIONS_ONCE = ("mlflow", "tensorboard")
"""Trackers that must get the options only once; the others lose them on resume and get them again."""

Record = Callable[[int, Mapping[str, Any]], None]
"""Takes the cycle and the line of a logged cycle."""


def refuse_missing(names: Sequence[str]) -> None:
    """
    Raises:
        UsageError: A tracker is not installed.
    """
    elsewhere = DATABASE if "MLFLOW_TRACKING_URI" in os.environ else ()
    faults = []
    for name in names:
        missing = [m for m in NEEDS[name] if m not in elsewhere and importlib.util.find_spec(m) is None]
        lack = "is not installed" if name in missing else f"needs {' and '.join(missing)}"
        if missing:
            faults.append(f"--track is {name}, which {lack}; pip install {' '.join(missing)}.")
    if faults:
        raise UsageError(" ".join(faults))


@contextmanager
def open_trackers(
    names: Sequence[str],
    run_name: str,
    folder: Path,
    options: Mapping[str, Any],
    *,
    first_cycle: int = 0,
    writes: bool = True,
) -> Iterator[Record]:
    """Open the trackers, yield a function that sends them a line, and close them on exit.

    tensorboard, wandb and mlflow write to `folder`/tracking; wandb and mlflow write to a server instead if a login or
    their environment variables say so; trackio writes to its own store. A resumed run continues the same tracked run:
    tensorboard hides earlier values from `first_cycle` on, mlflow and trackio keep both, and wandb (offline) writes a
    second part with the same id. A tracker that fails during training is dropped with a warning, so that the run
    continues.

    Args:
        names: Names from topores.config.TRACKERS; may be empty.
        run_name: Name of the run in the trackers.
        folder: The run folder.
        options: Options stored with the tracked run: plain values, or lists and mappings of them.
        first_cycle: First cycle to be recorded; above 0 if the run is resumed.
        writes: False in all processes except the main one; nothing is tracked there.

    Raises:
        UsageError: A tracker is not installed, or cannot start.
        ResourceError: `folder` cannot be written to.
    """
    if not names or not writes:
        yield lambda _cycle, _line: None
        return
    refuse_missing(names)
    place = folder.resolve() / FOLDER
    with ExitStack() as closing:
        closing.enter_context(_variables(_local_environment(names, place)))
        with disk_faults(place):
            ids = _read_ids(place)
        trackers = [_tracker(name, run_name, place, ids, first_cycle) for name in dict.fromkeys(names)]
        for tracker in trackers:
            with _startup_errors(tracker, place):
                tracker.start()
            closing.callback(_finish, tracker)
            if not ids or tracker.name not in OPTIONS_ONCE:
                with _startup_errors(tracker, place):
                    tracker.store_init_configuration(flatten_options(options))
        _keep_ids(place, ids, trackers)
        yield _recorder(trackers)


def flatten_options(options: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Flatten options for trackers: one level, lists joined into a string, None left out.

    >>> flatten_options({"loss": "infonce", "track": ["wandb", "mlflow"], "pairs": None, "weights": {"1to1": 0.25}})
    {'loss': 'infonce', 'track': 'wandb,mlflow', 'weights.1to1': 0.25}
    """
    plain: dict[str, bool | int | float | str] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            plain |= {f"{name}.{inner}": v for inner, v in flatten_options(value).items()}
        elif isinstance(value, list | tuple):
            plain[name] = ",".join(map(str, value))
        elif value is not None:
            plain[name] = value if isinstance(value, bool | int | float) else str(value)
    return plain


@contextmanager
def _startup_errors(tracker: GeneralTracker, place: Path) -> Iterator[None]:
    """Turn errors at start-up into a `UsageError` or `ResourceError` that the user can fix."""
    try:
        # Some trackers print, but stdout is reserved for the result of --json.
        with disk_faults(place), redirect_stdout(sys.stderr):
            yield
    except ToporesError:
        raise
    except Exception as fault:
        raise UsageError(
            f"--track is {tracker.name}, which cannot start ({_first_line(fault)}); fix that, or remove it."
        ) from fault


def _recorder(trackers: list[GeneralTracker]) -> Record:
    sound = list(trackers)

    def record(cycle: int, line: Mapping[str, Any]) -> None:
        values = {name: value for name, value in line.items() if value is not None and name != "cycle"}
        for tracker in tuple(sound):
            try:
                with redirect_stdout(sys.stderr):
                    tracker.log(values, step=cycle)
            except Exception as fault:
                sound.remove(tracker)
                log.warning(
                    "%s failed at cycle %s (%s) and is not used any more; metrics.jsonl has every line.",
                    tracker.name, f"{cycle:,}", _first_line(fault),
                )  # fmt: skip

    return record


def _finish(tracker: GeneralTracker) -> None:
    try:
        with redirect_stdout(sys.stderr):
            tracker.finish()
    except Exception as fault:
        log.warning("%s could not be closed (%s); metrics.jsonl has every line.", tracker.name, _first_line(fault))


def _tracker(name: str, run_name: str, place: Path, ids: dict[str, str], first_cycle: int) -> GeneralTracker:
    if name == "tensorboard":
        return TensorBoardTracker(name, place, purge_step=first_cycle)
    if name == "wandb":
        run_id = ids.get(name) or uuid.uuid4().hex
        return WandBTracker(PROJECT, name=run_name, id=run_id, dir=str(place), resume="allow")
    if name == "mlflow":
        return MLflowTracker(PROJECT, str(place / "mlflow"), run_name=run_name, run_id=ids.get(name))
    return Trackio(PROJECT, name=run_name, resume="allow" if ids else "never")


class Trackio(TrackioTracker):  # type: ignore[misc]
    """Accelerate's tracker, without a current run: trackio would close it again at exit and print to stdout."""

    def finish(self) -> None:
        import trackio

        trackio.finish()


def _local_environment(names: Sequence[str], place: Path) -> dict[str, str]:
    """Environment variables that keep trackers on this machine and off stdout."""
    local: dict[str, str] = {}
    if "mlflow" in names:
        local |= {"MLFLOW_TRACKING_URI": f"sqlite:///{place / 'mlflow.db'}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    if "wandb" in names:
        local |= {"WANDB_CONSOLE": "off"}
    if "wandb" in names and not _has_key_for_wandb():
        local |= {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}
    return local


def _has_key_for_wandb() -> bool:
    """Whether the environment or the file written by `wandb login` has a key."""
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        kept = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        kept = None
    return bool(os.environ.get("WANDB_API_KEY") or kept)


@contextmanager
def _variables(wanted: dict[str, str]) -> Iterator[None]:
    """Set environment variables within the context; variables that are already set are not changed."""
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _read_ids(place: Path) -> dict[str, str]:
    """The trackers' ids of a resumed run; empty for a new one."""
    place.mkdir(parents=True, exist_ok=True)
    try:
        return dict(json.loads((place / "ids.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def _keep_ids(place: Path, before: dict[str, str], trackers: list[GeneralTracker]) -> None:
    ids = dict(before)
    for tracker in trackers:
        handle = tracker.tracker
        ids[tracker.name] = handle.info.run_id if tracker.name == "mlflow" else str(getattr(handle, "id", ""))
    if ids != before:
        write_json(place / "ids.json", ids)


def _first_line(fault: Exception) -> str:
    return (str(fault).strip() or type(fault).__name__).split("\n")[0][:200]
