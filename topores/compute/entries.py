"""A result as bytes, and back: JSON and arrays under a checksum, never a pickle."""

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from topores.compute.keys import refuse_objects, refuse_other_names

FORMAT = b"topores result 1\n"
"""How an entry begins. Then come the SHA-256 of key and content, the length of the JSON, the JSON, and the arrays."""


def encoded(value: Mapping[str, Any], key: str) -> bytes:
    """`value` as an entry under `key`.

    Raises:
        TypeError: It holds something else than arrays, None, bools, numbers, strings, lists and dicts.
    """
    arrays: list[np.ndarray] = []
    said = json.dumps(_plain(dict(value), arrays)).encode()
    content = io.BytesIO()
    content.write(f"{len(said)}\n".encode() + said)
    for array in arrays:
        np.lib.format.write_array(content, array, allow_pickle=False)
    body = content.getvalue()
    return FORMAT + _checksum(key, body) + body


def decoded(content: bytes, key: str) -> dict[str, Any]:
    """What `encoded` was given.

    Raises:
        ValueError, TypeError, LookupError, EOFError: The content is damaged, or another key's.
    """
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
