"""Atomic checkpoints, in which frozen weights are stored on disk only once."""

from collections.abc import Callable
from pathlib import Path

from topores.compute.files import share, write_whole
from topores.runs import Run


def keep_checkpoint(run: Run, cycle: int, save: Callable[[Path], None]) -> Path:
    """Let `save` write the checkpoint of `cycle`.

    Weight files equal to those of the first checkpoint become hard links to them: twelve checkpoints of a head take
    little more space than one. Nulls share them with the run they belong to.

    Raises:
        ResourceError: The disk is full or cannot be written to; an earlier checkpoint there is unchanged.
    """
    kept = next((path for of in (run, run.parent) if of for path in of.checkpoints.values()), None)

    def write(aside: Path) -> None:
        save(aside)
        if kept is not None:
            for file in aside.rglob("*.safetensors"):
                share(file, kept / file.relative_to(aside))

    return write_whole(run.checkpoint_path(cycle), write)
