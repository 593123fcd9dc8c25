"""What all options share: read from a mapping, written to one, checked, documented by the string below each field."""

import ast
import dataclasses
import inspect
import itertools
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from topores.errors import UsageError, did_you_mean

Config = TypeVar("Config", bound="Options")


@dataclass(frozen=True)
class Options:
    """Options of a command or of a variant: fields with a default and, below each, the string that documents it.

    A subclass says in `faults` what values cannot be; creating it raises one `UsageError` that names all of them.
    """

    def __post_init__(self) -> None:
        refuse(self.faults())

    def faults(self) -> list[str]:
        """One sentence for each value that cannot be. A subclass adds its own to those of its base class."""
        return [fault for field in dataclasses.fields(self) for fault in _choice_faults(self, field)]

    def faults_beside(self, common: Any) -> list[str]:  # noqa: ARG002  for variants whose options depend on others
        """One sentence for each value of a variant that the command's common options rule out."""
        return []

    @classmethod
    def from_mapping(cls: type[Config], values: Mapping[str, Any]) -> Config:
        """Options from a YAML file or keyword arguments; dashes and underscores are the same.

        Raises:
            UsageError: An unknown name, or values that cannot be; all faults in one message.
        """
        values, known = with_underscores(values), [field.name for field in dataclasses.fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise UsageError(f"No option is called '{unknown[0]}'. {did_you_mean(unknown[0], known)}")
        return cls(**read_values(cls, values))

    def to_mapping(self) -> dict[str, Any]:
        """The options as plain values, for YAML and JSON; `from_mapping` reads them back.

        Options within options stand in the same flat mapping.
        """
        flat: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            flat |= value.to_mapping() if isinstance(value, Options) else {field.name: _plain(value)}
        return flat


def choice(default: Any, known: Sequence[str] | Callable[[], Sequence[str]], *, kind: str = "") -> Any:
    """A field whose value is one of a few names, or a tuple of them; they are looked up when the options are made.

    Args:
        known: The names, or a function that lists them.
        kind: What is named, such as 'encoder', for the message that refuses an unknown name.
    """
    return dataclasses.field(default=default, metadata={"choices": known, "kind": kind})


def choices(field: dataclasses.Field[Any]) -> tuple[str, ...]:
    """The names that a field made by `choice` takes; none for any other field."""
    known = field.metadata.get("choices", ())
    return tuple(known() if callable(known) else known)


def refuse(faults: Sequence[str]) -> None:
    """
    Raises:
        UsageError: There are faults; all stand in one line.
    """
    if faults:
        raise UsageError(" ".join(faults))


def with_underscores(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under their names with underscores, as fields have them."""
    return {str(name).replace("-", "_"): value for name, value in values.items()}


def read_values(config: type[Options], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that are fields of `config`, each in the type of its field; None means the default.

    Raises:
        UsageError: A value of another type.
    """
    fields = [field for field in dataclasses.fields(config) if values.get(field.name) is not None]
    return {field.name: _read(field, values[field.name]) for field in fields}


def field_docs(config: type) -> dict[str, str]:
    """The string below each field of a dataclass, by field name; a base class's string unless the field has its own."""
    docs = [_own_docs(kind) for kind in reversed(config.__mro__) if dataclasses.is_dataclass(kind)]
    return {name: text for own in docs for name, text in own.items()}


@cache
def _own_docs(config: type) -> dict[str, str]:
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


def _read(field: dataclasses.Field[Any], value: Any) -> Any:
    """One value of YAML or the command line, in the type of its field."""
    kind = str(field.type)
    try:
        if "tuple" in kind:
            items = [value] if isinstance(value, str | Path) else value
            return tuple(Path(i) if "Path" in kind else str(i) for i in items)
        if "Path" in kind:
            return Path(value)
        if "int" in kind:
            return whole_number(value)
        if "float" in kind:
            return float(value)
        if "bool" in kind and not isinstance(value, bool):
            raise ValueError(f"{value} is neither true nor false")
        return value if "bool" in kind else str(value)
    except (TypeError, ValueError, OverflowError) as fault:
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


def in_range(config: Options, field: str, low: int | float, high: int | float) -> list[str]:
    value = getattr(config, field)
    return [] if low <= value <= high else [f"{_option(field)} is {value}; give a number from {low} to {high}."]


def split_list(values: tuple[str, ...]) -> tuple[str, ...]:
    """('a', 'b', 'c') from ('a,b', 'c'): an option that may be repeated, or separate its values by commas."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _choice_faults(config: Options, field: dataclasses.Field[Any]) -> list[str]:
    known, value = choices(field), getattr(config, field.name)
    if not known or value is None:
        return []
    unknown = [name for name in (split_list(value) if isinstance(value, tuple) else (value,)) if name not in known]
    if not unknown:
        return []
    kind = field.metadata["kind"]
    seen = f"No {kind} is called '{unknown[0]}'" if kind else f"{_option(field.name)} is '{unknown[0]}'"
    return [f"{seen}. {did_you_mean(unknown[0], known)}"]


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def is_whole(text: str) -> bool:
    try:
        whole_number(text)
    except ValueError:
        return False
    return True
