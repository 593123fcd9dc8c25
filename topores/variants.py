"""The folder is the registry: each public module of a package is a variant, named by its file."""

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from topores.errors import UsageError, did_you_mean


def names(package: str) -> list[str]:
    """Names of the variants in `package`, found without importing any of them.

    >>> "full" in names("topores.encoders")
    True
    """
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    if folders is None:
        raise ModuleNotFoundError(f"{package} is not a package")
    return sorted(m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_"))


def load(package: str, name: str) -> ModuleType:
    """Import the variant called `name`.

    Raises:
        UsageError: No file has that name; the message offers the closest one.
    """
    known = names(package)
    if name not in known:
        kind = package.rsplit(".", 1)[-1].removesuffix("s")
        raise UsageError(f"No {kind} is called '{name}'. {did_you_mean(name, known)}")
    return importlib.import_module(f"{package}.{name}")
