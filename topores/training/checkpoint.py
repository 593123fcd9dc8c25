"""Checkpoints: each whole or not there, and weights that training leaves alone on the disk once."""

from collections.abc import Callable
from pathlib import Path

from topores.compute.files import share, write_whole
from topores.runs import Run


def keep_checkpoint(run: Run, cycle: int, save: Callable[[Path], None]) -> Path:
    """Let `save` write the checkpoint of `cycle`.

    Weights that the first checkpoint has too, byte for byte, become another name of the same file: twelve checkpoints
    of a head take little more room than one. Nulls share them with the run that they belong to.

    Raises:
        ResourceError: The disk is full or cannot be written to; what stood there still does.
    """
    kept = next((path for of in (run, run.parent) if of for path in of.checkpoints.values()), None)

    def write(aside: Path) -> None:
        save(aside)
        if kept is not None:
            for file in aside.rglob("*.safetensors"):
                share(file, kept / file.relative_to(aside))

    return write_whole(run.checkpoint_path(cycle), write)
