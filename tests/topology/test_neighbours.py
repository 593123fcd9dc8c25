"""Near neighbours: measured distances are exact, and lower bounds hold however close the points are."""

import subprocess
import sys

import numpy as np
import pytest

from topores.topology.distances import distance_rows
from topores.topology.neighbours import MeasuredCloud, comparable_rows, margin, near_neighbours

random = np.random.default_rng(0)
CLOUDS = {
    "gaussian": random.normal(size=(300, 40)),
    "wide": random.normal(size=(60, 3000)),
    "one cone": 1 + 0.1 * random.random(size=(300, 384)),
    "far from the origin": 1e8 + random.normal(size=(300, 10)),
    "tight clusters far apart": np.vstack([c + 1e-4 * random.normal(size=(150, 60)) for c in (-1, 1)]),
    "near copies": np.repeat(random.normal(size=(30, 8)), 10, axis=0) + 1e-9 * random.normal(size=(300, 8)),
    "one far point": np.vstack([random.normal(size=(200, 5)), np.full((1, 5), 1e6)]),
    "all sizes": random.normal(size=(200, 6)) * 10.0 ** random.uniform(-60, 0, size=(200, 1)),
    "opposite points": np.vstack([(half := random.normal(size=(80, 5))), -half, -half * (1 + 1e-9)]),
}


def row_by_row(points, metric):
    count, distances_of = distance_rows(points, metric)
    return np.array([distances_of(index) for index in range(count)])


@pytest.fixture(params=[(name, metric) for name in CLOUDS for metric in ("angle", "euclidean")], ids=": ".join)
def cloud_and_distances(request):
    name, metric = request.param
    rows, exponent = comparable_rows(CLOUDS[name], metric)
    return MeasuredCloud(rows, metric), np.ldexp(row_by_row(CLOUDS[name], metric), -exponent)


def test_lengths_are_the_distances_to_the_bit(cloud_and_distances):
    cloud, distances = cloud_and_distances
    pairs = np.argwhere(np.ones_like(distances, dtype=bool))
    assert np.array_equal(cloud.lengths(pairs).reshape(distances.shape), distances)


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("scale", [2.0**-1000, 1e-9, 1.0, 1e9, 2.0**900])
def test_lengths_are_those_of_distance_rows_at_any_scale(metric, scale):
    points = scale * CLOUDS["gaussian"]
    rows, exponent = comparable_rows(points, metric)
    lengths = MeasuredCloud(rows, metric).lengths(np.array([[7, other] for other in range(len(rows))]))
    assert np.array_equal(np.ldexp(lengths, exponent), distance_rows(points, metric)[1](7))


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_least_squares_are_never_above_the_distance(cloud_and_distances, precision):
    cloud, distances = cloud_and_distances
    squares = cloud.least_squares(np.arange(len(cloud)), precision)
    assert squares.dtype == precision
    assert (cloud.to_lengths(squares.ravel()).reshape(distances.shape) <= distances).all()


def test_least_squares_lack_no_more_than_the_margin_says():
    cloud = MeasuredCloud(comparable_rows(CLOUDS["gaussian"], "euclidean")[0], "euclidean")
    squares = cloud.least_squares(np.arange(300))
    exact = row_by_row(cloud.centre_rows(slice(None)), "euclidean") ** 2
    norms = np.linalg.norm(cloud.centre_rows(slice(None)), axis=1)
    allowed = 4 * margin(40, np.float32) * (norms[:, None] ** 2 + norms**2)
    assert (exact - squares <= allowed).all()
    assert margin(40, np.float32) == pytest.approx(56 * 2.0**-23)


def test_a_square_that_is_not_below_stands_for_no_shorter_length(cloud_and_distances):
    cloud, distances = cloud_and_distances
    lengths = np.unique(distances)
    assert (cloud.to_lengths(cloud.to_squares(lengths)) >= lengths * (1 - 1e-15)).all()


@pytest.mark.parametrize("count", [1, 2, 16])
def test_no_point_left_out_is_nearer_than_the_bound(cloud_and_distances, count):
    cloud, distances = cloud_and_distances
    indices, lengths, beyond = near_neighbours(cloud, count)
    assert indices.shape == (len(cloud), count + 1)
    assert np.array_equal(lengths, np.take_along_axis(distances, indices, axis=1))
    left_out = distances.copy()
    np.put_along_axis(left_out, indices, np.inf, axis=1)
    assert (left_out.min(axis=1) >= beyond).all()


def test_neighbours_on_a_line_are_the_neighbours():
    rows, exponent = comparable_rows(np.arange(50.0)[:, None] ** 2, "euclidean")
    indices, lengths, beyond = near_neighbours(MeasuredCloud(rows, "euclidean"), 2)
    assert [sorted(row) for row in indices[:4].tolist()] == [[0, 1, 2], [0, 1, 2], [0, 1, 2], [2, 3, 4]]
    assert np.ldexp(np.sort(lengths[10]), exponent).tolist() == [0, 19, 21]
    assert np.ldexp(beyond, exponent)[10] == pytest.approx(21, rel=1e-2)


def test_more_neighbours_than_points_are_all_points():
    rows, _ = comparable_rows([[0.0], [1.0], [3.0]], "euclidean")
    assert near_neighbours(MeasuredCloud(rows, "euclidean"), 16).indices.shape == (3, 3)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["import torch, faiss", "import faiss, torch"])
def test_torch_and_faiss_compute_side_by_side(order):
    script = (
        f"{order}; import numpy as np; from topores.topology import minimum_spanning_tree as tree\n"
        "rows = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)\n"
        "before = torch.from_numpy(rows) @ torch.from_numpy(rows).T\n"
        "first = tree(rows).lengths.sum(); threads = torch.get_num_threads()\n"
        "after = torch.from_numpy(rows) @ torch.from_numpy(rows).T\n"
        "assert torch.equal(before, after) and tree(rows).lengths.sum() == first\n"
        "assert torch.get_num_threads() == threads; print(repr(float(first)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0
