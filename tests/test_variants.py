"""The folder is the registry."""

from pathlib import Path

import pytest

from topores import variants
from topores.errors import UsageError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with two public modules and a private one."""
    folder = tmp_path / "shelf_of_variants"
    folder.mkdir()
    for name in ("__init__", "second", "first", "_shared"):
        (folder / f"{name}.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder.name


def test_names_are_the_public_files(package: str) -> None:
    assert variants.names(package) == ["first", "second"]
    assert variants.load(package, "second").NAME == "second"


def test_a_private_module_is_not_a_variant(package: str) -> None:
    with pytest.raises(UsageError, match="is called '_shared'"):
        variants.load(package, "_shared")


def test_the_folders_of_topores_are_registries() -> None:
    assert "four_pairings" in variants.names("topores.objectives")
    assert {"full", "lora", "relative_rotation"} <= set(variants.names("topores.encoders"))


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"^No objective is called 'four_pairing'\. Did you mean 'four_pairings'\?$"):
        variants.load("topores.objectives", "four_pairing")
