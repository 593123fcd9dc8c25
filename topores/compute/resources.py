"""Memory that is left to this process, on the machine and within the limits of its container."""

from collections.abc import Iterator
from pathlib import Path

import psutil

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")

FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""By controller, as version 2 (no name) and version 1 of control groups call them: limit, use, what can be dropped."""


def available_memory() -> int:
    """Bytes that can still be taken without swapping and without being killed for it.

    The least of what the machine has available and what the control groups of this process (containers, batch
    systems) leave of their limits. Cached files count as free where the kernel would drop them.
    """
    return max(0, min([psutil.virtual_memory().available, *_left_by_groups()]))


def _left_by_groups() -> Iterator[int]:
    for folder, files in _group_folders():
        limit, used = (_number(folder / name) for name in files[:2])
        if limit is not None and used is not None:
            yield limit - used + _droppable(folder / "memory.stat", files[2])


def _group_folders() -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """This process's group and those around it, which limit it too; within a container only the outermost is seen."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # no Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        controller = "memory" if "memory" in controllers.split(",") else controllers
        if controller in FILES:
            inside = Path(path.lstrip("/"))
            for group in (inside, *inside.parents):
                yield GROUPS / controller / group, FILES[controller]


def _number(file: Path) -> int | None:
    """None if there is no such file, or it says "max"."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _droppable(file: Path, name: str) -> int:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
