"""Checkpoints that differ in their heads alone: a second one is opened by its head, which takes milliseconds."""

import json
from pathlib import Path
from typing import Any

from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import nn

from topores.backbones.encoder import Encoder
from topores.backbones.own_modules import load_modules
from topores.backbones.readying import has_broken_weights
from topores.compute.keys import digest, sha256_of_folder
from topores.forward.packable import not_packable
from topores.forward.settings import with_modules

STEM = (Transformer, Pooling)
"""What the modules of such a checkpoint begin with."""


def reopen(folder: Path, opened: Encoder, opened_from: Path) -> Encoder | None:
    """The checkpoint in `folder`, with transformer and pooling taken from another one, whose files of these are equal.

    None if they are not, or if anything about the folder is unusual: then it is to be opened as any model is.

    Args:
        opened: An encoder in evaluation mode. It shares its transformer with the one that is returned.
        opened_from: The folder that it was opened from.
    """
    stem, own = list(opened.model)[: len(STEM)], stem_of(folder)
    if own is None or own != stem_of(opened_from):
        return None
    if len(stem) < len(STEM) or not all(isinstance(module, kind) for module, kind in zip(stem, STEM, strict=True)):
        return None
    try:
        rest = load_modules(folder, _modules_of(folder)[len(STEM) :])
    except Exception:  # damaged files raise all kinds of errors; whoever opens the folder says which
        return None
    if any(not_packable(module) is not None or has_broken_weights(module) for module in rest):
        return None
    return _with_rest(opened, stem, rest)


def _with_rest(opened: Encoder, stem: list[nn.Module], rest: list[nn.Module]) -> Encoder:
    model = with_modules(opened.model, [*stem, *(module.float() for module in rest)]).eval()
    # Both have one transformer, and modules after the pooling do not decide whether it can be run packed.
    made = Encoder(model, precision=opened.precision, packed=False)
    made.packed, made.apart = opened.packed, opened.apart
    return made


def stem_of(folder: Path) -> str | None:
    """Hash of what a folder says of its transformer, its pooling, its prompts and the columns it keeps.

    None if the folder does not keep the first two apart from its other modules.
    """
    if not (folder / "modules.json").is_file():
        return None
    listed = _modules_of(folder)
    places = [folder / entry["path"] for entry in listed]
    if len(listed) < len(STEM) or folder in places[1:]:
        return None
    config = folder / "config_sentence_transformers.json"
    said = {key: value for key, value in _read(config).items() if key != "__version__"} if config.is_file() else {}
    files = [sha256_of_folder(place, without=places[len(STEM) :]) for place in places[: len(STEM)]]
    return digest(files=files, kinds=[entry["type"] for entry in listed[: len(STEM)]], said=json.dumps(said))


def _modules_of(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _read(folder / "modules.json")
    return found


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
