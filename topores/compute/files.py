"""Atomic file writes: written to a temporary folder beside the target, flushed to disk, renamed."""

import errno
import filecmp
import hashlib
import json
import math
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
"""Suffix of the temporary folders that hold new content, or old content while it is replaced."""

FULL = (errno.ENOSPC, errno.EDQUOT)
UNWRITABLE = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EFBIG, errno.EIO,
    errno.ENAMETOOLONG,
)  # fmt: skip


def write_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file or folder beside `path`, then rename it to `path`.

    A reader sees the old content or the new, never a part of either. If the process is killed, it leaves at most a
    temporary folder that `undo_unfinished` removes.

    Raises:
        ResourceError: The disk is full or the place cannot be written to; `path` is unchanged.
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
                path.rename(_replaced_path(aside))
            fresh.replace(path)
            _flush_folder(path.parent)
        finally:
            _put_back(aside, path)
    return path


def share(file: Path, kept: Path) -> None:
    """Replace `file` by a hard link to `kept` if both hold the same bytes, so that the disk stores them once.

    `file` stays as it is if the two differ, if `kept` does not exist, or if the file system has no hard links. Later
    changes must replace either file, never write into it: the other name would change too.
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
    """Remove a folder atomically. `undo_unfinished` clears what a killed process leaves.

    Raises:
        ResourceError: The folder cannot be removed.
    """
    with disk_faults(folder):
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=ASIDE))
        folder.rename(aside / folder.name)
        _flush_folder(folder.parent)
        shutil.rmtree(aside)


def undo_unfinished(folder: Path) -> None:
    """Remove the temporary folders that killed processes left in `folder`, and restore what they had moved aside.

    No other process may be writing to `folder`.
    """
    for aside in folder.glob(f".*{ASIDE}"):
        name = aside.name.removesuffix(ASIDE).rpartition(".")[0].removeprefix(".")
        with disk_faults(folder):
            _put_back(aside, folder / name)


def append_line(path: Path, line: str, *, sync: bool = True) -> None:
    """Append `line` to a file.

    Args:
        sync: Whether the file is on the disk when this returns, with the lines before; else a power failure may lose
            it, though no crash of this process does.

    Raises:
        ResourceError: The disk is full, or the file cannot be written to.
    """
    with disk_faults(path):
        new = not path.exists()
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if new:
            _flush_folder(path.parent)


def write_text(path: Path, text: str) -> Path:
    """Write `text` as UTF-8, atomically."""
    return write_whole(path, lambda aside: _write_bytes(aside, text.encode("utf-8")))


def write_json(path: Path, value: Any) -> Path:
    """Write `value` as indented JSON, atomically; keys keep their order."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def json_line(value: Any) -> str:
    """`value` as one line of JSON, which has no infinity and no NaN: null stands for them, and `why` says for what.

    >>> json_line({"p": float("nan"), "n": 1})
    '{"p": null, "n": 1, "why": "p is nan"}'
    """
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        lost = [f"{name} is {float(one):g}" for name, one in value.items() if _is_lost(one)]
        kept = {name: _finite(one) for name, one in value.items()}
        return {**kept, "why_null" if "why" in kept else "why": ", ".join(lost)} if lost else kept
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if _is_lost(value) else value


def _is_lost(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn 'disk full' and 'permission denied' into a `ResourceError` that names `path`."""
    try:
        yield
    except Exception as fault:
        number = _error_number(fault)
        if number in FULL:
            raise ResourceError(
                f"The disk that holds '{path}' is full; free some space, or choose another --output."
            ) from fault
        if number in UNWRITABLE:
            raise ResourceError(
                f"'{path}' cannot be written ({os.strerror(number).lower()}); fix that, or choose another --output."
            ) from fault
        raise


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two processes never write the same run.

    Raises:
        RunError: Another process holds the lock.
    """
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as fault:
            raise RunError(
                f"Another process is writing to '{folder}'; wait for it to finish, or choose another --output."
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
    """The operating system's error number, or None if the fault has none."""
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault.errno
    # Libraries written in Rust (safetensors, tokenizers) give the number only in the message.
    found = re.search(r"\(os error (\d+)\)", str(fault))
    return int(found[1]) if found else None


def _replaced_path(aside: Path) -> Path:
    return aside / "replaced"


def _put_back(aside: Path, path: Path) -> None:
    """Finish a write or undo it: `path` holds the new or the old content, and `aside` is removed."""
    if _replaced_path(aside).exists() and not path.exists():
        _replaced_path(aside).rename(path)
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
