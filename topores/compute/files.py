"""Files that are whole or not there: written aside, flushed to the disk, renamed."""

import errno
import filecmp
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from topores.errors import ResourceError, RunError

ASIDE = ".aside"
"""How the folders end in which something is written, or kept while it is replaced."""

FULL = (errno.ENOSPC, errno.EDQUOT)
UNWRITABLE = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EFBIG, errno.EIO,
    errno.ENAMETOOLONG,
)  # fmt: skip


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a file or a folder beside `path`, then rename it to `path`.

    A reader sees the old content or the new, never a part. What stood at `path` is replaced. A process that
    is killed here leaves at most a folder that `undo_unfinished` clears.

    Raises:
        ResourceError: The disk is full or the place cannot be written to; `path` is as it was.
    """
    with disk_faults(path):
        _make_folder(path.parent)
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=ASIDE))
        try:
            fresh = aside / path.name
            write(fresh)
            _flush(fresh)
            if path.is_dir():
                # No portable call exchanges two folders: between these two renames nothing stands at `path`.
                path.rename(_replaced(aside))
            fresh.replace(path)
            _flush_folder(path.parent)
        finally:
            _put_back(aside, path)
    return path


def share(file: Path, kept: Path) -> None:
    """Make `file` another name of `kept` where both hold the same bytes, so that the disk holds them once.

    Where they differ, `kept` is not there, or the disk knows no second names, `file` stays as it is. Both must be
    replaced when they change, never written into: what is written into one stands in the other too.
    """
    try:
        if file.samefile(kept) or not filecmp.cmp(file, kept, shallow=False):
            return
        linked = file.with_name(file.name + ASIDE)
        os.link(kept, linked)
        linked.replace(file)
    except OSError:
        return


def remove_whole(folder: Path) -> None:
    """Remove a folder: a reader sees all of it or nothing. What a kill leaves is cleared by `undo_unfinished`.

    Raises:
        ResourceError: It cannot be removed.
    """
    with disk_faults(folder):
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=ASIDE))
        folder.rename(aside / folder.name)
        _flush_folder(folder.parent)
        shutil.rmtree(aside)


def undo_unfinished(folder: Path) -> None:
    """Clear what killed writers left in `folder`; what they had moved away goes back to its place.

    Only for a folder that nobody else writes to now.
    """
    for aside in folder.glob(f".*{ASIDE}"):
        name = aside.name.removesuffix(ASIDE).rpartition(".")[0].removeprefix(".")
        with disk_faults(folder):
            _put_back(aside, folder / name)


def append_line(path: Path, line: str) -> None:
    """`line` at the end of a file, on the disk when this returns.

    Raises:
        ResourceError: The disk is full, or the file cannot be written to.
    """
    with disk_faults(path):
        new = not path.exists()
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            _flush_folder(path.parent)


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
    except Exception as fault:
        number = _error_number(fault)
        if number in FULL:
            raise ResourceError(
                f"No space is left on the disk of '{path}'; free some, or choose another --output."
            ) from fault
        if number in UNWRITABLE:
            raise ResourceError(
                f"'{path}' cannot be written ({os.strerror(number).lower()}); mend that, or choose another --output."
            ) from fault
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


def _error_number(fault: Exception) -> int | None:
    """The operating system's number of a fault, if it is one of the disk."""
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault.errno
    # Writers in Rust (safetensors, tokenizers) raise errors of their own, with the number in words.
    found = re.search(r"\(os error (\d+)\)", str(fault))
    return int(found[1]) if found else None


def _replaced(aside: Path) -> Path:
    return aside / "replaced"


def _put_back(aside: Path, path: Path) -> None:
    """End a write that was stopped or done: `path` is the old or the new, and nothing stands beside it."""
    if _replaced(aside).exists() and not path.exists():
        _replaced(aside).rename(path)
        _flush_folder(path.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _flush(path: Path) -> None:
    for inside in [path, *path.rglob("*")] if path.is_dir() else [path]:
        if inside.is_dir():
            _flush_folder(inside)
        else:
            with inside.open("rb+") as handle:
                os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
