import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topores.topology import bottleneck_distance
from topores.topology.measures import landscape as module
from topores.topology.measures.landscape import landscape

AT = np.linspace(0, 10, 101)


def diagrams(most: int = 8) -> st.SearchStrategy[np.ndarray]:
    ends = st.tuples(st.integers(0, 80), st.integers(1, 40)).map(lambda bar: (bar[0] / 10, (bar[0] + bar[1]) / 10))
    return st.lists(ends, max_size=most).map(lambda bars: np.array(bars, dtype=float).reshape(-1, 2))


def test_one_bar_is_a_tent():
    heights = landscape([[2, 6]], [0, 2, 3, 4, 5, 6, 9], levels=2)
    assert heights.tolist() == [[0, 0, 1, 2, 1, 0, 0], [0] * 7]


def test_a_bar_inside_another_is_the_second_level_until_it_is_higher():
    # Tents of (0, 10) and (4, 8): they meet where min(t, 10 - t) = min(t - 4, 8 - t), which is nowhere.
    heights = landscape([[4, 8], [0, 10]], AT, levels=3)
    assert np.allclose(heights[0], np.minimum(AT, 10 - AT))
    assert np.allclose(heights[1], np.clip(np.minimum(AT - 4, 8 - AT), 0, None))
    assert not heights[2].any()


def test_levels_change_bars_where_tents_cross():
    # (0, 4) and (2, 8) cross at t = 3, height 1.
    heights = landscape([[0, 4], [2, 8]], [2, 2.5, 3, 3.5, 5], levels=2)
    assert heights.tolist() == [[2, 1.5, 1, 1.5, 3], [0, 0.5, 1, 0.5, 0]]


def test_essential_bars_are_left_out_or_cut():
    diagram = [[0, np.inf], [1, 3], [7, np.inf]]
    assert np.array_equal(landscape(diagram, AT), landscape([[1, 3]], AT))
    assert np.array_equal(landscape(diagram, AT, end=6), landscape([[0, 6], [1, 3]], AT))


def test_nothing_alive_is_zero():
    assert landscape([], AT).shape == (5, 101)
    assert not landscape([], AT).any()
    assert not landscape([[1, 2]], [-np.inf, np.inf]).any()
    assert landscape([[1, 2]], []).shape == (5, 0)


def test_thresholds_of_any_shape():
    assert landscape([[2, 6]], [[3, 4], [5, 0]], levels=1).tolist() == [[[1, 2], [1, 0]]]
    assert landscape([[2, 6]], 4, levels=1).tolist() == [2]


def test_against_sorting_all_tents_however_few_fit_at_once(monkeypatch):
    random = np.random.default_rng(0)
    births = random.uniform(0, 8, 60)
    diagram = np.column_stack([births, births + random.uniform(0, 3, 60)])
    slow = [sorted((max(0, min(t - b, d - t)) for b, d in diagram), reverse=True)[:7] for t in AT]
    assert np.array_equal(landscape(diagram, AT, levels=7), np.transpose(slow))
    monkeypatch.setattr(module, "AT_ONCE", 130)
    assert np.array_equal(landscape(diagram, AT, levels=7), np.transpose(slow))


@given(diagrams())
def test_levels_fall_and_none_is_steeper_than_one(diagram):
    heights = landscape(diagram, AT, levels=10)
    assert (np.diff(heights, axis=0) <= 0).all()
    assert (np.abs(np.diff(heights, axis=1)) <= np.diff(AT) + 1e-12).all()
    assert not heights[len(diagram) :].any()
    # The highest peak is half of the longest bar, to half a step of the grid, and all levels together hold all tents.
    assert np.isclose(heights.max(), np.diff(diagram).max(initial=0) / 2, atol=0.051)
    assert np.isclose(heights.sum(), sum(landscape([bar], AT, levels=1).sum() for bar in diagram))


@given(diagrams(), diagrams())
def test_stable_under_the_bottleneck_distance(a, b):
    # Bubenik 2015, theorem 12 (with corollary 16 for p = infinity): no level moves further than the diagrams.
    moved = np.abs(landscape(a, AT, levels=10) - landscape(b, AT, levels=10)).max()
    assert moved <= bottleneck_distance(a, b) + 1e-9


def test_what_cannot_be_meant_is_named():
    with pytest.raises(ValueError, match="levels is 0; expected 1 or more"):
        landscape([[1, 2]], AT, levels=0)
    with pytest.raises(ValueError, match="thresholds has 1 NaN"):
        landscape([[1, 2]], [0, np.nan])
    with pytest.raises(ValueError, match="end is inf; expected a finite length"):
        landscape([[1, np.inf]], AT, end=np.inf)
    with pytest.raises(ValueError, match="expected a finite birth"):
        landscape([[2, 1]], AT)
