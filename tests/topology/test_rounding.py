"""Rounding is no finding: coarse storage is recognised, and points that it alone tells apart count as one."""

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array
from scipy.spatial.distance import pdist, squareform

from topores.topology import (
    Filtration,
    SubsamplePlan,
    intrinsic_dimension,
    linear_cka,
    loop_stability,
    maximum_likelihood_dimension,
    minimum_spanning_tree,
    pairwise_distances,
    persistent_homology,
    persistent_homology_dimension,
    rank_me,
    representative_loop,
    sampled_homology,
    total_persistence,
    wasserstein_distance,
)
from topores.topology.rounding import first_of_twin_rows, first_of_twins, row_rounding, storage_rounding

DIMENSIONS = (intrinsic_dimension, maximum_likelihood_dimension, persistent_homology_dimension)


def cloud(points: int = 80, dim: int = 12, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(points, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def with_twins(rows: np.ndarray, *, apart: float) -> np.ndarray:
    """The rows, then the first ten again, each moved by about `apart`."""
    moved = rows[:10] + apart * np.random.default_rng(1).normal(size=rows[:10].shape) / np.sqrt(rows.shape[1])
    return np.vstack([rows, moved])


@pytest.mark.parametrize(
    ("values", "spacing"),
    [
        (cloud(), 2.0**-52),
        (cloud().astype(np.float32), 2.0**-23),
        (cloud().astype(np.float32).astype(np.float64), 2.0**-23),
        (cloud().astype(np.float16).astype(np.float32), 2.0**-10),
        ((cloud().astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32), 2.0**-7),
        (np.random.default_rng(0).integers(0, 255, (20, 20)), 2.0**-52),
        (np.random.default_rng(0).integers(0, 255, (20, 20)) / 256, 2.0**-52),
        (np.array([[1e7, 0.0], [1.0, 3.0]]), 2.0**-52),
        (np.eye(3), 2.0**-52),
        (np.zeros((2, 2)), 2.0**-52),
    ],
)
def test_storage_is_told_by_the_values(values: np.ndarray, spacing: float) -> None:
    assert storage_rounding(values) == spacing


@pytest.mark.parametrize("measure", DIMENSIONS)
@pytest.mark.parametrize("metric", ["angle", "euclidean", "precomputed"])
def test_twins_up_to_rounding_count_as_one_point_in_every_dimension(measure, metric) -> None:
    rows = cloud()
    alone, twice = rows, with_twins(rows, apart=5e-7)
    if metric == "precomputed":
        alone, twice = pairwise_distances(alone), pairwise_distances(twice)
    assert measure(twice, metric=metric) == measure(alone, metric=metric)


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_twins_up_to_rounding_count_as_one_point_in_homology(metric, kind) -> None:
    rows = cloud().astype(kind)
    twice = with_twins(rows.astype(np.float64), apart=float(np.finfo(kind).eps)).astype(kind)
    alone, found = (persistent_homology(points, metric=metric) for points in (rows, twice))
    assert [len(bars) for bars in found] == [len(bars) for bars in alone]
    for bars, others in zip(found, alone, strict=True):
        assert bars == pytest.approx(others, rel=1e-12)
    clusters = persistent_homology(twice, metric=metric, max_degree=0)[0]
    assert np.array_equal(clusters, found[0])


def test_a_loop_beside_twins_is_found_again() -> None:
    rows = with_twins(cloud(), apart=2e-7).astype(np.float32)
    for bar in persistent_homology(rows)[1]:
        assert len(representative_loop(rows, bar)) >= 3
    longest = max(persistent_homology(rows)[1], key=lambda bar: bar[1] - bar[0])
    assert 0 <= loop_stability(rows, longest, resamples=5) <= 1


def test_a_few_numbers_do_not_tell_a_format() -> None:
    short = np.array([[0.8828125, 0.0], [0.001953125, 0.0], [0.0, 0.0]])
    assert len(persistent_homology(short, metric="euclidean")[0]) == 3


def test_near_points_that_are_stored_finely_are_two() -> None:
    rows = with_twins(cloud(), apart=5e-7)
    assert len(persistent_homology(rows)[0]) == 90
    assert len(persistent_homology([[0.0], [1.0], [1e7]], metric="euclidean")[0]) == 3


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_cloud_on_one_ray_has_no_loops_and_no_dimension(kind) -> None:
    rows = (np.linspace(1, 9, 40)[:, None] * cloud(1, 20)).astype(kind)
    clusters, loops = persistent_homology(rows)
    assert clusters.tolist() == [[0.0, np.inf]]
    assert not len(loops)
    for measure in DIMENSIONS:
        with pytest.raises(ValueError, match="1 different rows; expected at least"):
            measure(rows, metric="angle")


def test_points_whose_distances_disagree_are_no_twins() -> None:
    far = np.array([[0, 0, 1.0], [0, 0, 3.0], [1.0, 3.0, 0]])
    assert first_of_twins(far, 0.1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("apart", [1e-7, 1e-3])
def test_twins_found_by_projection_are_those_of_all_distances(apart: float) -> None:
    rows = with_twins(cloud(300, 30), apart=apart)
    whole = first_of_twins(squareform(pdist(rows)), 1e-5)
    assert np.array_equal(first_of_twin_rows(rows, 1e-5), whole)
    assert (len(np.unique(whole)) == 300) == (apart == 1e-7)
    assert not first_of_twin_rows(np.ones((500, 3)) + 1e-9 * cloud(500, 3), 1e-6).any()


# Distances as they come from elsewhere.


def test_distances_from_cosines_keep_their_homology() -> None:
    rows = cloud().astype(np.float32)
    given = 1 - rows @ rows.T
    assert given.diagonal().any()
    assert given.min() < 0
    whole = 1 - rows.astype(np.float64) @ rows.T.astype(np.float64)
    np.fill_diagonal(whole, 0)
    diagrams = [persistent_homology(each, metric="precomputed") for each in (given, np.maximum(whole, 0))]
    for bars, others in zip(*diagrams, strict=True):
        assert total_persistence(bars) == pytest.approx(total_persistence(others), rel=1e-4)


def test_distances_from_matrix_products_lose_half_of_their_digits_on_the_diagonal() -> None:
    rows = cloud(60, 50).astype(np.float32)
    squares = (rows**2).sum(axis=1)
    given = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))
    given[np.diag_indices(60)] = 3e-4
    measured = pairwise_distances(given, "precomputed")
    assert not measured.diagonal().any()
    assert measured == pytest.approx(squareform(pdist(rows.astype(np.float64))), abs=1e-3)


@pytest.mark.parametrize("similarity", [np.eye(5), cloud(5) @ cloud(5).T, np.abs(cloud(5) @ cloud(5).T)])
def test_similarities_are_refused(similarity: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Turn similarities into distances first"):
        persistent_homology(similarity, metric="precomputed")


@pytest.mark.parametrize("engine", ["redzed", "ripser"])
def test_an_infinite_distance_is_no_edge(engine: str) -> None:
    # Two squares, far apart: without edges between them, each has its loop, and neither ends the other.
    square = np.array([[0, 1, np.sqrt(2), 1], [1, 0, 1, np.sqrt(2)], [np.sqrt(2), 1, 0, 1], [1, np.sqrt(2), 1, 0]])
    apart = np.full((8, 8), np.inf)
    apart[:4, :4] = apart[4:, 4:] = square
    clusters, loops = persistent_homology(apart, metric="precomputed", engine=engine)
    assert clusters.tolist() == [[0, 1]] * 6 + [[0, np.inf]] * 2
    assert loops == pytest.approx(np.array([[1, np.sqrt(2)]] * 2))
    assert np.array_equal(persistent_homology(apart, metric="precomputed", max_degree=0)[0], clusters)
    assert len(minimum_spanning_tree(apart, metric="precomputed").lengths) == 6


def test_without_diagonals_a_square_is_never_filled_in() -> None:
    ring = np.full((4, 4), np.inf)
    np.fill_diagonal(ring, 0)
    for i in range(4):
        ring[i, (i + 1) % 4] = ring[(i + 1) % 4, i] = 1
    loops = persistent_homology(ring, metric="precomputed")[1]
    assert loops.tolist() == [[1, np.inf]]
    assert sorted(representative_loop(ring, loops[0], metric="precomputed").tolist()) == [0, 1, 2, 3]
    whole = sampled_homology(ring, SubsamplePlan(4, 4, 1), metric="precomputed", thresholds=[1.5])
    assert whole.diagrams[0][1].tolist() == [[1, np.inf]]


@pytest.mark.parametrize("form", [coo_array, csr_array])
def test_a_sparse_matrix_has_the_edges_that_it_stores(form) -> None:
    left, right = np.arange(6), (np.arange(6) + 1) % 6
    ring = form(coo_array((np.ones(6), (left, right)), shape=(6, 6)))
    clusters, loops = persistent_homology(ring, metric="precomputed")
    assert clusters.tolist() == [[0, 1]] * 5 + [[0, np.inf]]
    assert loops.tolist() == [[1, np.inf]]
    assert Filtration(ring, metric="precomputed").points == 6


def test_no_edge_at_all() -> None:
    nothing = np.full((3, 3), np.inf)
    np.fill_diagonal(nothing, 0)
    for degree in (0, 1):
        assert persistent_homology(nothing, metric="precomputed", max_degree=degree)[0].tolist() == [[0, np.inf]] * 3


@pytest.mark.parametrize("wrong", [np.nan, -np.inf])
def test_what_is_no_distance_is_still_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"NaN or infinity in 2 of 2 rows"):
        persistent_homology([[0, wrong], [wrong, 0]], metric="precomputed")
    with pytest.raises(ValueError, match=r"NaN or infinity in 2 of 2 rows"):
        intrinsic_dimension([[0, np.inf], [np.inf, 0]], metric="precomputed")


# Arguments.


def test_whole_numbers_may_be_floats() -> None:
    rows = cloud(12, 3)
    assert len(persistent_homology(rows, max_degree=1.0, field=2.0)) == 2
    assert maximum_likelihood_dimension(rows, neighbours=5.0) == maximum_likelihood_dimension(rows, neighbours=5)
    assert SubsamplePlan(10, 5, 2, 0).rows(1.0).shape == (5,)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda rows: persistent_homology(rows, max_degree=1.5), "max_degree is 1.5; expected a whole number"),
        (lambda rows: persistent_homology(rows, max_degree=None), "max_degree is None; expected a whole number"),
        (lambda rows: persistent_homology_dimension(rows, seed=None), "seed is None; expected a whole number"),
        (lambda _: total_persistence([[0, 1]], order=None), "order is None; expected a number"),
        (lambda rows: rank_me(rows, epsilon=None), "epsilon is None; expected a number"),
    ],
)
def test_other_arguments_are_named(call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(cloud(12, 3))


# Sums in which one term is much larger than the others.


@pytest.mark.parametrize("order", [1, 2, 3, 10])
@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("one_birth", [False, True])
def test_a_huge_bar_in_both_diagrams_changes_no_distance(order, norm, one_birth) -> None:
    draw = np.random.default_rng(3)
    a, b = (np.sort(draw.uniform(0, 3, (7, 2)), axis=1) for _ in range(2))
    if one_birth:
        a[:, 0] = b[:, 0] = 0
    huge = [[0.0, 1e7]]
    expected = wasserstein_distance(a, b, order=order, internal_p=norm)
    found = wasserstein_distance(np.vstack([a, huge]), np.vstack([b, huge]), order=order, internal_p=norm)
    assert found == pytest.approx(expected, rel=1e-9)


def test_linear_cka_compares_spaces_of_different_widths() -> None:
    rows = cloud(40, 8)
    wider = np.hstack([rows, np.zeros((40, 5))])
    assert linear_cka(rows, wider) == pytest.approx(1, rel=1e-12)


def test_bytes_that_embeddings_were_scaled_to_are_rounded_and_counts_are_not() -> None:
    rows = cloud(80, 64)
    unit = 127 / np.abs(rows).max()
    scaled = np.rint(unit * rows).astype(np.int8)
    moved = np.linalg.norm(scaled / unit - rows, axis=1)
    # Half a unit in each number at most, sqrt(1 / 12) of one on average.
    assert moved.max() < row_rounding(scaled) < 3 * moved.mean()
    counts = np.random.default_rng(0).poisson(1.0, size=(80, 64)).astype(np.int8)
    assert row_rounding(counts) == row_rounding(np.eye(9, dtype=np.int8)) == row_rounding(rows)
