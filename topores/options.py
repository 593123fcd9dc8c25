"""What all options share: read from a mapping, written to one, checked, documented by the string below each field."""

import ast
import dataclasses
import inspect
import itertools
import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from topores.errors import UsageError, did_you_mean

Config = TypeVar("Config", bound="Options")


@dataclass(frozen=True)
class Options:
    """What the two kinds of options share: reading from a mapping, writing to one."""

    @classmethod
    def from_mapping(cls: type[Config], values: Mapping[str, Any]) -> Config:
        """Options from a YAML file or keyword arguments; dashes and underscores are the same.

        Raises:
            UsageError: An unknown name, or values that cannot be; all faults in one message.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        values = {str(name).replace("-", "_"): value for name, value in values.items()}
        unknown = [name for name in values if name not in known]
        if unknown:
            raise UsageError(f"No option is called '{unknown[0]}'. {did_you_mean(unknown[0], known)}")
        return cls(**{f.name: _read(f, values[f.name]) for f in dataclasses.fields(cls) if f.name in values})

    def to_mapping(self) -> dict[str, Any]:
        """The options as plain values, for YAML and JSON; `from_mapping` reads them back."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: _plain(value) for name, value in plain.items()}

    def _refuse(self, faults: list[str]) -> None:
        """All faults in one line, or nothing."""
        if faults:
            raise UsageError(" ".join(faults))


@cache
def field_docs(config: type) -> dict[str, str]:
    """The string below each field of a dataclass, by field name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(config))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: " ".join(str(doc.value.value).split())
        for field, doc in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
    }


def whole_number(value: Any) -> int:
    """An integer from 20, '20', '1e9' or 1e9.

    Raises:
        ValueError: Anything that is not a whole number.
    """
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number) or number != int(number):
        raise ValueError(f"{value} is not a whole number")
    return int(value) if isinstance(value, int) else int(number)


def _read(field: dataclasses.Field, value: Any) -> Any:
    """One value of YAML or the command line, in the type of its field."""
    kind = str(field.type)
    try:
        if value is None or "tuple" in kind:
            items = [] if value is None else [value] if isinstance(value, str | Path) else value
            return tuple(Path(i) if "Path" in kind else str(i) for i in items) if "tuple" in kind else None
        if "Path" in kind:
            return Path(value)
        if "int" in kind:
            return whole_number(value)
        if "float" in kind:
            return float(value)
        if "bool" in kind and not isinstance(value, bool):
            raise ValueError(f"{value} is neither true nor false")
        return value if "bool" in kind else str(value)
    except (TypeError, ValueError) as fault:
        option = f"--{field.name.replace('_', '-')}"
        expected = "a whole number" if "int" in kind else "a number" if "float" in kind else "another kind of value"
        raise UsageError(f"{option} is {value!r}; give {expected}.") from fault


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def at_least(config: Options, least: int, *fields: str) -> list[str]:
    bad = [(f, getattr(config, f)) for f in fields if not getattr(config, f) >= least]
    return [f"{_option(f)} is {value}; give {least} or more." for f, value in bad]


def positive(config: Options, *fields: str) -> list[str]:
    bad = [(f, getattr(config, f)) for f in fields if not 0 < getattr(config, f) < math.inf]
    return [f"{_option(f)} is {value}; give a number above 0." for f, value in bad]


def not_negative(config: Options, *fields: str) -> list[str]:
    bad = [(f, getattr(config, f)) for f in fields if not 0 <= getattr(config, f) < math.inf]
    return [f"{_option(f)} is {value}; give a number of 0 or more." for f, value in bad]


def within(config: Options, field: str, low: int | float, high: int | float) -> list[str]:
    value = getattr(config, field)
    return [] if low <= value <= high else [f"{_option(field)} is {value}; give a number from {low} to {high}."]


def one_of(config: Options, field: str, known: tuple[str, ...]) -> list[str]:
    value = getattr(config, field)
    return [] if value in known else [f"{_option(field)} is '{value}'. {did_you_mean(value, known)}"]


def listed(values: tuple[str, ...]) -> tuple[str, ...]:
    """('a', 'b', 'c') from ('a,b', 'c'): an option that may be repeated, or part its values with commas."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def list_faults(option: str, values: tuple[str, ...], known: Iterable[str]) -> list[str]:
    unknown = [value for value in listed(values) if value not in known]
    return [f"--{option} is '{unknown[0]}'. {did_you_mean(unknown[0], known)}"] if unknown else []


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def is_whole(text: str) -> bool:
    try:
        whole_number(text)
    except ValueError:
        return False
    return True
