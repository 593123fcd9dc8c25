"""The table of quantities: every number has its entry there, and is described nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import topores
from topores.analysis import cells, changes
from topores.quantities import (
    DISTANCE_UNITS,
    QUANTITIES,
    id_of,
    measured_quantity,
    quantity,
    unit_of,
)
from topores.topology.movement import MovementSplit

PACKAGE = Path(topores.__file__).parent
PLACES = ("analysis", "report", "commands")
"""Parts that speak to a reader."""

TERMS = re.compile(
    r"\b(uniformity|RankMe|alignment|modality gap|linear CKA|hubness|intrinsic dimension|persistence entropy|"
    r"total loop persistence|spanning tree length|mean rotation|held-out MRR)\b",
    re.IGNORECASE,
)
"""Names that only the table gives to a quantity."""


def texts() -> Iterator[tuple[str, str]]:
    """Every string literal that is no docstring, with its place."""
    for module in sorted(path for part in PLACES for path in (PACKAGE / part).rglob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield f"{module.relative_to(PACKAGE)}:{node.lineno}", node.value


def described() -> dict[str, str]:
    """Names, meanings and hints, in small letters."""
    return {
        text.lower(): one.id for one in QUANTITIES.values() for text in (one.name, one.meaning, one.hint) if " " in text
    }


def test_no_quantity_is_described_anywhere_else() -> None:
    known = described()
    # An id is no description, though some are words; nor is the name of a place in a text.
    faults = [
        (place, text)
        for place, text in texts()
        if text not in QUANTITIES and (text.lower() in known or TERMS.search(re.sub(r"\{[^}]*\}", "", text)))
    ]
    assert faults == []


def test_every_hint_and_meaning_is_of_one_quantity_alone_or_of_the_same_kind() -> None:
    names = [one.name for one in QUANTITIES.values()]
    assert len(set(names)) == len(names)
    assert all(one.meaning for one in QUANTITIES.values())


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
def test_every_measure_has_an_entry(metric: str) -> None:
    """Whatever a cloud, a change, two texts and a movement are measured by."""
    random = np.random.default_rng(0)
    first, second = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in random.normal(size=(2, 24, 6)))
    whole = cells.Protocol(metric, 2, 100, 2, 12, 2, 0)
    sampled = cells.Protocol(metric, 1, 20, 2, 12, 0, 0)
    found = [number for protocol in (whole, sampled) for number in cells.measure_cloud(protocol, first).numbers]
    drawn = [cells.measure_cloud(whole, rows).drawn for rows in (first, second)]
    found += changes.measure_change(whole, first, second, *drawn, whole_rtd=True)
    found += changes.measure_movement(first, second, 12, 0)
    found += changes.measure_texts(first[:12], second[12:], np.array([[0, 0]]), 0)
    assert {number.measure for number in found} - {one.measured_as for one in QUANTITIES.values()} == set()
    assert {(n.measure, n.unit) for n in found} == {(n.measure, unit_of(n.measure, metric)) for n in found}
    assert {f"movement.{part}" for part in MovementSplit._fields} <= {number.measure for number in found}


def test_a_number_that_the_table_lacks_is_called_by_its_own_name() -> None:
    own = quantity("critic_margin")
    assert (own.name, own.logged_as, own.better, own.no_change) == ("critic_margin", ("critic_margin",), None, None)
    assert measured_quantity("my_measure", 1).name == "my_measure"
    assert unit_of("my_measure") == ""


def test_a_degree_with_a_name_of_its_own_is_another_quantity() -> None:
    assert [measured_quantity("total_persistence", degree).id for degree in (0, 1, 2)] == [
        "spanning_tree", "loop_persistence", "total_persistence",
    ]  # fmt: skip
    assert [id_of("total_persistence", degree) for degree in (0, 1, 2)] == ["spanning_tree", "loop_persistence", None]
    assert id_of("rank_me", None) == "rank_me"
    assert id_of("my_measure", None) == "my_measure"


def test_distances_have_the_unit_of_the_metric() -> None:
    for metric, unit in DISTANCE_UNITS.items():
        assert unit_of("total_persistence", metric) == unit
        assert unit_of("procrustes.angle", metric) == "rad"


def test_no_change_is_0_or_1_and_of_changes_alone() -> None:
    known = {one.id: one.no_change for one in QUANTITIES.values() if one.no_change is not None}
    assert set(known.values()) == {0, 1}
    assert {name for name, value in known.items() if value == 1} == {"procrustes.scale", "linear_cka"}
