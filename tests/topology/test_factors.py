"""A matrix on which LAPACK's divide and conquer fails is still factored."""

from typing import Any

import numpy as np
import pytest

from topores.topology import procrustes, rank_me
from topores.topology.factors import singular_values, svd


@pytest.fixture
def giving_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any, **_options: Any) -> None:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", fails)


def made(rank: int = 3) -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.normal(size=(8, rank)) @ draw.normal(size=(rank, 6))


@pytest.mark.usefixtures("giving_up")
@pytest.mark.parametrize("full", [True, False])
def test_factors_multiply_to_the_matrix(full: bool) -> None:
    matrix = made()
    left, sizes, right = svd(matrix, full_matrices=full)
    assert left.shape == ((8, 8) if full else (8, 6))
    assert left[:, :6] * sizes @ right == pytest.approx(matrix, abs=1e-12)
    assert singular_values(matrix) == pytest.approx(sizes, abs=1e-12)
    assert sizes[3:] == pytest.approx(0.0, abs=1e-12)


def test_measures_are_the_same_by_either_way(request: pytest.FixtureRequest) -> None:
    points = np.random.default_rng(1).normal(size=(2, 9, 5))
    usual, rank = procrustes(*points), rank_me(points[0])
    request.getfixturevalue("giving_up")
    other = procrustes(*points)
    assert other.rotation == pytest.approx(usual.rotation, abs=1e-9)
    assert other.residual == pytest.approx(usual.residual, abs=1e-12)
    assert rank_me(points[0]) == pytest.approx(rank, abs=1e-9)
