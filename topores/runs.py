"""A run folder, read and written: options, facts, frozen texts, metrics and checkpoints."""

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from topores.compute.files import append_line, disk_faults, one_writer, undo_unfinished, write_json, write_text
from topores.compute.set_aside import put_back, remove_former, set_aside
from topores.config import TrainConfig
from topores.domain import DIRECTIONS, Corpus, State, cycle_label
from topores.errors import Diverged, FailedOn, Interrupted, ResourceError, RunError, UsageError
from topores.text.corpus import read_corpus

METRICS, RANKS = LOGS = ("metrics.jsonl", "held_out_ranks.jsonl")
FILES = ("run.json", "config.yaml", "passages.parquet", "pairs.parquet", *LOGS)
FOLDERS = ("checkpoints", "state", "topology", "tracking", "nulls", "folds")


@dataclass(frozen=True)
class Run:
    """The folder that one call of `topores train` writes."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @cached_property
    def options(self) -> TrainConfig:
        """The resolved options it was started with; those of other variants, which older runs recorded, are dropped."""
        path = self.folder / "config.yaml"
        try:
            return TrainConfig.from_mapping(_read_yaml(path), stored=True)
        except UsageError as fault:
            raise RunError(
                f"'{path}' names what this topores does not have ({fault}) Put back the file of the encoder or "
                "objective that the run was trained with, or use the version that trained it."
            ) from fault

    @cached_property
    def facts(self) -> dict[str, Any]:
        """run.json: versions, seeds, device, sha256 of texts and base weights, argv."""
        return _read_json(self.folder / "run.json")

    @property
    def diverged(self) -> str | None:
        """How training came to numbers that are not finite; None if it did not."""
        return _read_json(self.folder / "run.json").get("diverged")

    @cached_property
    def corpus(self) -> Corpus:
        return read_corpus(self.folder)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, in order of cycle.

        Raises:
            RunError: A line is not a JSON object with a cycle.
        """
        return [line for _, line in self._written_lines(METRICS)]

    @property
    def held_out_ranks(self) -> dict[int, dict[str, list[float]]]:
        """By logged cycle and direction: the rank at which each held-out passage found its partner, in its order.

        Empty for runs of topores 0.1.0 and for those that hold nothing out.

        Raises:
            RunError: A line is not a JSON object with a cycle.
        """
        return {
            line["cycle"]: {way: [math.inf if rank is None else rank for rank in line[way]] for way in DIRECTIONS}
            for _, line in self._written_lines(RANKS)
        }

    @property
    def best(self) -> dict[str, Any] | None:
        """The line of metrics.jsonl with the highest held-out MRR, the first of equal ones; None if no line has any."""
        lines = [line for line in self.metrics if held_out_mrr(line) is not None]
        return max(lines, key=lambda line: held_out_mrr(line) or 0.0, default=None)

    @property
    def checkpoints(self) -> dict[int, Path]:
        """Checkpoints by cycle, in order."""
        folders = self.folder.glob("checkpoints/cycle-*")
        return dict(sorted((int(f.name.removeprefix("cycle-")), f) for f in folders if f.is_dir()))

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(State(cycle, cycle_label(cycle), path) for cycle, path in self.checkpoints.items())

    @property
    def nulls(self) -> dict[str, "Run"]:
        """Its null controls by name: shuffled-1, shuffled-2, frozen."""
        return {folder.name: Run(folder) for folder in sorted(self.folder.glob("nulls/*")) if is_run(folder)}

    @property
    def folds(self) -> tuple["Run", ...]:
        """The runs that hold out each pair once, in order, as far as they were begun; this run is the first."""
        folders = [self.fold_path(number) for number in range(2, self.options.fold_count + 1)]
        return (self, *(Run(folder) for folder in folders if is_run(folder)))

    def fold_path(self, number: int) -> Path:
        """Folder of another fold's run, from 2."""
        return self.folder / "folds" / f"fold-{number}"

    @property
    def parent(self) -> "Run | None":
        """The run that this one is a null or a fold of, if it is still in that run's folder."""
        folder = self.folder.resolve().parent
        return Run(folder.parent) if folder.name in ("nulls", "folds") and is_run(folder.parent) else None

    def checkpoint_path(self, cycle: int) -> Path:
        return self.folder / "checkpoints" / f"cycle-{cycle:012d}"

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add the line of a cycle; it is on the disk when this returns, so a state saved next can count on it."""
        append_line(self.folder / METRICS, json.dumps(line))
        if line["cycle"] > 0:
            remove_former(self.folder)

    def append_ranks(self, cycle: int, ranks: Mapping[str, Sequence[float]], *, sync: bool) -> None:
        """Add the ranks of a cycle's held-out passages, by direction.

        Args:
            sync: Whether a state that is saved next counts on them; the wait for the disk is longer than a cycle.
        """
        finite = {way: [rank if math.isfinite(rank) else None for rank in found] for way, found in ranks.items()}
        append_line(self.folder / RANKS, json.dumps({"cycle": cycle, **finite}), sync=sync)

    def keep_metrics_until(self, cycle: int) -> None:
        """Drop the lines after `cycle`, and a line cut short: a resumed run writes them again."""
        for name in LOGS:
            kept = [text for text, line in self._written_lines(name) if line["cycle"] <= cycle]
            if (self.folder / name).is_file():
                write_text(self.folder / name, "".join(kept))

    def _written_lines(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Each line of a log, as text and parsed."""
        path = self.folder / name
        if not path.is_file():
            return []
        try:
            with path.open(encoding="utf-8", newline="") as file:
                # A crash may have cut the last line short.
                return [(text, _parsed_line(text)) for text in file if text.endswith("\n")]
        except (OSError, ValueError) as fault:
            raise RunError(f"'{path}' is damaged ({_first_line(fault)}); train the run again.") from fault

    def write_start(self, options: TrainConfig, facts: dict[str, Any]) -> None:
        """Write config.yaml, then run.json, whose presence means that the run has begun."""
        write_text(
            self.folder / "config.yaml", yaml.safe_dump(options.to_mapping(), sort_keys=False, allow_unicode=True)
        )
        write_json(self.folder / "run.json", facts)

    def refuse_if_occupied(self, *, force: bool) -> None:
        """
        Raises:
            RunError: The folder holds another run (and not `force`), other files, or is a file.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise RunError(f"'{self.folder}' is a file; choose another --output.")
        if is_run(self.folder):
            if not force:
                go_on = "it diverged and cannot be continued:" if self.diverged else "continue it with --resume,"
                raise RunError(
                    f"'{self.folder}' holds another run; {go_on} replace it with --force, or choose another --output."
                )
            return
        present = [p.name for p in self.folder.iterdir()] if self.folder.is_dir() else []
        foreign = [name for name in present if name not in (*FILES, *FOLDERS) and not name.startswith(".")]
        if foreign:
            raise RunError(f"'{self.folder}' holds other files ({foreign[0]}); choose another --output.")

    def clear(self) -> None:
        """Remove all files of a run; run.json first, so that a crash here leaves no partial run.

        Raises:
            ResourceError: Something cannot be removed, and would be mistaken for part of the new run.
        """
        with disk_faults(self.folder):
            for name in FILES:
                (self.folder / name).unlink(missing_ok=True)
            for name in FOLDERS:
                if (self.folder / name).is_dir():
                    shutil.rmtree(self.folder / name)

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """Set aside the run that stands here while a new one begins.

        If the new run fails before it has logged a cycle of training, the former one is put back, and without one
        nothing is left; else it is removed when that cycle is logged. A run that is interrupted, or for which there
        was no room, can be resumed, so it stays.

        Raises:
            ResourceError: Something cannot be moved.
        """
        set_aside(self.folder, (*FILES, *FOLDERS))
        try:
            yield
        except (FailedOn, Interrupted):
            raise
        except BaseException as fault:
            if not put_back(self.folder, (*FILES, *FOLDERS)) and not self._goes_on_after(fault):
                self.clear()
            raise

    def _goes_on_after(self, fault: BaseException) -> bool:
        """Whether resuming can get further than this failure did."""
        if isinstance(fault, ResourceError) or not isinstance(fault, Exception):
            return True
        return any(line["cycle"] > 0 for line in self.metrics)

    @contextmanager
    def marking_divergence(self) -> Iterator[None]:
        """Record in run.json that training diverged: nobody is told to continue such a run."""
        try:
            yield
        except Diverged as fault:
            write_json(self.folder / "run.json", {**self.facts, "diverged": str(fault)})
            raise

    @contextmanager
    def written_by_us_alone(self) -> Iterator[None]:
        """Lock the run against other writers, and clear what a killed writer left behind.

        Raises:
            RunError: Another process is writing it.
            ResourceError: The folder cannot be written to.
        """
        with one_writer(self.folder):
            for place in (self.folder, self.folder / "checkpoints", self.folder / "state"):
                undo_unfinished(place)
            yield


def is_run(folder: Path) -> bool:
    """Whether `folder` holds a run that was started."""
    return (folder / "run.json").is_file()


def held_out_mrr(line: Mapping[str, Any]) -> float | None:
    """Held-out MRR of a line of metrics.jsonl, mean of both directions; None if the line has no number for it."""
    by_direction = [line.get(f"held_out_mrr_{direction}") for direction in DIRECTIONS]
    known = [value for value in by_direction if isinstance(value, int | float) and math.isfinite(value)]
    return sum(known) / len(known) if known else None


def load_run(folder: str | Path) -> Run:
    """The run in `folder`, for reading: options, facts, corpus, metrics, checkpoints.

    Raises:
        RunError: There is no run, or what it needs cannot be read.
    """
    folder = Path(folder)
    if not is_run(folder):
        seen = "is not a folder" if not folder.is_dir() else "has no run.json"
        raise RunError(f"'{folder}' {seen}; give a folder that topores train wrote.")
    return Run(folder)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as fault:
        raise RunError(f"'{path}' cannot be read ({_first_line(fault)}); train the run again.") from fault
    if not isinstance(value, dict):
        raise RunError(f"'{path}' is not a list of options; train the run again.")
    return value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise RunError(f"'{path}' cannot be read ({_first_line(fault)}); train the run again.") from fault


def _parsed_line(text: str) -> dict[str, Any]:
    line = json.loads(text)
    if not isinstance(line, dict) or not isinstance(line.get("cycle"), int):
        raise ValueError(f"a line has no cycle: {text.strip()[:40]}")
    return line


def _first_line(fault: Exception) -> str:
    return str(fault).split("\n")[0][:120]
