"""A result as bytes, and back: JSON and arrays under a checksum, never a pickle."""

import hashlib
import io
import json
import mmap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from topores.compute.keys import refuse_objects, refuse_other_names

Buffer = bytes | memoryview | mmap.mmap

FORMAT = b"topores result 1\n"
"""How an entry begins. Then come the SHA-256 of key and content, the length of the JSON, the JSON, and the arrays."""


def encoded(value: Mapping[str, Any], key: str) -> list[bytes | memoryview]:
    """`value` as an entry under `key`, in pieces to be written one after the other; arrays are not copied.

    Raises:
        TypeError: It holds something else than arrays, None, bools, numbers, strings, lists and dicts.
    """
    arrays: list[np.ndarray] = []
    said = json.dumps(_plain(dict(value), arrays)).encode()
    body: list[bytes | memoryview] = [f"{len(said)}\n".encode() + said]
    for array in arrays:
        whole = array if array.flags.forc else np.ascontiguousarray(array)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(whole))
        body += [header.getvalue(), whole.reshape(-1, order="A").view(np.uint8).data]
    return [FORMAT, _checksum(key, body), *body]


def decoded(content: Buffer, key: str, *, copy: bool = True) -> dict[str, Any]:
    """What `encoded` was given.

    Args:
        copy: False leaves the arrays where they are in `content`; they cannot be written to then.

    Raises:
        ValueError, TypeError, LookupError, EOFError: The content is damaged, or another key's.
    """
    whole = memoryview(content).toreadonly()
    start = len(FORMAT) + 32
    if whole[: len(FORMAT)] != FORMAT:
        raise ValueError("it does not begin as one")
    body = whole[start:]
    if whole[len(FORMAT) : start] != _checksum(key, [body]):
        raise ValueError("its checksum is another")
    length, _, rest = bytes(body[:20]).partition(b"\n")
    at = len(body[:20]) - len(rest) + int(length)
    said = json.loads(bytes(body[at - int(length) : at]))
    arrays = []
    while at < len(body):
        array, at = _array_at(body, at)
        arrays.append(array.copy(order="K") if copy else array)
    value = _whole(said, arrays)
    if not isinstance(value, dict):
        raise ValueError("it holds no dict")
    return value


def _array_at(body: memoryview, at: int) -> tuple[np.ndarray, int]:
    """The array that begins at `at`, and where it ends."""
    file = io.BytesIO(body[at : at + 2**16 + 16])
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"it holds an array in format {version}")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    array: np.ndarray = np.ndarray(shape, dtype, body, at + file.tell(), order="F" if by_columns else "C")
    return array, at + file.tell() + array.nbytes


def _checksum(key: str, body: Iterable[bytes | memoryview]) -> bytes:
    seen = hashlib.sha256(key.encode())
    for piece in body:
        seen.update(piece)
    return seen.digest()


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    """`value` as JSON, with the numbers of its arrays in their places: every JSON object is one of these two tags."""
    if isinstance(value, np.ndarray):
        refuse_objects(value)
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    if isinstance(value, dict):
        refuse_other_names(value)
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
