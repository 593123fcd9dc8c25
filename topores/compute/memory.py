"""Memory of a training step is that of the step before: keep it, rather than hand it back and ask again."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Names of mallopt's parameters in glibc's malloc.h."""
LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have the C library keep what is freed for the next step; False where it is not glibc.

    A step's largest tensors are above the size from which glibc maps fresh pages for every allocation, and the
    kernel fills those with zeros first: some 5 % of a step (benchmarks/step_parts.py).
    """
    return _set_thresholds(LARGEST // 2, LARGEST)


def usual_memory() -> bool:
    """What glibc's thresholds grow to by themselves in a process that frees large blocks."""
    return _set_thresholds(32 * 2**20, 64 * 2**20)


def _set_thresholds(mmap: int, trim: int) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, mmap)) and bool(mallopt(TRIM_THRESHOLD, trim))
