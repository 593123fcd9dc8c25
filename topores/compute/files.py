"""Files that are whole or not there: written aside, flushed to the disk, renamed."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from topores.errors import ResourceError, RunError


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a file or a folder beside `path`, then rename it to `path`.

    A reader sees the old content or the new, never a part. What stood at `path` is replaced.

    Raises:
        ResourceError: The disk is full or the place cannot be written to; `path` is as it was.
    """
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            fresh = aside / path.name
            write(fresh)
            _flush(fresh)
            if path.is_dir():
                path.rename(aside / "replaced")
            fresh.replace(path)
            _flush_folder(path.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """`text` as UTF-8 in a whole file."""
    return write_whole(path, lambda aside: _write_bytes(aside, text.encode("utf-8")))


def write_json(path: Path, value: Any) -> Path:
    """`value` as indented JSON in a whole file; keys keep their order."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn 'disk full' and 'no permission' into one line that names the place."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError(
                f"No space is left on the disk of '{path}'; free some, or choose another --output."
            ) from fault
        if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            reason = os.strerror(fault.errno).lower()
            raise ResourceError(f"'{path}' cannot be written ({reason}); choose another --output.") from fault
        raise


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two processes never write one run.

    Raises:
        RunError: Another process holds it.
    """
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as fault:
            raise RunError(
                f"Another process writes '{folder}' now; wait for it, or choose another --output."
            ) from fault
    try:
        yield
    finally:
        lock.release()


def sha256_file(path: Path) -> str:
    """Hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Hash of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _flush(path: Path) -> None:
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    for file in files:
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
