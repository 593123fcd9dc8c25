"""What is proven of rotations: what one of both texts cannot change, and what one of either text can.

A loss of cosines knows X only by X X^T, and a diagram only by the distances that follow from it. Neither an orthogonal
matrix R on all rows, nor its generator, is seen there: (X R)(X R)^T = X X^T.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from topores.config import LOSSES
from topores.modules.rotation import Rotation
from topores.objectives.four_pairings import four_pairings
from topores.topology import (
    bottleneck_distance,
    change_between_texts,
    persistent_homology,
    procrustes,
    split_movement,
)

DIM, N_1, N_2 = 6, 9, 7
N = 2 * (N_1 + N_2)
OF_T1 = torch.arange(N) < 2 * N_1
"""Two views of each passage, those of T1 first."""

every_loss = pytest.mark.parametrize("loss", LOSSES)


def unit_rows(count, seed, dim=DIM):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, dim)) + 0.7 * random.normal(size=dim)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rotation(seed=0, dim=DIM):
    """A turn, or a turn and a reflection: the seeds 0 and 1 give one of each."""
    return ortho_group.rvs(dim, random_state=seed)


def loss_of(rows, loss):
    weights = torch.ones(N_1, N_2, dtype=torch.float64) / N_2
    return four_pairings(*rows.split([N_1, N_1, N_2, N_2]), weights=weights, temperature=0.2, loss=loss).total


def gradient(rows, loss):
    rows = rows.clone().requires_grad_()
    value = loss_of(rows, loss)
    return value.item(), torch.autograd.grad(value, rows)[0]


@every_loss
@pytest.mark.parametrize("seed", [0, 1])
def test_a_shared_rotation_leaves_the_loss_and_turns_its_gradient_along(loss, seed):
    assert {round(np.linalg.det(rotation(s))) for s in (0, 1)} == {1, -1}
    rows, turn = torch.from_numpy(unit_rows(N, seed)), torch.from_numpy(rotation(seed))
    value, slope = gradient(rows, loss)
    turned_value, turned_slope = gradient(rows @ turn, loss)
    assert turned_value == pytest.approx(value, rel=1e-12)
    assert torch.allclose(turned_slope, slope @ turn, rtol=0, atol=1e-12)
    assert slope.norm() > 0.01
    one_sided = torch.where(OF_T1[:, None], rows @ turn, rows)
    assert abs(gradient(one_sided, loss)[0] - value) > 0.01


@every_loss
def test_a_shared_rotation_that_is_trained_has_no_gradient(loss):
    """R = exp(A - A^T), at the identity and far from it."""
    rows = torch.from_numpy(unit_rows(N, 2))
    for size in (0.0, 1.0):
        free = size * torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        free.requires_grad_()
        turned = rows @ torch.linalg.matrix_exp(free - free.T)
        shared = torch.autograd.grad(loss_of(turned, loss), free, retain_graph=True)[0]
        assert shared.abs().max() < 1e-12
        one_sided = torch.autograd.grad(loss_of(torch.where(OF_T1[:, None], turned, rows), loss), free)[0]
        assert one_sided.abs().max() > 0.01


@every_loss
def test_the_rotation_encoder_would_learn_nothing_if_it_turned_both_texts(loss):
    head = Rotation(DIM).double()
    rows = torch.from_numpy(unit_rows(N, 3))
    slopes = []
    for turned in (torch.ones(N, dtype=torch.bool), OF_T1):
        head.zero_grad()
        loss_of(head({"sentence_embedding": rows, "from_t1": turned})["sentence_embedding"], loss).backward()
        slopes.append(max(p.grad.abs().max().item() for p in head.parameters()))
    assert slopes[0] < 1e-12
    assert slopes[1] > 0.01


def diagrams(points, metric="angle"):
    return persistent_homology(points, metric=metric, max_degree=2)


def apart(one, other):
    """Bottleneck distance of two lists of diagrams, of the degree that moved most."""
    return max(bottleneck_distance(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_shared_rotation_leaves_every_diagram(metric, seed):
    one, other, turn = unit_rows(14, seed), unit_rows(12, seed + 10), rotation(seed)
    for cloud in (one, other, np.vstack([one, other])):
        assert apart(diagrams(cloud, metric), diagrams(cloud @ turn, metric)) < 1e-12
    assert split_movement(one, other, one @ turn, other @ turn) == pytest.approx((1, 0, 0, 0), abs=1e-12)


@pytest.mark.parametrize("metric", ["angle", "euclidean"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_one_sided_rotation_moves_the_union_alone(metric, seed):
    one, other = unit_rows(14, seed), unit_rows(12, seed + 10)
    turned = one @ rotation(seed)
    assert apart(diagrams(one, metric), diagrams(turned, metric)) < 1e-12
    union, moved = np.vstack([one, other]), np.vstack([turned, other])
    assert apart(diagrams(union, metric), diagrams(moved, metric)) > 0.01
    assert procrustes(union, moved).residual > 0.1
    split = split_movement(one, other, turned, other)
    assert split.deformation == pytest.approx(0, abs=1e-12)
    assert split.relative > 0.1
    assert change_between_texts(one, other, turned, other) == pytest.approx(1, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    points=st.integers(3, 12),
    dim=st.integers(1, 5),
    scale=st.sampled_from([0.2, 1.0, 3.0]),
    noise=st.sampled_from([0.0, 1e-3, 0.1, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_what_procrustes_leaves_bounds_how_far_bars_move(points, dim, scale, noise, seed):
    """With e_i the row i that is left, ||e|| = residual ||b||, and D(x) a diagram of chords:

    |d_b(i, j) - s d_a(i, j)| <= ||e_i - e_j|| <= ||e_i|| + ||e_j|| <= sqrt(2) ||e||, and bars move by no more than
    distances do: bottleneck(s D(a), D(b)) <= max ||e_i - e_j|| (Cohen-Steiner, Edelsbrunner and Harer 2007; for Rips
    complexes Chazal, de Silva and Oudot 2014). Each bar of s D(a) is |s - 1| times its ends from one of D(a), so that
    bottleneck(D(a), D(b)) <= max ||e_i - e_j|| + |s - 1| max death. Residual 0 and scale 1 thus leave every diagram.
    """
    random = np.random.default_rng(seed)
    a = random.normal(size=(points, dim))
    b = scale * a @ rotation(seed, dim) + noise * random.normal(size=a.shape) + 1 if dim > 1 else scale * a + noise
    fit = procrustes(a, b)
    centred_b = b - b.mean(axis=0)
    left = centred_b - fit.scale * (a - a.mean(axis=0)) @ fit.rotation
    most = max(np.linalg.norm(one - other) for one in left for other in left)
    assert most <= np.sqrt(2) * fit.residual * np.linalg.norm(centred_b) + 1e-12
    before, after = diagrams(a, "euclidean"), diagrams(b, "euclidean")
    assert apart([fit.scale * diagram for diagram in before], after) <= most + 1e-9
    deaths = np.concatenate([diagram[:, 1] for diagram in before])
    longest = deaths[np.isfinite(deaths)].max()
    assert apart(before, after) <= most + abs(fit.scale - 1) * longest + 1e-9


@settings(deadline=None, max_examples=40)
@given(points=st.integers(3, 20), dim=st.integers(2, 8), seed=st.integers(0, 10**6))
def test_no_residual_and_no_scale_leave_every_bar(points, dim, seed):
    a = unit_rows(points, seed, dim)
    b = a @ rotation(seed, dim)
    fit = procrustes(a, b)
    assert fit.residual < 1e-12
    assert fit.scale == pytest.approx(1, rel=1e-12)
    for metric in ("angle", "euclidean"):
        assert apart(diagrams(a, metric), diagrams(b, metric)) < 1e-9


def test_no_residual_with_a_scale_moves_bars():
    """A hexagon on a circle of the sphere, and on one of half the radius: each loop meets the diagonal on its way.

    Its loop goes from the side r to sqrt(3) r, so it is (sqrt(3) - 1) r / 2 from the diagonal, which is nearer than the
    other loop. Clusters at r and r / 2 are both r / 2 from each other and from the diagonal.
    """
    around = np.pi / 3 * np.arange(6)

    def hexagon(radius):
        height = np.full(6, np.sqrt(1 - radius**2))
        return np.column_stack([radius * np.cos(around), radius * np.sin(around), height])

    fit = procrustes(hexagon(0.8), hexagon(0.4))
    assert fit.residual == pytest.approx(0, abs=1e-12)
    assert fit.scale == pytest.approx(0.5, rel=1e-12)
    clusters, loops, _ = (
        bottleneck_distance(a, b)
        for a, b in zip(diagrams(hexagon(0.8), "euclidean"), diagrams(hexagon(0.4), "euclidean"), strict=True)
    )
    assert loops == pytest.approx((np.sqrt(3) - 1) * 0.8 / 2, rel=1e-12)
    assert clusters == pytest.approx(0.4, rel=1e-12)
