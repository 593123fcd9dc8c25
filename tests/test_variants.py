"""The folder is the registry."""

import pytest

from topores import variants
from topores.errors import UsageError


def test_names_are_the_public_files() -> None:
    assert variants.names("topores.objectives") == ["four_pairings"]
    assert variants.names("topores.encoders") == [
        "full", "linear", "lora", "loreft", "oft", "relative_rotation", "rotation",
    ]  # fmt: skip


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"^No objective is called 'four_pairing'\. Did you mean 'four_pairings'\?$"):
        variants.load("topores.objectives", "four_pairing")


def test_private_modules_are_no_variants() -> None:
    with pytest.raises(UsageError, match="No encoder is called '_base'"):
        variants.load("topores.encoders", "_base")
