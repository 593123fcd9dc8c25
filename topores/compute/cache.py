"""Results on disk under the hash of all that decides them: found again, or computed again, and never wrong."""

import hashlib
import io
import json
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from topores.compute.files import ASIDE, sha256_file, write_whole
from topores.errors import InputError, ResourceError, UsageError

log = logging.getLogger(__name__)

FORMAT = b"topores result 1\n"
"""How an entry begins. Then come the SHA-256 of key and content, the length of the JSON, the JSON, and the arrays."""

ENDING = ".result"
ENTRY = re.compile(r"[0-9a-f]{62}" + re.escape(ENDING))
SHARD = re.compile(r"[0-9a-f]{2}")
UNFINISHED = re.compile(r"\.[0-9a-f]{62}" + re.escape(ENDING) + r"\.\w+" + re.escape(ASIDE))

ABANDONED_AFTER = 3600
"""Seconds after which a write that was begun is taken for one that was killed."""

DECIDING = ("*.safetensors", "*.bin", "*.pt", "*.json", "*.txt", "*.model", "*.py")
"""Files of a model folder that decide its embeddings: weights, options, vocabularies, code."""

LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "redzed-tda", "ripser", "faiss-cpu", "POT", "gudhi",
    "torch", "transformers", "tokenizers", "sentence-transformers",
)  # fmt: skip
"""Packages that compute what is kept: homology and measures, and the embeddings before them."""


@dataclass(frozen=True)
class Amount:
    entries: int
    bytes: int


class Cache:
    """A folder of results by key. Any number of processes may use it at once.

    What cannot be written or read costs a line in the log, and the result is computed again.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: where; `default_folder()` if not given. It is made when the first result is kept."""
        self.folder = default_folder() if folder is None else folder
        self._refused = threading.Event()

    def get(self, key: str) -> dict[str, Any] | None:
        """What was put under `key`, or None. Lists come back as lists, tuples too; arrays are the caller's own.

        A damaged entry is removed.
        """
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            log.warning("The cached result '%s' cannot be read (%s); it is computed again.", path, fault.strerror)
            return None
        try:
            value = _decoded(content, key)
        except (ValueError, TypeError, LookupError, EOFError) as fault:
            log.warning("The cached result '%s' is damaged (%s); it is computed again.", path, fault)
            _remove(path)
            return None
        _touch(path)
        return value

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep `value`: arrays, and None, bools, numbers, strings, lists and dicts of these.

        The first time that the folder cannot be written to, a warning says so; nothing is written from then on.

        Raises:
            TypeError: Something in `value` is none of these.
        """
        content = _encoded(value, key)
        if self._refused.is_set():
            return
        try:
            write_whole(self._path(key), lambda aside: _write(aside, content))
        except (OSError, ResourceError) as fault:
            if self._refused.is_set():
                return
            self._refused.set()
            reason = fault.__cause__ if isinstance(fault, ResourceError) else fault
            log.warning("Results are not kept: the cache '%s' cannot be written (%s).", self.folder, reason)

    def size(self) -> Amount:
        """Entries and their bytes."""
        sizes = [entry.bytes for entry in self._entries()]
        return Amount(len(sizes), sum(sizes))

    def prune(self, *, older_than: float | int | None = None, larger_than: int | None = None) -> Amount:
        """Remove what killed writers left behind, then the entries that were used longest ago.

        Args:
            older_than: Days since an entry was last used. 0: all of them.
            larger_than: Bytes that may stay.

        Returns:
            What was removed; leftovers count as bytes alone.
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
        """Nothing else that may stand in the folder: somebody may have named one with other files."""
        for path in self._inside(ENTRY):
            try:
                facts = path.stat()
            except OSError:
                continue  # another process removed it
            yield _Entry(path, facts.st_size, facts.st_mtime)

    def _inside(self, name: re.Pattern[str]) -> Iterator[Path]:
        shards = [shard for shard in _listed(self.folder) if SHARD.fullmatch(shard.name)]
        return (path for shard in shards for path in _listed(shard) if name.fullmatch(path.name))

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
    """$TOPORES_CACHE, or else 'topores' where this system keeps caches.

    Raises:
        UsageError: There is no home folder either.
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
        raise UsageError("There is no home folder to keep the cache in; set TOPORES_CACHE to a folder.") from fault


def digest(**parts: Any) -> str:
    """The key of a result: SHA-256, in hex, of all that decides it.

    Parts are None, bools, whole numbers, floats, strings, bytes, numpy arrays and scalars, and lists, tuples and dicts
    of these. 1, 1.0, True and "1" differ; so do arrays of other shape or dtype, and 0.0 and -0.0. The order of names
    does not matter. A tuple is the same as a list.

    Raises:
        TypeError: A part is none of these.
    """
    seen = hashlib.sha256()
    for piece in _canonical(parts):
        seen.update(piece)
    return seen.hexdigest()


@cache
def code_version(*packages: str | Path) -> str:
    """Hash of the sources of `packages`, and of the versions of Python's libraries that compute with them.

    Computed once in a process, for a process does not see later edits either.

    Args:
        packages: Names such as "topores.topology", or folders or files of Python.

    Raises:
        ModuleNotFoundError: There is no package of this name.
    """
    sources = {str(package): _source_of(package) for package in packages}
    return digest(sources=sources, libraries={name: _version(name) for name in LIBRARIES})


def sha256_of_folder(folder: Path) -> str:
    """Hash of the files of a model folder that decide its embeddings, by name and content.

    A file is read once in a process, as long as its size and time of change stay.

    Raises:
        InputError: The folder has no such file.
    """
    files = sorted({path for pattern in DECIDING for path in folder.rglob(pattern) if path.is_file()})
    if not files:
        raise InputError(f"'{folder}' holds no model; give a sentence-transformers folder.")
    return digest(files={path.relative_to(folder).as_posix(): _sha256_once(path) for path in files})


def _sha256_once(path: Path) -> str:
    facts = path.stat()
    return _sha256_at(path.resolve(), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=10_000)
def _sha256_at(path: Path, size: int, changed: int) -> str:  # noqa: ARG001  (they are part of what is remembered)
    return sha256_file(path)


def _source_of(package: str | Path) -> dict[str, str]:
    """Hash of each Python file, by its path inside the package."""
    folder = package if isinstance(package, Path) else _place_of(package)
    if folder.is_file():
        return {folder.name: sha256_file(folder)}
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*.py")}


def _place_of(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not a package with a source")
    return Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else spec.origin)


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _canonical(value: Any) -> Iterator[bytes]:
    """Each value as its kind, its length and its content, so that no two values read the same."""
    if isinstance(value, dict):
        _refuse_other_names(value)
        yield from _framed(f"dict {len(value)}")
        for name in sorted(value):
            yield from _canonical(name)
            yield from _canonical(value[name])
    elif isinstance(value, list | tuple):
        yield from _framed(f"list {len(value)}")
        for part in value:
            yield from _canonical(part)
    elif isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        _refuse_objects(array)
        yield from _framed(f"array {np.lib.format.dtype_to_descr(array.dtype)!r} {array.shape}", array.tobytes())
    elif value is None or isinstance(value, bool | int):
        yield from _framed(type(value).__name__, str(value).encode())
    elif isinstance(value, float):
        yield from _framed("float", np.float64(value).tobytes())
    elif isinstance(value, str):
        yield from _framed("str", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes):
        yield from _framed("bytes", value)
    else:
        raise TypeError(f"A {type(value).__name__} cannot be hashed; give numbers, strings, arrays, lists and dicts.")


def _framed(kind: str, content: bytes = b"") -> tuple[bytes, bytes]:
    return f"{len(kind)} {len(content)} {kind}".encode(), content


def _refuse_other_names(value: Mapping[Any, Any]) -> None:
    if not all(isinstance(name, str) for name in value):
        raise TypeError(f"Names must be strings; these are {list(value)!r:.80}.")


def _refuse_objects(array: np.ndarray) -> None:
    if array.dtype.hasobject:
        raise TypeError(f"An array of dtype {array.dtype} holds Python objects; give one of numbers or strings.")


def _encoded(value: Mapping[str, Any], key: str) -> bytes:
    arrays: list[np.ndarray] = []
    said = json.dumps(_plain(dict(value), arrays)).encode()
    content = io.BytesIO()
    content.write(f"{len(said)}\n".encode() + said)
    for array in arrays:
        np.lib.format.write_array(content, array, allow_pickle=False)
    body = content.getvalue()
    return FORMAT + _checksum(key, body) + body


def _decoded(content: bytes, key: str) -> dict[str, Any]:
    start = len(FORMAT) + 32
    if not content.startswith(FORMAT):
        raise ValueError("it does not begin as one")
    body = memoryview(content)[start:]
    if content[len(FORMAT) : start] != _checksum(key, body):
        raise ValueError("its checksum is another")
    file = io.BytesIO(body)
    said = json.loads(file.read(int(file.readline())))
    arrays = []
    while file.tell() < len(body):
        arrays.append(np.lib.format.read_array(file, allow_pickle=False))
    value = _whole(said, arrays)
    if not isinstance(value, dict):
        raise ValueError("it holds no dict")
    return value


def _checksum(key: str, body: bytes | memoryview) -> bytes:
    seen = hashlib.sha256(key.encode())
    seen.update(body)
    return seen.digest()


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    """`value` as JSON, with the numbers of its arrays in their places: every JSON object is one of these two tags."""
    if isinstance(value, np.ndarray):
        _refuse_objects(value)
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    if isinstance(value, dict):
        _refuse_other_names(value)
        return {"dict": {name: _plain(part, arrays) for name, part in value.items()}}
    if isinstance(value, list | tuple):
        return [_plain(part, arrays) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A {type(value).__name__} cannot be kept; give arrays, numbers, strings, lists and dicts.")


def _whole(said: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(said, list):
        return [_whole(part, arrays) for part in said]
    if not isinstance(said, dict):
        return said
    if "array" in said:
        return arrays[said["array"]]
    return {name: _whole(part, arrays) for name, part in said["dict"].items()}


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # missing, unreadable, or no folder


def _touch(path: Path) -> None:
    with suppress(OSError):  # a read-only cache is still read
        os.utime(path)


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
