"""Bars along interpolated distances, and their birth edges."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, squareform

from topores.topology import persistent_homology
from topores.topology.homotopy import Homotopy

from .shapes import glued_circles, hamming_cube


def two_clouds(seed, count=20, whole=False):
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 4, (2, count, 2)) if whole else draw.normal(size=(2, count, 2))
    return [cdist(some, some) for some in points]


TURNED = cdist(*[np.linalg.qr(np.random.default_rng(0).normal(size=(40, 40)))[0]] * 2)
"""Points that are all equally far from each other, up to rounding: loops that are rounding, and no others."""
np.fill_diagonal(TURNED, 0)


@pytest.mark.parametrize(
    "matrix",
    [hamming_cube(4), glued_circles(12), TURNED, two_clouds(0)[0], two_clouds(1, whole=True)[0], np.zeros((1, 1))],
)
def test_bars_are_those_of_the_diagram_tied_or_not(matrix):
    bars = Homotopy(matrix, matrix).bars(1.0)
    assert np.array_equal(bars.ends, persistent_homology(matrix, metric="precomputed")[1])
    lengths = squareform(matrix, checks=False)
    assert np.array_equal(bars.ends, np.column_stack([lengths[bars.births], lengths[bars.deaths]]))
    assert len(set(bars.births.tolist())) == len(bars.births)


@pytest.mark.parametrize("time", [0.0, 0.3, 1.0])
def test_distances_move_evenly_and_arrive_to_the_last_bit(time):
    start, end = two_clouds(2)
    lengths = Homotopy(start, end).lengths(time)
    assert lengths == pytest.approx(squareform((1 - time) * start + time * end), rel=1e-12)
    if time in (0, 1):
        assert np.array_equal(lengths, squareform(end if time else start))


def relative_neighbours(matrix):
    """Edges to whose ends no third point is nearer than they are to each other."""
    count = len(matrix)
    return {
        (i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if not any(max(matrix[i, k], matrix[j, k]) < matrix[i, j] for k in range(count))
    }


@pytest.mark.parametrize("at_once", [2**22, 60])
@pytest.mark.parametrize("seed", range(4))
def test_edges_that_may_give_birth_are_the_relative_neighbours_of_all_times(seed, at_once, monkeypatch):
    monkeypatch.setattr("topores.topology.homotopy.COMPARED_AT_ONCE", at_once)
    start, end = two_clouds(seed, whole=seed % 2 == 1)
    homotopy = Homotopy(start, end)
    rows, columns = np.triu_indices(20, k=1)
    found = homotopy.may_give_birth(homotopy.edges, 0.25, 0.5)
    pairs = set(zip(rows[found].tolist(), columns[found].tolist(), strict=True))
    for time in (0.25, 0.3, 0.4, 0.5):
        assert relative_neighbours((1 - time) * start + time * end) <= pairs
        assert set(homotopy.bars(time).births.tolist()) <= set(found.tolist())
    assert len(pairs) < len(rows) / 2
    # At one time alone they are the relative neighbours and nothing else.
    still = homotopy.may_give_birth(homotopy.edges, 0.0, 0.0)
    assert set(zip(rows[still].tolist(), columns[still].tolist(), strict=True)) == relative_neighbours(start)
