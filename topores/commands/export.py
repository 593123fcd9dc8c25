"""`topores export`: a checkpoint as a plain sentence-transformers model, checked text by text."""

import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers.sentence_transformer.modules import Dense

from topores.backbones.encoder import Encoder
from topores.backbones.loading import open_model
from topores.compute.files import write_whole
from topores.domain import Side
from topores.errors import InputError, RunError
from topores.runs import is_run, load_run

log = logging.getLogger(__name__)

PROBES = ("A loop.", "The trial found fewer deaths in the treated group, but the interval was wide.")
"""Texts that are encoded both ways where a checkpoint brings none."""

FAR = 1e-4
"""Difference of a coordinate from which on two models are not the same."""

NEARLY_SINGULAR = 1e6
"""Condition number from which on a map is said to lose some of what it maps."""


@dataclass(frozen=True)
class Exported:
    """A plain model, and how near it is to its checkpoint."""

    folder: Path
    checkpoint: Path
    texts: int
    difference: float
    """Largest of any coordinate of any text."""
    by_side: bool
    """Whether T1's texts want `encode(texts, task="t1")`."""


def run_export(source: Path, output: Path, cycle: int | None = None, *, force: bool = False) -> Exported:
    """Write a checkpoint as a model of stock modules alone, which loads where topores is not installed.

    LoRA and OFT are merged into the weights that they stand on; LoReFT on the embedding and a linear head are one
    affine module; a rotation of one side is a router of two.

    Args:
        source: A run, or one of its checkpoints.
        cycle: Of a run, the checkpoint; the last one if not given.
        force: Replace what stands at `output`.

    Raises:
        InputError: Nothing plain does the same (LoReFT inside the transformer), or there is no such model.
        RunError: `output` exists and is no model or not to be replaced, or the run keeps no checkpoint of that cycle.
    """
    checkpoint = _checkpoint(source, cycle)
    if output.exists() and not (force and (output / "modules.json").is_file()):
        remedy = ", or --force to replace it" if (output / "modules.json").is_file() else ""
        raise RunError(f"'{output}' exists; give another --output{remedy}.")
    encoder = open_model(str(checkpoint), "cpu")
    _refuse_foreign(encoder, checkpoint)
    _warn_of_singular(encoder)
    write_whole(output, lambda aside: _copied(checkpoint, aside))
    texts, sides = _texts(source)
    written = open_model(str(output), "cpu")
    difference = float(np.abs(written.encode(texts, sides) - encoder.encode(texts, sides)).max())
    if difference > FAR:
        raise InputError(f"'{output}' differs from '{checkpoint}' by {difference:.1g}; export it once more.")
    return Exported(output, checkpoint, len(texts), difference, written.by_side)


def summary(exported: Exported) -> dict[str, Any]:
    """What `--json` prints."""
    return {**asdict(exported), "folder": str(exported.folder), "checkpoint": str(exported.checkpoint)}


def in_words(exported: Exported) -> str:
    call = 'encode(texts, task="t1"), or "t2"' if exported.by_side else "encode(texts)"
    return (
        f"Model: {exported.folder}\n"
        f"Largest difference to '{exported.checkpoint}' over {exported.texts} texts: {exported.difference:.1g}\n"
        f'Use: SentenceTransformer("{exported.folder}").{call}'
    )


def _checkpoint(source: Path, cycle: int | None) -> Path:
    if not is_run(source):
        return source
    kept = load_run(source).checkpoints
    if not kept:
        raise RunError(f"'{source}' keeps no checkpoint yet; let topores train run to its end first.")
    if cycle is not None and cycle not in kept:
        raise RunError(f"'{source}' keeps no checkpoint of cycle {cycle}; it has {', '.join(map(str, kept))}.")
    return kept[max(kept) if cycle is None else cycle]


def _texts(source: Path) -> tuple[list[str], list[Side]]:
    """All passages of the run that `source` is or belongs to, with their sides; else the probes, on both sides."""
    for folder in (source, source.resolve().parent.parent):
        if is_run(folder):
            corpus = load_run(folder).corpus
            passages = (*corpus.t1, *corpus.t2)
            return [p.text for p in passages], [p.side for p in passages]
    return [*PROBES, *PROBES], ["t1", "t1", "t2", "t2"]


def _refuse_foreign(encoder: Encoder, checkpoint: Path) -> None:
    if encoder.foreign:
        raise InputError(
            f"'{checkpoint}' has LoReFT inside the transformer, which no stock module does; load it with topores "
            "installed, as SentenceTransformer(path, trust_remote_code=True)."
        )


def _warn_of_singular(encoder: Encoder) -> None:
    for module in encoder.model:
        if isinstance(module, Dense):
            number = float(torch.linalg.cond(module.linear.weight.detach().double()))
            if number > NEARLY_SINGULAR:
                log.warning(
                    "The map on the embedding has the condition number %.1g: it cannot be undone, and loses some of "
                    "what it maps.", number,
                )  # fmt: skip


def _copied(checkpoint: Path, aside: Path) -> None:
    # The adapter alone lies beside the weights that it is merged into.
    shutil.copytree(checkpoint, aside, ignore=shutil.ignore_patterns("adapter"))
