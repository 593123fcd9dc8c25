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
"""First bytes of an entry. Then: SHA-256 of key and content, length of the JSON, the JSON, the arrays."""


def encode_entry(value: Mapping[str, Any], key: str) -> list[bytes | memoryview]:
    """Serialise `value` as the entry for `key`, in pieces to be written in order; arrays are not copied.

    Raises:
        TypeError: `value` holds something other than arrays, None, bools, numbers, strings, lists and dicts.
    """
    arrays: list[np.ndarray] = []
    said = json.dumps(_to_json(dict(value), arrays)).encode()
    body: list[bytes | memoryview] = [f"{len(said)}\n".encode() + said]
    for array in arrays:
        whole = array if array.flags.forc else np.ascontiguousarray(array)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(whole))
        body += [header.getvalue(), whole.reshape(-1, order="A").view(np.uint8).data]
    return [FORMAT, _checksum(key, body), *body]


def decode_entry(content: Buffer, key: str, *, copy: bool = True) -> dict[str, Any]:
    """Read back what `encode_entry` was given.

    Args:
        copy: False makes the arrays read-only views into `content`.

    Raises:
        ValueError, TypeError, LookupError, EOFError: The content is damaged, or belongs to another key.
    """
    whole = memoryview(content).toreadonly()
    start = len(FORMAT) + 32
    if whole[: len(FORMAT)] != FORMAT:
        raise ValueError("it does not start with the format header")
    body = whole[start:]
    if whole[len(FORMAT) : start] != _checksum(key, [body]):
        raise ValueError("its checksum does not match")
    length, _, rest = bytes(body[:20]).partition(b"\n")
    at = len(body[:20]) - len(rest) + int(length)
    said = json.loads(bytes(body[at - int(length) : at]))
    arrays = []
    while at < len(body):
        array, at = _array_at(body, at)
        arrays.append(array.copy(order="K") if copy else array)
    value = _from_json(said, arrays)
    if not isinstance(value, dict):
        raise ValueError("it does not hold a dict")
    return value


def _array_at(body: memoryview, at: int) -> tuple[np.ndarray, int]:
    """The array stored at offset `at`, and the offset of its end."""
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


def _to_json(value: Any, arrays: list[np.ndarray]) -> Any:
    """`value` as JSON. Each JSON object is tagged "dict" or "array"; an array is replaced by its index in `arrays`."""
    if isinstance(value, np.ndarray):
        refuse_objects(value)
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return _to_json(value.item(), arrays)
    if isinstance(value, dict):
        refuse_other_names(value)
        return {"dict": {name: _to_json(part, arrays) for name, part in value.items()}}
    if isinstance(value, list | tuple):
        return [_to_json(part, arrays) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A {type(value).__name__} cannot be kept; give arrays, numbers, strings, lists and dicts.")


def _from_json(said: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(said, list):
        return [_from_json(part, arrays) for part in said]
    if not isinstance(said, dict):
        return said
    if "array" in said:
        return arrays[said["array"]]
    return {name: _from_json(part, arrays) for name, part in said["dict"].items()}
