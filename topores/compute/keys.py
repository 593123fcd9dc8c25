"""Hashes of everything that determines a result: values, code, model weights."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from topores.compute.files import sha256_file
from topores.errors import InputError

DECIDING = ("*.safetensors", "*.bin", "*.pt", "*.json", "*.txt", "*.model", "*.py")
"""Files of a model folder that determine its embeddings: weights, options, vocabularies, code."""

LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "redzed-tda", "ripser", "faiss-cpu", "POT", "gudhi",
    "torch", "transformers", "tokenizers", "sentence-transformers",
)  # fmt: skip
"""Packages whose versions affect cached results: embeddings, homology and measures."""


def digest(**parts: Any) -> str:
    """The key of a result: SHA-256, in hex, of everything that determines it.

    Parts are None, bools, integers, floats, strings, bytes, numpy arrays and scalars, and lists, tuples and dicts of
    these. 1, 1.0, True and "1" have different hashes; so do arrays of different shape or dtype, and 0.0 and -0.0. The
    order of names does not matter. A tuple hashes like a list.

    Raises:
        TypeError: A part has another type.
    """
    seen = hashlib.sha256()
    for piece in _canonical_pieces(parts):
        seen.update(piece)
    return seen.hexdigest()


@cache
def code_version(*packages: str | Path) -> str:
    """Hash of the sources of `packages` and of the versions of LIBRARIES.

    Computed once per process: a running process does not see later edits either.

    Args:
        packages: Names such as "topores.topology", or paths of Python folders or files.

    Raises:
        ModuleNotFoundError: No package has this name.
    """
    sources = {str(package): _source_of(package) for package in packages}
    return digest(sources=sources, libraries={name: _version(name) for name in LIBRARIES})


def sha256_of_folder(folder: Path, *, without: Collection[Path] = ()) -> str:
    """Hash of the files of a model folder that determine its embeddings, by name and content.

    A file is read once per process while its size and modification time stay the same, whatever links lead to it.

    Args:
        without: Folders to leave out.

    Raises:
        InputError: The folder has no such file.
    """
    found = {path for pattern in DECIDING for path in folder.rglob(pattern) if path.is_file()}
    files = sorted(path for path in found if not any(place in path.parents for place in without))
    if not files:
        raise InputError(f"'{folder}' does not contain a model; give a sentence-transformers folder.")
    return digest(files={path.relative_to(folder).as_posix(): _sha256_once(path) for path in files})


_known_files: dict[tuple[int, int, int, int], str] = {}
"""Hashes by device, number, size and time of a file: checkpoints of a run are hard links to one file of weights."""


def _sha256_once(path: Path) -> str:
    facts = path.stat()
    key = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
    if key not in _known_files:
        _known_files[key] = sha256_file(path)
    return _known_files[key]


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


def _canonical_pieces(value: Any) -> Iterator[bytes]:
    """Each value as its kind, length and content, so that different values never give the same bytes."""
    if isinstance(value, dict):
        refuse_other_names(value)
        yield from _frame(f"dict {len(value)}")
        for name in sorted(value):
            yield from _canonical_pieces(name)
            yield from _canonical_pieces(value[name])
    elif isinstance(value, list | tuple):
        yield from _frame(f"list {len(value)}")
        for part in value:
            yield from _canonical_pieces(part)
    elif isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        refuse_objects(array)
        yield from _frame(f"array {np.lib.format.dtype_to_descr(array.dtype)!r} {array.shape}", array.tobytes())
    elif value is None or isinstance(value, bool | int):
        yield from _frame(type(value).__name__, str(value).encode())
    elif isinstance(value, float):
        yield from _frame("float", np.float64(value).tobytes())
    elif isinstance(value, str):
        yield from _frame("str", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes):
        yield from _frame("bytes", value)
    else:
        raise TypeError(f"A {type(value).__name__} cannot be hashed; give numbers, strings, arrays, lists and dicts.")


def _frame(kind: str, content: bytes = b"") -> tuple[bytes, bytes]:
    return f"{len(kind)} {len(content)} {kind}".encode(), content


def refuse_other_names(value: Mapping[Any, Any]) -> None:
    """
    Raises:
        TypeError: A name is not a string; JSON would turn it into one.
    """
    if not all(isinstance(name, str) for name in value):
        raise TypeError(f"Names must be strings; these are {list(value)!r:.80}.")


def refuse_objects(array: np.ndarray) -> None:
    """
    Raises:
        TypeError: The array holds Python objects, whose bytes are only pointers.
    """
    if array.dtype.hasobject:
        raise TypeError(f"An array of dtype {array.dtype} holds Python objects; give one of numbers or strings.")
