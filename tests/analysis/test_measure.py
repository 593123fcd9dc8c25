"""What decides a kept number: the code that computes it, and not the words about it."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import topores
from topores.analysis import measure
from topores.analysis.cells import Protocol
from topores.analysis.measure import DECIDING, Bench
from topores.compute import keys

PACKAGE = Path(topores.__file__).parent
PROTOCOL = Protocol("angle", 1, 100, 2, 12, 0, 0)

HASHED = {"topores.analysis.sources"}
"""Modules that decide rows: these count by their content."""


def key_with(monkeypatch: pytest.MonkeyPatch, changed: str) -> str:
    """The key of a cloud, the source of one module of topores being another one."""
    true = keys.sha256_file

    def hashed(path: Path) -> str:
        return "0" * 64 if changed and path == PACKAGE / changed else true(path)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "sha256_file", hashed)
        keys.code_version.cache_clear()
        key = Bench(PROTOCOL, None, None).key(what="cloud", points=[1.0])
    keys.code_version.cache_clear()
    return key


@pytest.mark.parametrize(
    "words",
    [
        "analysis/verdict/words.py", "analysis/verdict/rules.py", "analysis/verdict/evidence.py", "analysis/store.py",
        "analysis/comparison/verdict.py", "analysis/nulls/shuffled.py", "quantities.py", "domain.py",
    ],
)  # fmt: skip
def test_another_wording_computes_nothing_again(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    assert (PACKAGE / words).is_file()
    assert key_with(monkeypatch, words) == key_with(monkeypatch, "")


@pytest.mark.parametrize(
    "code",
    ["topology/homology.py", "topology/measures/uniformity.py", "analysis/cells.py", "analysis/nulls/_ground.py"],
)
def test_other_code_computes_again(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    assert (PACKAGE / code).is_file()
    assert key_with(monkeypatch, code) != key_with(monkeypatch, "")


def test_another_unit_is_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_with(monkeypatch, "")
    monkeypatch.setitem(measure.UNITS, "uniformity", "furlongs")
    assert key_with(monkeypatch, "") != before


def imports_of(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("topores.analysis."):
            yield str(node.module)


def path_of(name: str) -> Path:
    return PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")


def test_whatever_asks_for_a_key_is_named_and_all_that_it_uses() -> None:
    """A module that keeps results under a key, and every module of the analysis that it imports."""
    asking = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in (PACKAGE / "analysis").rglob("*.py")
        if "bench.key(" in path.read_text(encoding="utf-8")
    }
    assert len(asking) >= 5
    used = set(asking)
    for _ in itertools.takewhile(lambda n: n < 10, itertools.count()):
        used |= {name for module in used - HASHED for name in imports_of(path_of(module))}
    assert sorted(used - HASHED - set(DECIDING)) == []
