"""Content-addressed cache on disk: each result is stored under the hash of everything that determines it."""

import logging
import mmap
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from topores.compute.entries import decode_entry, encode_entry
from topores.compute.files import ASIDE, write_whole
from topores.errors import ResourceError, UsageError

log = logging.getLogger(__name__)

ENDING = ".result"
ENTRY = re.compile(r"[0-9a-f]{62}" + re.escape(ENDING))
SHARD = re.compile(r"[0-9a-f]{2}")
UNFINISHED = re.compile(r"\.[0-9a-f]{62}" + re.escape(ENDING) + r"\.\w+" + re.escape(ASIDE))

ABANDONED_AFTER = 3600
"""Seconds after which an unfinished write is taken to belong to a killed process."""


@dataclass(frozen=True)
class Amount:
    entries: int
    bytes: int


class Cache:
    """A folder of results by key, which any number of processes may use at once.

    A result that cannot be read or written is logged and computed again; it is never an error.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` defaults to `default_folder()`. It is created when the first result is stored."""
        self.folder = default_folder() if folder is None else folder
        self._refused = threading.Event()

    def get(self, key: str, *, mapped: bool = False) -> dict[str, Any] | None:
        """The result stored under `key`, or None. Tuples come back as lists. A damaged entry is removed.

        Args:
            mapped: Return arrays as read-only memory maps of the file, instead of copies.
        """
        path = self._path(key)
        try:
            content = _map_file(path) if mapped else path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            log.warning("The cached result '%s' cannot be read (%s); computing it again.", path, fault.strerror)
            return None
        try:
            value = decode_entry(content, key, copy=not mapped)
        except (ValueError, TypeError, LookupError, EOFError) as fault:
            log.warning("The cached result '%s' is damaged (%s); computing it again.", path, fault)
            _remove(path)
            return None
        _touch(path)
        return value

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Store `value`: arrays, None, bools, numbers, strings, and lists and dicts of these.

        If the folder cannot be written to, a warning is logged once and nothing is stored from then on.

        Raises:
            TypeError: `value` holds something else.
        """
        pieces = encode_entry(value, key)
        if self._refused.is_set():
            return
        try:
            write_whole(self._path(key), lambda aside: _write(aside, pieces))
        except (OSError, ResourceError) as fault:
            if self._refused.is_set():
                return
            self._refused.set()
            reason = fault.__cause__ if isinstance(fault, ResourceError) else fault
            log.warning("Results are not cached: '%s' cannot be written (%s).", self.folder, reason)

    def room(self) -> int:
        """Free bytes on the disk that holds the cache; 0 if the folder cannot be located."""
        for place in (self.folder, *self.folder.absolute().parents):
            with suppress(OSError):
                return shutil.disk_usage(place).free
        return 0

    def size(self) -> Amount:
        """Number of entries, and their bytes."""
        sizes = [entry.bytes for entry in self._entries()]
        return Amount(len(sizes), sum(sizes))

    def prune(self, *, older_than: float | int | None = None, larger_than: int | None = None) -> Amount:
        """Remove the leftovers of killed processes, then the least recently used entries.

        Args:
            older_than: Remove entries unused for this many days. 0 removes all.
            larger_than: Remove the least recently used entries until the cache has at most this many bytes.

        Returns:
            What was removed. Leftovers add to the bytes, not to the entries.
        """
        freed = self._remove_abandoned()
        entries = sorted(self._entries(), key=lambda entry: entry.used)
        limit = -np.inf if older_than is None else time.time() - older_than * 86400
        left, removed = sum(entry.bytes for entry in entries), 0
        for entry in entries:
            if entry.used > limit and (larger_than is None or left <= larger_than):
                continue
            if _remove(entry.path):
                left, removed, freed = left - entry.bytes, removed + 1, freed + entry.bytes
        return Amount(removed, freed)

    def _path(self, key: str) -> Path:
        if not re.fullmatch("[0-9a-f]{64}", key):
            raise ValueError(f"key is {key!r}; give 64 hexadecimal digits, as digest(...) returns.")
        return self.folder / key[:2] / f"{key[2:]}{ENDING}"

    def _entries(self) -> Iterator["_Entry"]:
        """Entries alone: the user may have chosen a folder that holds other files."""
        for path in self._inside(ENTRY):
            try:
                facts = path.stat()
            except OSError:
                continue  # another process removed it
            yield _Entry(path, facts.st_size, facts.st_mtime)

    def _inside(self, name: re.Pattern[str]) -> Iterator[Path]:
        shards = [shard for shard in _list_folder(self.folder) if SHARD.fullmatch(shard.name)]
        return (path for shard in shards for path in _list_folder(shard) if name.fullmatch(path.name))

    def _remove_abandoned(self) -> int:
        freed = 0
        for aside in self._inside(UNFINISHED):
            try:
                begun = aside.stat().st_mtime
                content = sum(inside.stat().st_size for inside in aside.iterdir())
            except OSError:
                continue  # its writer has just finished
            if begun < time.time() - ABANDONED_AFTER:
                shutil.rmtree(aside, ignore_errors=True)
                freed += content
        return freed


@dataclass(frozen=True)
class _Entry:
    path: Path
    bytes: int
    used: float


def default_folder() -> Path:
    """$TOPORES_CACHE, or else 'topores' in the system's folder for caches.

    Raises:
        UsageError: TOPORES_CACHE is not set and there is no home folder.
    """
    if chosen := os.environ.get("TOPORES_CACHE"):
        return Path(chosen).expanduser()
    # The XDG base directory specification: a path that is not absolute is ignored.
    if Path(xdg := os.environ.get("XDG_CACHE_HOME", "")).is_absolute():
        return Path(xdg) / "topores"
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "topores"
        return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "topores"
    except RuntimeError as fault:
        raise UsageError("No home folder was found for the cache; set TOPORES_CACHE to a folder.") from fault


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    with path.open("wb") as file:
        file.writelines(pieces)


def _map_file(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        # An empty file cannot be mapped.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # missing, unreadable, or not a folder


def _touch(path: Path) -> None:
    with suppress(OSError):  # a read-only cache can still be read
        os.utime(path)


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
