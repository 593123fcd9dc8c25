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
    assert function is getattr(topology, name)
    assert isinstance(module.UNIT, str)
    assert module.UNIT
    assert any(character.isdigit() for character in module.SOURCE)


def test_none_is_missing():
    assert MEASURES == [
        "alignment",
        "betti_curve",
        "hubness_skewness",
        "intrinsic_dimension",
        "landscape",
        "linear_cka",
        "linear_probe_auc",
        "maximum_likelihood_dimension",
        "modality_gap",
        "persistence_entropy",
        "persistent_homology_dimension",
        "procrustes",
        "rank_me",
        "rtd",
        "rtd_spanning_tree",
        "total_persistence",
        "uniformity",
    ]
