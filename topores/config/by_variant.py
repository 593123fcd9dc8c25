"""Which variant has which options. The folders are the registry, and nothing heavy is imported to read them."""

import ast
import dataclasses
import importlib
import importlib.util
from pathlib import Path

from topores import variants
from topores.options import Options

PACKAGES = {"encoder": "topores.encoders", "objective": "topores.objectives"}
"""Packages of variants, by the option that chooses one."""

OBJECTIVE = "four_pairings"
"""The objective of every encoder that has none of its own."""


def option_class(kind: str, name: str) -> type[Options]:
    """The options of one variant; `Options` itself, which has no field, for a variant without options.

    They are the class `Config` in topores/config/<kind>s/<name>.py, or else in the variant's own file, which is
    imported only if it defines one.

    Args:
        kind: 'encoder' or 'objective'.
        name: The variant; one that is not there has no options.

    >>> [field.name for field in dataclasses.fields(option_class("encoder", "linear"))]
    ['cached_views']
    """
    config: type[Options] = Options
    if name in variants.names(f"topores.config.{kind}s"):
        config = importlib.import_module(f"topores.config.{kind}s.{name}").Config
    elif name in variants.names(PACKAGES[kind]) and _defines_config(f"{PACKAGES[kind]}.{name}"):
        config = variants.load(PACKAGES[kind], name).Config
    return config


def usual_objective(encoder: str) -> str:
    """The objective of an encoder where none is given: `OBJECTIVE` of its file of options, or else four_pairings.

    >>> usual_objective("full"), usual_objective("causal_lm")
    ('four_pairings', 'next_token')
    """
    if encoder not in variants.names("topores.config.encoders"):
        return OBJECTIVE
    named: str = vars(importlib.import_module(f"topores.config.encoders.{encoder}")).get("OBJECTIVE", OBJECTIVE)
    return named


def option_classes(kind: str) -> dict[str, type[Options]]:
    """The options of every variant, by its name."""
    return {name: option_class(kind, name) for name in variants.names(PACKAGES[kind])}


def owners(option: str) -> tuple[str, list[str]] | None:
    """The variants that have an option, and their kind; None if no variant has it.

    >>> owners("rank")
    ('encoder', ['feedback', 'lora', 'loreft', 'oft'])
    """
    for kind in PACKAGES:
        names = [name for name, config in option_classes(kind).items() if option in field_names(config)]
        if names:
            return kind, names
    return None


def field_names(config: type[Options]) -> list[str]:
    return [field.name for field in dataclasses.fields(config)]


def _defines_config(module: str) -> bool:
    """Whether the file of a module has a class called Config; it is read, not imported."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.ClassDef) and node.name == "Config" for node in tree.body)
