"""Modules of topores in a checkpoint: which classes modules.json may name, and how such a folder is loaded.

sentence-transformers imports a class that is not its own only with `trust_remote_code=True`, which also lets a folder
run code that it brings along. Here a folder is loaded without that flag: the classes of topores are looked up in the
installed package, everything else is loaded as from a folder that nobody trusts.
"""

import importlib
import inspect
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Module
from sentence_transformers.util import import_from_string
from torch import nn

from topores.errors import InputError

OWN = ("topores.modules.", "topores.encoders.")
"""Packages whose classes modules.json may name. Checkpoints of topores 0.1.0 name one in topores.encoders."""

STOCK = "sentence_transformers."

SETTINGS = ("prompts", "default_prompt_name", "similarity_fn_name", "truncate_dim")
"""What config_sentence_transformers.json says of a model as a whole, by the names of the constructor's arguments."""

UNKNOWN = "(unknown version)"

NOTE = """---
library_name: sentence-transformers
tags: [sentence-transformers, topores]
---

This model has modules that are part of topores ({kinds}), version {version} or later.
Install topores, then load the model with

    from sentence_transformers import SentenceTransformer
    model = SentenceTransformer("path of this folder", trust_remote_code=True)

The flag lets sentence-transformers import the installed topores; this folder holds no code.
"""


def is_own(module: nn.Module) -> bool:
    """Whether `module` stands in modules.json by a name that is not of sentence-transformers."""
    return isinstance(module, Module) and not type(module).__module__.startswith(STOCK)


def own_modules(model: nn.Module) -> list[Module]:
    """The modules of `model` that sentence-transformers does not bring along, those in a router included.

    What an own module is made of is not looked at.
    """
    found: list[Module] = []
    for child in model.children():
        if isinstance(child, Module) and is_own(child):
            found.append(child)
        else:
            found += own_modules(child)
    return found


def names_own_modules(folder: Path) -> bool:
    """Whether modules.json, or a router that it lists, names a class that is not of sentence-transformers."""
    return (folder / "modules.json").is_file() and any(not kind.startswith(STOCK) for kind in _kinds(folder))


def load_with_own_modules(folder: Path, device: str) -> SentenceTransformer:
    """The model in `folder`, whose modules are stock ones and those of the installed topores.

    Raises:
        InputError: It names a class from elsewhere or one that this version lacks, or brings code along.
    """
    listed = _read(folder / "modules.json")
    loaded = load_modules(folder, listed)
    modules = OrderedDict((entry["name"], module) for entry, module in zip(listed, loaded, strict=True))
    config = folder / "config_sentence_transformers.json"
    saved = _read(config) if config.is_file() else {}
    settings = {name: saved[name] for name in SETTINGS if saved.get(name) is not None}
    model = SentenceTransformer(modules=modules, device=device, **settings)  # type: ignore[arg-type]  # takes names too
    model.module_kwargs = {entry["name"]: entry.get("kwargs", []) for entry in listed}
    return model


def load_modules(folder: Path, listed: Sequence[dict[str, Any]]) -> list[nn.Module]:
    """Some of the modules that modules.json lists, which are stock ones or those of the installed topores.

    Raises:
        InputError: The folder names a class from elsewhere or one that this version lacks, or brings code along.
    """
    _refuse_code(folder)
    classes = {kind: _class_of(kind, folder) for kind in _kinds(folder)}
    return [_load_module(folder, entry, classes) for entry in listed]


def say_what_is_needed(folder: Path, modules: list[Module]) -> None:
    """Write into a saved model that it needs topores, where its readers and sentence-transformers look.

    Args:
        folder: The model as sentence-transformers has saved it.
        modules: Its own modules.
    """
    version = _version("topores")
    kinds = sorted({f"`{_kind_of(type(module))}`" for module in modules})
    (folder / "README.md").write_text(NOTE.format(kinds=", ".join(kinds), version=version), encoding="utf-8")
    config = folder / "config_sentence_transformers.json"
    if version == UNKNOWN:
        return
    reason = "Some of its modules are part of topores; load it with trust_remote_code=True."
    # sentence-transformers says this where topores is missing, before it loads anything.
    requirement = {"topores": {"specifier": f">={version}", "reason": reason}}
    config.write_text(
        json.dumps({**_read(config), "requirements": requirement}, indent=2, sort_keys=True), encoding="utf-8"
    )


def _kinds(folder: Path) -> list[str]:
    """Dotted names of all classes that modules.json and the routers of a folder list, in order."""
    named = [entry.get("type", "") for entry in _read(folder / "modules.json")]
    for file in sorted([*folder.rglob("router_config.json"), *folder.rglob("config.json")]):
        config = _read(file)
        types = config.get("types") if isinstance(config, dict) else None
        named += types.values() if isinstance(types, dict) else ()
    return list(dict.fromkeys(map(str, named)))


def _class_of(kind: str, folder: Path) -> type[nn.Module]:
    """The installed class that a folder calls `kind`.

    Raises:
        InputError: It is not of sentence-transformers or topores, or not there.
    """
    # A hyphen or a slash would send transformers to look for code elsewhere.
    if not kind.startswith((*OWN, STOCK)) or not all(part.isidentifier() for part in kind.split(".")):
        raise InputError(
            f"'{folder}' names the module '{kind[:80]}', which is part of neither sentence-transformers nor topores; "
            "give a model without code of its own."
        )
    found = _stock_class(kind, folder) if kind.startswith(STOCK) else _own_class(kind, folder)
    if not (inspect.isclass(found) and issubclass(found, nn.Module) and hasattr(found, "load")):
        raise _missing(kind, folder)
    return found


def _stock_class(kind: str, folder: Path) -> Any:
    try:
        return import_from_string(kind)
    except ImportError as fault:
        raise _missing(kind, folder) from fault


def _own_class(kind: str, folder: Path) -> Any:
    place, _, name = kind.rpartition(".")
    try:
        found = getattr(importlib.import_module(place), name, None)
    except ModuleNotFoundError as fault:
        if fault.name is None or fault.name.startswith("topores."):
            raise _missing(kind, folder) from fault
        raise InputError(f"'{folder}' needs {fault.name}, which '{kind}' imports; install {fault.name}.") from fault
    # Only what topores defines: its files also import classes and functions of others.
    return found if _kind_of(found).startswith(OWN) and inspect.isclass(found) else None


def _missing(kind: str, folder: Path) -> InputError:
    package = kind.partition(".")[0].replace("_", "-")
    return InputError(
        f"'{folder}' names the module '{kind[:80]}', which {package} {_version(package)} does not have; install the "
        f"version of {package} that wrote it."
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def _refuse_code(folder: Path) -> None:
    """
    Raises:
        InputError: A configuration of the folder points to code (auto_map).
    """
    for file in sorted(folder.rglob("*.json")):
        if any(name == "auto_map" for name in _names(_read(file))):
            raise InputError(f"'{file}' points to code of its own (auto_map); give a model without.")


def _names(value: Any) -> Iterator[str]:
    """All names in a JSON value, at any depth."""
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(part)


def _load_module(folder: Path, entry: dict[str, Any], classes: dict[str, type[nn.Module]]) -> nn.Module:
    place = folder / entry["path"]
    if not place.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"'{folder}' keeps a module in '{entry['path']}', outside of itself; give a whole model folder."
        )
    load: Any = getattr(classes[entry["type"]], "load")  # noqa: B009  # `_class_of` has seen that it is there
    if len(inspect.signature(load).parameters) == 1:
        return load(str(place))
    # A router loads classes of its own, and takes those that are known already.
    known = {"module_classes": classes} if "module_classes" in inspect.signature(load).parameters else {}
    return load(
        str(folder), subfolder=entry["path"], token=None, cache_folder=None, revision=None, local_files_only=False,
        trust_remote_code=False, model_kwargs=None, processor_kwargs=None, config_kwargs=None, backend="torch", **known,
    )  # fmt: skip


def _kind_of(found: Any) -> str:
    return f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
