"""Keep the memory of one training step for the next, rather than return it to the system and ask again."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Names of mallopt's parameters in glibc's malloc.h."""
LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory for the next step. Returns False where the C library is not glibc.

    glibc maps fresh pages for every large allocation, and the kernel zeroes them first. For a step's largest tensors
    that costs about 5 % of the step (benchmarks/step_parts.py).
    """
    return _set_thresholds(LARGEST // 2, LARGEST)


def usual_memory() -> bool:
    """Set the thresholds that glibc reaches on its own in a process that frees large blocks."""
    return _set_thresholds(32 * 2**20, 64 * 2**20)


def _set_thresholds(mmap: int, trim: int) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, mmap)) and bool(mallopt(TRIM_THRESHOLD, trim))
