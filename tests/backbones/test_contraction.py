"""Contraction and spectral radius of maps for which both are known."""

import math

import pytest
import torch

from topores.backbones.contraction import contraction_ratio, spectral_radius

POINT = torch.tensor([1.0, -2.0, 0.5])


def test_of_a_linear_map_the_radius_is_that_of_its_matrix() -> None:
    matrix = torch.tensor([[0.5, 3.0, 0.0], [0.0, -0.8, 1.0], [0.0, 0.0, 0.1]])
    assert spectral_radius(lambda s: matrix @ s + 1, POINT) == pytest.approx(0.8, abs=0.02)


def test_a_pair_of_complex_eigenvalues_has_their_absolute_value() -> None:
    turn = 0.7 * torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]])
    assert spectral_radius(lambda s: turn @ s, torch.tensor([1.0, 0.0])) == pytest.approx(0.7, abs=0.01)


def test_a_map_that_forgets_where_it_was_has_none() -> None:
    assert spectral_radius(lambda s: torch.ones_like(s), POINT) == 0
    assert contraction_ratio(lambda s: torch.ones_like(s), POINT) == 0


def test_the_derivative_is_taken_at_the_point() -> None:
    assert spectral_radius(torch.sin, torch.full((4,), math.pi / 3)) == pytest.approx(0.5, abs=0.01)


def test_the_ratio_is_that_of_two_steps() -> None:
    assert contraction_ratio(lambda s: 0.3 * s + 1, POINT) == pytest.approx(0.3, abs=1e-5)
    assert contraction_ratio(lambda s: s, POINT) == 0


def test_an_overflow_is_seen() -> None:
    assert not math.isfinite(spectral_radius(lambda s: s * math.inf, POINT))


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    spectral_radius(torch.sin, POINT)
    assert torch.equal(torch.rand(1), expected)
