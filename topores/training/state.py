"""The resume state: everything that exact continuation needs. Written atomically; the newest two are kept."""

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
"""The optimizer's tensors, by index of the parameter and name."""


@dataclass
class Progress:
    """How far a run has come. Batches and dropout follow from `step` alone."""

    step: int = 0
    """Optimizer steps done."""
    seconds: float = 0.0
    """Training time, summed over all parts of a resumed run."""
    losses: list[dict[str, float]] = field(default_factory=list)
    """Losses of the steps so far in the current cycle."""
    logged: int = 0
    """Number of lines of metrics.jsonl that were on disk when the state was saved."""


def save_state(folder: Path, model: nn.Module, optimizer: Optimizer, progress: Progress) -> None:
    """Save the state of `model` (encoder and objective) after `progress.step` steps; keep the newest two states.

    Frozen parameters are not saved: they are those of the base model, which the run names.

    Raises:
        ResourceError: The disk is full; earlier states are untouched.
    """

    def write(aside: Path) -> None:
        aside.mkdir()
        save_file(_contiguous_copies(without_frozen(model)), aside / WEIGHTS)
        save_file(_flatten_moments(optimizer), aside / MOMENTS)
        said = asdict(progress)
        hashes = {name: sha256_file(aside / name) for name in (WEIGHTS, MOMENTS)} | {PROGRESS: _sha256(said)}
        (aside / PROGRESS).write_text(json.dumps({"progress": said, "sha256": hashes}), encoding="utf-8")

    newest = write_whole(folder / f"step-{progress.step:015d}", write)
    # A state of a later step is damaged: otherwise training would have continued from it.
    later = [state for state in _newest_first(folder) if state.name > newest.name]
    with disk_faults(folder):
        for old in (*later, *_newest_first(folder)[len(later) :][KEPT:]):
            shutil.rmtree(old)


def load_state(folder: Path, model: nn.Module, optimizer: Optimizer, *, logged: int | None = None) -> Progress:
    """Restore `model` and `optimizer` from the newest intact state that fits; warn if newer ones are damaged.

    Args:
        logged: Number of lines in metrics.jsonl now. A state saved after more lines is skipped.

    Raises:
        RunError: No state is intact and fits; `model` and `optimizer` are unchanged.
    """
    faults = []
    for state in _newest_first(folder):
        try:
            progress = _read_progress(state)
            weights, moments = load_file(state / WEIGHTS), _unflatten_moments(load_file(state / MOMENTS))
            _check_fit(weights, moments, model, optimizer)
            _check_logged(progress, logged)
        except (OSError, ValueError, RecursionError, SafetensorError) as fault:
            faults.append(f"{state.name}: {fault}")
            continue
        if faults:
            log.warning("The newest state is damaged (%s); continuing from %s.", "; ".join(faults), state.name)
        model.load_state_dict(weights, strict=False)  # frozen parameters may be missing, and nothing else
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return progress
    seen = f" ({'; '.join(faults)})" if faults else ""
    raise RunError(f"'{folder}' has no readable state{seen}; train the run again with --force.")


def without_frozen(model: nn.Module) -> dict[str, Tensor]:
    """Buffers and trained parameters, by the names of `state_dict`."""
    parameters = model.named_parameters(remove_duplicate=False)
    frozen = {name for name, parameter in parameters if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def _newest_first(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("step-*") if p.is_dir()), reverse=True)


def _read_progress(state: Path) -> Progress:
    """The progress of a state, once all of its files are verified against their hashes.

    Raises:
        ValueError: A file differs from what was written.
        OSError: A file is missing or cannot be read.
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
        ValueError: The weights or moments belong to another model.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in without_frozen(model).items()}
    known = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    # States of topores 0.1.0 hold the frozen parameters as well.
    seen = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    expected |= {name: known[name] for name in seen.keys() & known.keys()}
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
        ValueError: metrics.jsonl has lost lines since.
    """
    if logged is not None and logged < progress.logged:
        raise ValueError(f"metrics.jsonl holds {logged} of the {progress.logged} lines written before it")


def _sha256(said: dict[str, object]) -> str:
    return sha256_text(json.dumps(said, sort_keys=True))


def _contiguous_copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


def _flatten_moments(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimizer's tensors under '<parameter index>.<name>', because safetensors has no nesting."""
    state = optimizer.state_dict()["state"]
    flat = {f"{i}.{name}": torch.as_tensor(value) for i, moments in state.items() for name, value in moments.items()}
    return _contiguous_copies(flat)


def _unflatten_moments(flat: dict[str, Tensor]) -> Moments:
    nested: Moments = {}
    for key, value in flat.items():
        number, name = key.split(".", 1)
        # A copy: on some systems a file that still backs a tensor cannot be removed.
        nested.setdefault(int(number), {})[name] = value.clone()
    return nested
