"""Diagrams proven in the literature, in addition to those in each function's own tests."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topores.topology import bottleneck_distance, pairwise_distances, persistent_homology

from .shapes import polygon, projective_plane

ENGINES = ["redzed", "ripser"]
TETRAHEDRON = np.arccos(-1 / 3)


def powers_of_a_cycle(corners, degree):
    """Bars of a degree, in steps round the circle, by Adamaszek 2013, Clique complexes and graph powers.

    With edges up to k steps of n: one sphere of 2 l + 1 dimensions if l / (2 l + 1) < k / n < (l + 1) / (2 l + 3), and
    n - 2 k - 1 spheres of 2 l dimensions if k / n = l / (2 l + 1).
    """
    level, is_odd = divmod(degree, 2)
    steps = np.arange(1, (corners + 1) // 2)
    low, high = level * corners - (2 * level + 1) * steps, (level + 1) * corners - (2 * level + 3) * steps
    alive = steps[(low < 0) & (high > 0) if is_odd else low == 0]
    if not len(alive):
        return np.empty((0, 2))
    spheres = 1 if is_odd else corners - 2 * alive[0] - 1
    return np.full((spheres, 2), [alive[0], alive[-1] + 1], dtype=float)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("corners", [5, 6, 7, 8, 9, 11, 12, 14, 15])
def test_every_degree_of_a_polygon(corners, engine):
    diagrams = persistent_homology(polygon(corners), max_degree=3, engine=engine)
    for degree, bars in enumerate(diagrams[1:], start=1):
        expected = powers_of_a_cycle(corners, degree) * 2 * np.pi / corners
        assert bars == pytest.approx(expected, rel=1e-12)


def test_the_sphere_that_a_circle_becomes_by_hand():
    """Of 14 corners: a circle up to 4 steps, a 3-sphere at 5. Of 9: two 2-spheres at 3 steps."""
    assert powers_of_a_cycle(14, 1).tolist() == [[1, 5]]
    assert powers_of_a_cycle(14, 3).tolist() == [[5, 6]]
    assert powers_of_a_cycle(9, 2).tolist() == [[3, 4], [3, 4]]


@pytest.mark.parametrize("engine", ENGINES)
def test_icosahedron(engine):
    """A sphere until each corner reaches all but the opposite one; then that of a cross-polytope of 6 dimensions."""
    golden = (1 + np.sqrt(5)) / 2
    corners = [np.roll([0, s, t * golden], turn) for s, t in product([-1, 1], repeat=2) for turn in range(3)]
    _, loops, voids, third = persistent_homology(corners, max_degree=3, engine=engine)
    assert voids == pytest.approx(np.array([[np.arctan(2), np.pi - np.arctan(2)]]), rel=1e-12)
    assert len(loops) == len(third) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_sphere_is_not_filled_before_the_angle_of_the_tetrahedron(seed):
    """Points closer than arccos(-1 / 3) lie in an open half of the sphere, so the complex still maps onto it.

    Lim, Memoli and Okutan 2024, Vietoris-Rips persistent homology, injective metric spaces, and the filling radius.
    """
    height = 1 - (2 * np.arange(90) + 1) / 90
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(90)
    ring = np.sqrt(1 - height**2)
    points = np.column_stack([ring * np.cos(turn), ring * np.sin(turn), height])
    points += np.random.default_rng(seed).normal(size=points.shape) * 0.03
    voids = persistent_homology(points, max_degree=2)[2]
    birth, death = voids[np.argmax(voids[:, 1] - voids[:, 0])]
    assert birth < 0.7
    assert TETRAHEDRON <= death < TETRAHEDRON + 0.3


@pytest.mark.parametrize("engine", ENGINES)
def test_projective_plane_modulo_2_by_either_engine(engine):
    _, loops, voids = persistent_homology(projective_plane(), metric="precomputed", max_degree=2, engine=engine)
    assert np.array_equal(loops, [[1, 2]])
    assert np.array_equal(voids, [[1, 2]])


grids = st.lists(st.tuples(*[st.integers(0, 4)] * 2), min_size=3, max_size=12)


@settings(max_examples=60, deadline=None)
@given(grids, st.integers(0, 2**32 - 1), st.sampled_from(ENGINES))
def test_clouds_with_ties_and_duplicates_are_stable_under_noise_rotation_and_renaming(points, seed, engine):
    """Cohen-Steiner, Edelsbrunner and Harer 2007: no bar moves further than the distances do."""
    random = np.random.default_rng(seed)
    cloud = np.asarray(points, dtype=float)
    moved = random.permutation(cloud @ np.linalg.qr(random.normal(size=(2, 2)))[0] + random.normal(size=2))
    noisy = cloud + random.normal(size=cloud.shape) * 0.05
    change = np.abs(pairwise_distances(noisy, "euclidean") - pairwise_distances(cloud, "euclidean")).max()
    diagrams, same, near = (
        persistent_homology(x, metric="euclidean", max_degree=2, engine=engine) for x in (cloud, moved, noisy)
    )
    for bars, turned, shaken in zip(diagrams, same, near, strict=True):
        assert bottleneck_distance(bars, turned) < 1e-12
        assert bottleneck_distance(bars, shaken) <= change + 1e-12
