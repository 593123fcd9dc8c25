"""The resume state: what exact continuation needs, written whole, the newest two kept."""

import json
import logging
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from topores.compute.files import disk_faults, sha256_file, sha256_text, write_whole
from topores.errors import RunError

log = logging.getLogger(__name__)

KEPT = 2
WEIGHTS, MOMENTS, PROGRESS = "weights.safetensors", "optimizer.safetensors", "progress.json"

Moments = dict[int, dict[str, Tensor]]
"""What the optimizer remembers, by number of the parameter and name."""


@dataclass
class Progress:
    """How far a run is. Batch and dropout follow from `step`; nothing else is remembered."""

    step: int = 0
    """Optimizer steps done."""
    seconds: float = 0.0
    """Time spent, over all parts of a run that was resumed."""
    losses: list[dict[str, float]] = field(default_factory=list)
    """Losses of the steps of the cycle under way."""
    logged: int = 0
    """Lines of metrics.jsonl that were on the disk before."""


def save_state(folder: Path, model: nn.Module, optimizer: Optimizer, progress: Progress) -> None:
    """Write the state of `model` (encoder and objective) after `progress.step` steps; drop all but the newest two.

    Raises:
        ResourceError: The disk is full; the states that were there still are.
    """

    def write(aside: Path) -> None:
        aside.mkdir()
        save_file(_contiguous(model.state_dict()), aside / WEIGHTS)
        save_file(_flat_moments(optimizer), aside / MOMENTS)
        said = asdict(progress)
        hashes = {name: sha256_file(aside / name) for name in (WEIGHTS, MOMENTS)} | {PROGRESS: _sha256(said)}
        (aside / PROGRESS).write_text(json.dumps({"progress": said, "sha256": hashes}), encoding="utf-8")

    newest = write_whole(folder / f"step-{progress.step:015d}", write)
    # One of a later step was passed over as damaged: else training would have gone on from it.
    later = [state for state in _newest_first(folder) if state.name > newest.name]
    with disk_faults(folder):
        for old in (*later, *_newest_first(folder)[len(later) :][KEPT:]):
            shutil.rmtree(old)


def load_state(folder: Path, model: nn.Module, optimizer: Optimizer, *, logged: int | None = None) -> Progress:
    """Bring `model` and `optimizer` to the newest state that is whole and fits; say so if it is not the newest.

    Args:
        logged: Lines that metrics.jsonl holds now. A state that counts on more is passed over.

    Raises:
        RunError: No state is whole and fits; `model` and `optimizer` are as they were.
    """
    faults = []
    for state in _newest_first(folder):
        try:
            progress = _read_progress(state)
            weights, moments = load_file(state / WEIGHTS), _nested(load_file(state / MOMENTS))
            _check_fit(weights, moments, model, optimizer)
            _check_logged(progress, logged)
        except (OSError, ValueError, RecursionError, SafetensorError) as fault:
            faults.append(f"{state.name}: {fault}")
            continue
        if faults:
            log.warning("The newest state is damaged (%s); going on from %s.", "; ".join(faults), state.name)
        model.load_state_dict(weights)
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return progress
    seen = f" ({'; '.join(faults)})" if faults else ""
    raise RunError(f"'{folder}' holds no state that can be read{seen}; train the run again with --force.")


def _newest_first(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("step-*") if p.is_dir()), reverse=True)


def _read_progress(state: Path) -> Progress:
    """The progress of a state whose files are all as they were written.

    Raises:
        ValueError: They are not.
        OSError: One is missing or cannot be read.
    """
    facts = json.loads((state / PROGRESS).read_text(encoding="utf-8"))
    said, hashes = (facts.get("progress"), facts.get("sha256")) if isinstance(facts, dict) else (None, None)
    if not isinstance(said, dict) or not isinstance(hashes, dict):
        raise ValueError(f"{PROGRESS} says neither progress nor sha256")
    if hashes.get(PROGRESS) != _sha256(said):
        raise ValueError(f"{PROGRESS} is not as it was written")
    for name in (WEIGHTS, MOMENTS):
        if hashes.get(name) != sha256_file(state / name):
            raise ValueError(f"{name} is not as it was written")
    if said.keys() != asdict(Progress()).keys():
        raise ValueError(f"{PROGRESS} was written by another version of topores")
    return Progress(**said)


def _check_fit(weights: dict[str, Tensor], moments: Moments, model: nn.Module, optimizer: Optimizer) -> None:
    """
    Raises:
        ValueError: These are the weights or the moments of another model.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    seen = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if seen != expected:
        name = next(n for n in (*expected, *seen) if seen.get(n) != expected.get(n))
        raise ValueError(f"its '{name}' has shape {seen.get(name)}, the model's has {expected.get(name)}")
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, tensors in moments.items():
        shape = tuple(trained[number].shape) if number < len(trained) else None
        if any(tuple(tensor.shape) not in ((), shape) for tensor in tensors.values()):
            raise ValueError(f"its moments of parameter {number} are not of the shape {shape} that is trained")


def _check_logged(progress: Progress, logged: int | None) -> None:
    """
    Raises:
        ValueError: metrics.jsonl lost lines since.
    """
    if logged is not None and logged < progress.logged:
        raise ValueError(f"metrics.jsonl holds {logged} of the {progress.logged} lines written before it")


def _sha256(said: dict[str, object]) -> str:
    return sha256_text(json.dumps(said, sort_keys=True))


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


def _flat_moments(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimizer's tensors under 'parameter number.name', since safetensors knows no nesting."""
    state = optimizer.state_dict()["state"]
    flat = {f"{i}.{name}": torch.as_tensor(value) for i, moments in state.items() for name, value in moments.items()}
    return _contiguous(flat)


def _nested(flat: dict[str, Tensor]) -> Moments:
    nested: Moments = {}
    for key, value in flat.items():
        number, name = key.split(".", 1)
        # A copy: what the file still backs would keep it from being removed on some systems.
        nested.setdefault(int(number), {})[name] = value.clone()
    return nested
