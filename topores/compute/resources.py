"""Memory available to this process, on the machine and within the limits of its container."""

from collections.abc import Iterator
from pathlib import Path

import psutil

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")

FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""File names for limit, use and reclaimable bytes, by controller: "" for cgroups v2, "memory" for v1."""


def available_memory() -> int:
    """Bytes that this process can still allocate without swapping or being killed.

    The minimum of the machine's available memory and of what remains under each cgroup limit (containers, batch
    systems). Cached files count as free where the kernel would drop them.
    """
    return max(0, min([psutil.virtual_memory().available, *_left_by_groups()]))


def _left_by_groups() -> Iterator[int]:
    for folder, files in _group_folders():
        limit, used = (_read_number(folder / name) for name in files[:2])
        if limit is not None and used is not None:
            yield limit - used + _droppable_bytes(folder / "memory.stat", files[2])


def _group_folders() -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """This process's cgroup and its ancestors, which limit it too. In a container only the outermost is visible."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        controller = "memory" if "memory" in controllers.split(",") else controllers
        if controller in FILES:
            inside = Path(path.lstrip("/"))
            for group in (inside, *inside.parents):
                yield GROUPS / controller / group, FILES[controller]


def _read_number(file: Path) -> int | None:
    """None if the file does not exist or says "max"."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _droppable_bytes(file: Path, name: str) -> int:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
