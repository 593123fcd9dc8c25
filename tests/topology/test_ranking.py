"""Ranks: the exact order of the distances, and the way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from topores.topology.ranking import Ranking, argsort_distances

lengths = arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1e300))
tied = arrays(np.float64, st.integers(1, 40), elements=st.integers(0, 4).map(float))
near = arrays(np.float64, st.integers(1, 40), elements=st.integers(0, 6).map(lambda i: 1 + i * 2.0**-52))


@settings(max_examples=200, deadline=None)
@given(st.one_of(lengths, tied, near))
def test_ranks_are_in_order_and_lead_back_to_the_distances(distances):
    ranking = Ranking(distances)
    assert np.array_equal(np.less.outer(ranking.ranks, ranking.ranks), np.less.outer(distances, distances))
    assert np.array_equal(ranking.lengths(ranking.ranks.astype(float)), distances)
    assert (ranking.ranks == ranking.ranks.round()).all()
    assert ((ranking.ranks == 0) == (distances == 0)).all()


@settings(max_examples=200, deadline=None)
@given(st.one_of(lengths, tied, near))
def test_equal_distances_keep_the_order_of_their_places(distances):
    order, ordered = argsort_distances(distances)
    assert order.tolist() == np.argsort(distances, kind="stable").tolist()
    assert np.array_equal(ordered, distances[order])


@settings(max_examples=100, deadline=None)
@given(st.one_of(lengths, tied, near), st.data())
def test_a_threshold_keeps_edges_up_to_it(distances, data):
    cap = data.draw(st.sampled_from([*distances, 0.0, 1.5, np.inf]))
    ranking = Ranking(distances)
    assert np.array_equal(ranking.ranks <= ranking.last_up_to(cap), distances <= cap)


def test_a_hundred_thousand_distances_as_argsort_orders_them():
    draw = np.random.default_rng(0)
    # Rounded, so that some are equal, and the keys of many more are.
    distances = np.concatenate([draw.random(90_000), 0.5 + 1e-16 * draw.integers(0, 9, 10_000)]).round(15)
    found = np.unique(distances, return_inverse=True)[1]
    assert np.array_equal(np.unique(Ranking(distances).ranks, return_inverse=True)[1], found)


@pytest.mark.parametrize("scale", [2.0**-1074, 2.0**-1000, 2.0**1000])
def test_distances_at_the_ends_of_float64(scale):
    distances = scale * np.array([3.0, 1.0, 2.0, 0.0, 1.0])
    assert Ranking(distances).ranks.argsort(kind="stable").tolist() == [3, 1, 4, 2, 0]


def test_few_lengths_among_very_many_pairs_are_not_merged(monkeypatch):
    monkeypatch.setattr("topores.topology.ranking.EXACT_INTEGERS", 50)
    distances = np.random.default_rng(1).integers(0, 40, 300).astype(float)
    ranking = Ranking(distances)
    assert np.array_equal(ranking.lengths(ranking.ranks.astype(float)), distances)


def test_too_many_lengths_are_merged_with_their_neighbours(monkeypatch):
    monkeypatch.setattr("topores.topology.ranking.EXACT_INTEGERS", 50)
    distances = np.random.default_rng(2).random(300)
    ranking = Ranking(distances)
    assert ranking.ranks.max() < 50
    places = np.sort(distances)
    moved = np.abs(
        np.searchsorted(places, ranking.lengths(ranking.ranks.astype(float))) - np.searchsorted(places, distances)
    )
    assert moved.max() <= 301 // 50 + 1
    assert ranking.lengths(np.array([np.inf])) == np.inf
