"""The public names, and their arguments."""

import inspect
import subprocess
import sys

import pytest

from topores import topology

SIGNATURES = {
    "persistent_homology": "points, *, metric='angle', max_degree=1, threshold=None, field=2, engine='auto'",
    "representative_loop": "points, bar, *, metric='angle'",
    "minimum_spanning_tree": "points, *, metric='angle'",
    "bottleneck_distance": "a, b",
    "wasserstein_distance": "a, b, *, order=1, internal_p=2",
    "total_persistence": "diagram, *, order=1",
    "persistence_entropy": "diagram",
    "betti_curve": "diagram, thresholds",
    "universal_p_values": "diagram",
    "rtd": "a, b, *, metric='euclidean'",
    "linear_cka": "a, b",
    "procrustes": "a, b",
    "intrinsic_dimension": "points",
    "persistent_homology_dimension": "points",
    "alignment": "a, b",
    "uniformity": "points",
    "rank_me": "points",
    "modality_gap": "a, b",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    signature = inspect.signature(getattr(topology, name))
    bare = signature.replace(
        parameters=[p.replace(annotation=p.empty) for p in signature.parameters.values()],
        return_annotation=signature.empty,
    )
    # Further keywords with defaults may follow.
    assert str(bare).strip("()").startswith(SIGNATURES[name])
    assert name in topology.__all__


@pytest.mark.parametrize("name", SIGNATURES)
def test_docstring_says_what_is_wrong_and_where_it_comes_from(name):
    text = getattr(topology, name).__doc__
    assert "Args:" in text
    assert "Raises:\n        ValueError:" in text
    module = sys.modules[getattr(topology, name).__module__]
    assert "Source:" in text or module.SOURCE


def test_topology_loads_no_torch():
    code = "import sys, topores.topology; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
