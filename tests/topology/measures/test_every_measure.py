"""Contract: each file of topology/measures has the function of its name, a unit and a source."""

import inspect

import pytest

from topores import topology, variants

MEASURES = variants.names("topores.topology.measures")


@pytest.mark.parametrize("name", MEASURES)
def test_function_unit_and_source(name):
    module = variants.load("topores.topology.measures", name)
    function = getattr(module, name)
    assert inspect.isfunction(function)
    assert name not in topology.__all__ or getattr(topology, name) is function
    assert isinstance(module.UNIT, str)
    assert module.UNIT
    assert any(character.isdigit() for character in module.SOURCE)


def test_what_the_interface_promises_is_there():
    promised = {"alignment", "linear_cka", "procrustes", "rank_me", "rtd", "total_persistence", "uniformity"}
    assert promised <= set(MEASURES)
