"""Files moved aside while others take their place: put back if these come to nothing, removed once they are there."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from topores.compute.files import disk_faults

FORMER = ".former"
"""Folder that holds what is replaced, within the folder it stood in."""


def set_aside(folder: Path, names: Sequence[str]) -> None:
    """Move the files and folders called `names` out of the way, all within `folder`.

    What a killed process had set aside before is older and whole: it stays, and what that process wrote is removed.

    Raises:
        ResourceError: Something cannot be moved; all is where it was.
    """
    former = folder / FORMER
    if not any((folder / name).exists() for name in names):
        return
    with disk_faults(folder):
        former.mkdir(exist_ok=True)
        try:
            for name in names:
                if (former / name).exists():
                    _remove(folder / name)
                elif (folder / name).exists():
                    (folder / name).rename(former / name)
        except BaseException:
            _move_back(folder, names)
            raise


def put_back(folder: Path, names: Sequence[str]) -> bool:
    """Remove the files and folders called `names` and move back what was set aside; do nothing if nothing was.

    Returns:
        Whether anything was set aside.

    Raises:
        ResourceError: Something cannot be removed or moved.
    """
    if not (folder / FORMER).exists():
        return False
    with disk_faults(folder):
        for name in names:
            _remove(folder / name)
        _move_back(folder, names)
    return True


def remove_former(folder: Path) -> None:
    """Remove what was set aside, if anything was.

    Raises:
        ResourceError: It cannot be removed.
    """
    if (folder / FORMER).exists():
        with disk_faults(folder):
            shutil.rmtree(folder / FORMER)


def _move_back(folder: Path, names: Sequence[str]) -> None:
    former = folder / FORMER
    # Reversed, so that what says that all is there comes last.
    for name in reversed(names):
        if (former / name).exists():
            (former / name).rename(folder / name)
    shutil.rmtree(former, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
