"""Command-line options made from classes of options: each field is a flag, and the string below it is its help."""

import dataclasses
from collections.abc import Callable
from typing import Any

import click

from topores.config import TrainConfig
from topores.config.by_variant import PACKAGES, option_classes
from topores.options import Options, choices, field_docs

Command = Callable[..., Any]


def options_from(config: type[Options], *, positional: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """A click option for each field of an options class; of `topores train` the common ones.

    Args:
        positional: Fields that are arguments instead.
    """
    fields = TrainConfig.common_fields() if config is TrainConfig else dataclasses.fields(config)

    def decorate(command: Command) -> Command:
        for field in reversed(fields):
            if field.name in positional:
                command = click.argument(field.name, required=False)(command)
            else:
                command = click.option(*_names(field), **_behaviour(config, field))(command)
        return command

    return decorate


class TrainCommand(click.Command):
    """A command that also takes the options of every encoder and objective, under a heading for each in its help.

    They are looked up when they are needed, so that no other command reads the files of variants.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The common options, and one for each name that a variant's option has."""
        own = {option.name: option for _, options in _variant_options() for option in options}
        return [*super().get_params(ctx), *own.values()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The common options, then those of each variant."""
        sections = [("Options", super().get_params(ctx)), *_variant_options()]
        for heading, options in sections:
            found = [option.get_help_record(ctx) for option in options if isinstance(option, click.Option)]
            records = [record for record in found if record is not None]
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def _variant_options() -> list[tuple[str, list[click.Parameter]]]:
    """The options of every variant, by heading."""
    return [
        (f"Options of --{kind} {name}", [_option(config, field) for field in dataclasses.fields(config)])
        for kind in PACKAGES
        for name, config in option_classes(kind).items()
    ]


def _option(config: type[Options], field: dataclasses.Field[Any]) -> click.Parameter:
    return click.Option(_names(field), **_behaviour(config, field))


def _names(field: dataclasses.Field[Any]) -> list[str]:
    name = field.name.replace("_", "-")
    # --no-... takes back what the run was started with, or what --config says.
    return [f"--{name}/--no-{name}" if field.type is bool else f"--{name}", *(["-o"] if field.name == "output" else [])]


def _behaviour(config: type[Options], field: dataclasses.Field[Any]) -> dict[str, Any]:
    """Every value stays as typed: `Options.from_mapping` reads it, as it reads YAML. None means not given."""
    default = "" if field.default in (None, (), False) else f"  [default: {field.default}]"
    common = {"default": None, "help": field_docs(config)[field.name] + default}
    if field.type is bool:
        return {**common, "is_flag": True}
    several = "tuple" in str(field.type)
    kind = _kind(field) if several or not choices(field) else " | ".join(choices(field))
    return {**common, "metavar": kind, "multiple": several}


def _kind(field: dataclasses.Field[Any]) -> str:
    """What stands for the value in the help: N for a whole number, X for any, PATH or TEXT."""
    of_type = str(getattr(field.type, "__name__", field.type))
    kinds = {"int": "N", "float": "X", "Path": "PATH"}
    return next((shown for word, shown in kinds.items() if word in of_type), "TEXT")
