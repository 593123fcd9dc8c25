"""`topores cache`: show the size of the result cache, and prune it on request."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topores.compute.cache import Amount, Cache
from topores.errors import UsageError

UNUSED_DAYS = 30.0
"""--prune without a limit removes results unused for this many days."""

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
         "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip


@dataclass(frozen=True)
class CacheReport:
    folder: Path
    kept: Amount
    removed: Amount | None
    """None if the cache was not pruned."""


def run_cache(
    prune: bool = False,
    older_than: str | float | int | None = None,
    larger_than: str | int | None = None,
    folder: Path | None = None,
) -> CacheReport:
    """Count the cached results, after pruning the least recently used ones if `prune` is set.

    Args:
        prune: Remove results beyond the two limits; if neither is given, those unused for UNUSED_DAYS.
        older_than: Days since a result was last used. 0 removes all results.
        larger_than: Size to keep at most, in bytes or as a string such as '500MB' or '2GiB'.
        folder: Folder of the cache; by default `default_folder()`.

    Raises:
        UsageError: A limit is not valid, or is given without `prune`.
    """
    days, size = _limits(prune, older_than, larger_than)
    cache = Cache(folder)
    removed = cache.prune(older_than=days, larger_than=size) if prune else None
    return CacheReport(cache.folder, cache.size(), removed)


def summary(report: CacheReport) -> dict[str, Any]:
    """The report as one JSON object."""
    removed = report.removed or Amount(0, 0)
    return {
        "folder": str(report.folder),
        "results": report.kept.entries,
        "bytes": report.kept.bytes,
        "removed": removed.entries,
        "freed_bytes": removed.bytes,
    }


def in_words(report: CacheReport) -> str:
    """The report as lines for a terminal."""
    kept = f"{report.folder}: {_describe_amount(report.kept)}"
    return kept if report.removed is None else f"Removed {_describe_amount(report.removed)}.\n{kept}"


def _limits(prune: bool, older_than: object, larger_than: object) -> tuple[float | None, int | None]:
    faults, days, size = [], _parse_number(older_than), _parse_bytes(larger_than)
    if not prune and (older_than is not None or larger_than is not None):
        faults.append("--older-than and --larger-than are limits for --prune; add --prune.")
    if older_than is not None and days is None:
        faults.append(f"--older-than is '{older_than}'; give a number of days, 0 or more.")
    if larger_than is not None and size is None:
        faults.append(f"--larger-than is '{larger_than}'; give a size such as 500MB or 2GB.")
    if faults:
        raise UsageError(" ".join(faults))
    return (UNUSED_DAYS if older_than is None and larger_than is None else days), size


def _parse_number(typed: object) -> float | None:
    try:
        number = float(str(typed))
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None


def _parse_bytes(typed: object) -> int | None:
    parts = re.fullmatch(r"\s*([0-9.]+)\s*([A-Z]*)\s*", str(typed).upper())
    number = _parse_number(parts[1]) if parts else None
    if parts is None or number is None or parts[2] not in UNITS:
        return None
    return int(number * UNITS[parts[2]])


def _describe_amount(amount: Amount) -> str:
    results = f"{amount.entries:,} {'result' if amount.entries == 1 else 'results'}"
    unit = next(unit for unit in ("GB", "MB", "KB", "B") if amount.bytes >= UNITS[unit] or unit == "B")
    number = f"{amount.bytes / UNITS[unit]:.1f}" if unit != "B" else str(amount.bytes)
    return f"{results}, {number} {unit}"
