"""16-bit integers for the page: many arrays in one compressed block."""

import base64
import gzip

import numpy as np
from jaxtyping import Int

MOST = 65_535
"""The largest number that fits; each array defines what it means."""


class Arrays:
    """Arrays by name, one after the other. report.js finds them by `directory`: start and length of each."""

    def __init__(self) -> None:
        self.directory: dict[str, tuple[int, int]] = {}
        self._parts: list[bytes] = []
        self._end = 0

    def put(self, name: str, values: Int[np.ndarray, "..."]) -> None:
        """Numbers from 0 to 65,535, in row-major order.

        All low bytes come first, then all high bytes, which compresses better.

        Raises:
            ValueError: A number that does not fit.
        """
        flat = np.asarray(values).ravel()
        if flat.size and not 0 <= flat.min() <= flat.max() <= MOST:
            raise ValueError(f"{name} goes from {flat.min()} to {flat.max()}; expected 0 to {MOST}.")
        whole = flat.astype(np.uint16)
        self.directory[name] = (self._end, len(whole))
        self._parts += [(whole & 255).astype(np.uint8).tobytes(), (whole >> 8).astype(np.uint8).tobytes()]
        self._end += 2 * len(whole)

    def block(self, name: str) -> str:
        """An inert element with all arrays."""
        return compressed_block(name, b"".join(self._parts))


def compressed_block(name: str, content: bytes) -> str:
    """An inert element: gzip in base64, the same for the same content."""
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    return f"{opening(name)}{packed}</script>"


def opening(name: str) -> str:
    """Opening tag of such an element."""
    return f'<script type="text/plain" id="{name}">'
