"""Several states in one plane: a rotation of the space moves nothing, a change of scale does."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from topores.topology.plane import common_plane


@pytest.fixture
def cloud() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 6)) * [5, 3, 1, 1, 0.5, 0.5]


def test_a_turned_and_shifted_space_stays_where_it_is(cloud: np.ndarray) -> None:
    turned = cloud @ ortho_group.rvs(6, random_state=1) + 7
    places = common_plane([cloud, turned]).places
    np.testing.assert_allclose(places[1], places[0], atol=1e-9)


def test_what_widens_is_seen_to_widen(cloud: np.ndarray) -> None:
    places = common_plane([cloud, 2 * cloud]).places
    np.testing.assert_allclose(places[1], 2 * places[0], atol=1e-9)


def test_the_axes_are_those_of_most_variance(cloud: np.ndarray) -> None:
    plane = common_plane([cloud])
    centred = cloud - cloud.mean(axis=0)
    sizes = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(np.square(plane.places[0]).sum(axis=0), sizes[:2] ** 2)
    np.testing.assert_allclose(plane.explained, [(sizes[:2] ** 2).sum() / (sizes**2).sum()])


def test_one_frame_for_all_states(cloud: np.ndarray) -> None:
    """Axes fitted once: a state that moved along a third axis shows less of itself, and is not refitted."""
    other = cloud.copy()
    other[:, 5] += 10 * np.sin(np.arange(40))
    both, alone = common_plane([cloud, other]), common_plane([cloud])
    assert both.explained[0] < alone.explained[0]


def test_fewer_columns_are_padded() -> None:
    line = np.linspace(0, 1, 5)[:, None]
    plane = common_plane([line, np.hstack([line, np.zeros((5, 3))])])
    np.testing.assert_allclose(plane.places[1], plane.places[0], atol=1e-12)
    np.testing.assert_allclose(plane.places[0][:, 1], 0, atol=1e-12)


def test_a_collapsed_state_is_a_point() -> None:
    plane = common_plane([np.eye(3), np.ones((3, 3))])
    np.testing.assert_allclose(plane.places[1], 0, atol=1e-12)
    assert plane.explained[1] == 1
