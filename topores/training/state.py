"""The resume state: what exact continuation needs, written whole, the newest two kept."""

import json
import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from topores.compute.files import sha256_file, write_whole
from topores.errors import RunError

log = logging.getLogger(__name__)

KEPT = 2
WEIGHTS, MOMENTS, PROGRESS = "weights.safetensors", "optimizer.safetensors", "progress.json"


@dataclass
class Progress:
    """How far a run is. Batch and dropout follow from `step`; nothing else is remembered."""

    step: int = 0
    """Optimizer steps done."""
    seconds: float = 0.0
    """Time spent, over all parts of a run that was resumed."""
    losses: list[dict[str, float]] = field(default_factory=list)
    """Losses of the steps of the cycle under way."""


def save_state(folder: Path, model: nn.Module, optimizer: Optimizer, progress: Progress) -> None:
    """Write the state of `model` (encoder and objective) after `progress.step` steps; drop all but the newest two.

    Raises:
        ResourceError: The disk is full; the states that were there still are.
    """

    def write(aside: Path) -> None:
        aside.mkdir()
        save_file(_contiguous(model.state_dict()), aside / WEIGHTS)
        save_file(_flat_moments(optimizer), aside / MOMENTS)
        hashes = {name: sha256_file(aside / name) for name in (WEIGHTS, MOMENTS)}
        (aside / PROGRESS).write_text(json.dumps({**vars(progress), "sha256": hashes}), encoding="utf-8")

    write_whole(folder / f"step-{progress.step:015d}", write)
    for old in _newest_first(folder)[KEPT:]:
        shutil.rmtree(old)


def load_state(folder: Path, model: nn.Module, optimizer: Optimizer) -> Progress:
    """Bring `model` and `optimizer` to the newest whole state; a damaged one falls back to the one before.

    Raises:
        RunError: No state is whole.
    """
    for state in _newest_first(folder):
        try:
            progress = _read_progress(state)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            log.warning("The state '%s' is damaged (%s); falling back to the one before.", state.name, fault)
            continue
        model.load_state_dict(load_file(state / WEIGHTS))
        _restore_moments(optimizer, load_file(state / MOMENTS))
        return progress
    raise RunError(f"'{folder}' holds no state that can be read; train the run again without --resume.")


def _newest_first(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("step-*") if p.is_dir()), reverse=True)


def _read_progress(state: Path) -> Progress:
    """The progress of a state whose files are all as they were written."""
    facts: dict[str, Any] = json.loads((state / PROGRESS).read_text(encoding="utf-8"))
    for name, expected in facts.pop("sha256").items():
        if sha256_file(state / name) != expected:
            raise ValueError(f"{name} is not as it was written")
    return Progress(**facts)


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


def _flat_moments(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimizer's tensors under 'parameter number.name', since safetensors knows no nesting."""
    state = optimizer.state_dict()["state"]
    flat = {f"{i}.{name}": torch.as_tensor(value) for i, moments in state.items() for name, value in moments.items()}
    return _contiguous(flat)


def _restore_moments(optimizer: Optimizer, flat: dict[str, Tensor]) -> None:
    nested: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        number, name = key.split(".", 1)
        nested.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": nested})
