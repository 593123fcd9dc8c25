"""What two texts' movement divides into, beside chance, holds its level and sees what was planted."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, ortho_group

from topores.analysis.cells import Protocol
from topores.analysis.chance import turned_share, with_moves_of
from topores.analysis.changes import measure_movement
from topores.analysis.measure import Bench, measure_states
from topores.analysis.movement import movement_of_texts
from topores.analysis.sources import Source
from topores.domain import Measurement, State
from topores.topology import change_between_texts, rotation_angles
from topores.topology.halves import predict_halves

N_1, N_2 = 14, 10


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cloud(dim: int, seed: int) -> np.ndarray:
    """Unit rows around a common direction, as those of texts are."""
    return unit(np.random.default_rng(seed).normal(size=(N_1 + N_2, dim)) + 1 / np.sqrt(dim))


def noisy(rows: np.ndarray, size: float, seed: int) -> np.ndarray:
    """Each row moved by about `size`, and back to the sphere."""
    return unit(rows + size / np.sqrt(rows.shape[1]) * np.random.default_rng([seed, 1]).normal(size=rows.shape))


def near(dim: int, size: float, seed: int) -> np.ndarray:
    """A rotation not far from the identity."""
    free = size / np.sqrt(dim) * np.random.default_rng([seed, 2]).normal(size=(dim, dim))
    left, _, right = np.linalg.svd(np.eye(dim) + free - free.T)
    return left @ right


def one_turned(rows: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    return np.vstack([rows[:N_1] @ rotation, rows[N_1:]])


def test_a_move_is_handed_on_as_long_as_it_was() -> None:
    before, after = cloud(5, 0), noisy(cloud(5, 0), 0.8, 0)
    order = np.random.default_rng(0).permutation(N_1 + N_2)
    ends = with_moves_of(before, after, order)
    assert np.linalg.norm(ends, axis=1) == pytest.approx(1, rel=1e-12)
    lengths = np.linalg.norm(after - before, axis=1)
    assert np.linalg.norm(ends - before, axis=1) == pytest.approx(lengths[order], rel=1e-9)
    assert with_moves_of(before, after, np.arange(N_1 + N_2)) == pytest.approx(after, abs=1e-12)


def test_a_move_is_handed_on_along_the_great_circle() -> None:
    """From the east of the equator to its north: a step up and one to the west become a step up and one to the west."""
    before = np.array([[1.0, 0, 0], [0.0, 1, 0], [-1.0, 0, 0]])
    after = unit(before + np.array([[0, 0.1, 0.2], [0, 0, 0], [0, 0, 0]]))
    ends = with_moves_of(before, after, np.array([0, 0, 0]))
    assert ends[1] == pytest.approx(unit(np.array([[-0.1, 1, 0.2]]))[0], abs=1e-12)
    assert np.linalg.norm(ends[2] - before[2]) == pytest.approx(np.linalg.norm(after[0] - before[0]), rel=1e-12)


@pytest.mark.parametrize("dim", [3, 40])
def test_shared_is_what_one_rotation_explains(dim: int) -> None:
    before, after = cloud(dim, 0), noisy(cloud(dim, 0), 0.3, 1)
    found = movement_of_texts(before, after, N_1, 0, draws=1)
    assert found.seen.shared == pytest.approx(turned_share(before, after, 0)[0], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("dim", "turned"), [(4, 0.0), (4, 0.5), (40, 0.0)])
def test_level_is_held_where_moves_are_noise(dim: int, turned: float) -> None:
    """With 9 draws, one in ten comes as far as p = .1 by luck and p is .55 on average, whatever the part.

    With a rotation of both texts beside the noise, that is still so of what lies between the texts.
    """
    tried = 60
    found = [
        movement_of_texts(cloud(dim, s), noisy(cloud(dim, s) @ near(dim, turned, s), 0.3, s), N_1, s, draws=9)
        for s in range(tried)
    ]
    most = binom.ppf(0.9999, tried, 0.1)
    p = np.array([f.between_p for f in found])
    assert (p <= 0.1).sum() <= most
    assert p.mean() > 0.55 - 4 * 0.29 / np.sqrt(tried)
    if turned:
        return
    for part in ("shared", "relative", "shift", "deformation"):
        p = np.array([getattr(f.p, part) for f in found])
        assert (p <= 0.1).sum() <= most, part
        assert p.mean() == pytest.approx(0.55, abs=4 * 0.29 / np.sqrt(tried)), part
    # What is left of noise is what chance leaves of it.
    seen, chance = (np.mean([getattr(f, name) for f in found], axis=0) for name in ("seen", "by_chance"))
    assert seen == pytest.approx(chance, abs=0.02)


def test_noise_on_the_sphere_is_not_told_from_chance() -> None:
    """Moves handed on as differences would leave the sphere, and give p = .1 each time."""
    p = [movement_of_texts(cloud(40, s), noisy(cloud(40, s), 1.0, s), N_1, s, draws=9).p.shared for s in range(8)]
    assert np.mean(p) > 0.3


def test_a_shared_rotation_is_not_taken_for_one_between_the_texts() -> None:
    """The moves as they are would give p = .1: handed on, a large rotation is more than noise within the texts."""
    before = cloud(10, 5)
    found = movement_of_texts(before, noisy(before @ near(10, 1.5, 5), 0.1, 5), N_1, 5, draws=9)
    assert found.between_p is not None
    assert found.between_p > 0.3


def test_a_rotation_of_one_text_is_seen_with_its_angle() -> None:
    before = cloud(4, 2)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
    found = movement_of_texts(before, noisy(one_turned(before, turn), 0.05, 3), N_1, 0)
    assert found.seen.relative > found.by_chance.relative + 0.1
    assert found.seen.deformation < found.by_chance.deformation / 2
    assert found.p.relative == found.p.deformation == found.between_p == 0.05
    exact = movement_of_texts(before, one_turned(before, turn), N_1, 0)
    weight = np.square(np.vstack([b - b.mean(axis=0) for b in (before[:N_1], before[N_1:])])).sum(axis=0)
    assert exact.angle == pytest.approx(0.5 * weight[:2].sum() / weight.sum(), rel=1e-9)
    assert exact.seen.deformation == pytest.approx(0, abs=1e-12)
    assert exact.between == pytest.approx(1, rel=1e-12)


def test_few_passages_in_many_columns_hide_a_rotation_of_one_text_from_the_shares_alone() -> None:
    before = cloud(60, 3)
    found = movement_of_texts(before, one_turned(before, near(60, 0.5, 0)), N_1, 0)
    assert found.seen.shared > 0.8
    assert found.p.relative > 0.05
    assert found.between == pytest.approx(1, rel=1e-12)
    assert found.between_p == 0.05
    # Held against what is left beside the shared rotation, it is no less than that.
    assert found.between_by_chance is not None
    assert 0.7 < found.between_by_chance < 0.95


def test_a_rotation_of_both_texts_is_shared() -> None:
    before = cloud(4, 4)
    found = movement_of_texts(before, noisy(before @ near(4, 0.5, 0), 0.05, 5), N_1, 0)
    assert found.seen.shared > found.by_chance.shared + 0.3
    assert found.p.shared == 0.05
    assert found.p.relative > 0.05
    assert found.between_p is not None
    assert found.between_p > 0.05
    assert found.angle is not None
    assert found.angle < 0.1
    exact = movement_of_texts(before, before @ near(4, 0.5, 0), N_1, 0)
    assert exact.seen == pytest.approx((1, 0, 0, 0), abs=1e-12)
    assert exact.between is exact.between_by_chance is exact.between_p is None


def test_a_shift_is_held_against_moves_of_either_text() -> None:
    before = cloud(4, 6)
    after = noisy(before, 0.1, 7)
    after[:N_1] += [0, 0.3, 0, -0.3]
    found = movement_of_texts(before, after, N_1, 0)
    assert found.p.shift == 0.05
    assert found.seen.shift > 2 * found.by_chance.shift
    assert found.between_p is not None
    assert found.between_p > 0.05


def test_moves_are_handed_on_within_a_text() -> None:
    """T2's only passage can be handed its own move alone, and T1 does not move: chance gives what is seen."""
    before = cloud(5, 8)
    after = before.copy()
    after[-1] = before[0]
    found = movement_of_texts(before, after, N_1 + N_2 - 1, 0)
    assert found.by_chance._replace(shift=0) == pytest.approx(found.seen._replace(shift=0), abs=1e-12)
    assert found.p._replace(shift=1) == (1, 1, 1, 1)
    assert found.by_chance.shift != pytest.approx(found.seen.shift, abs=1e-3)


def test_nothing_moved() -> None:
    before = cloud(5, 9)
    found = movement_of_texts(before, before, N_1, 0)
    assert found.seen == found.by_chance == (0, 0, 0, 0)
    assert found.p == (1, 1, 1, 1)
    assert found.between is None
    assert found.angle == pytest.approx(0, abs=1e-12)


def test_the_seed_decides() -> None:
    before, after = cloud(40, 10), cloud(40, 11)
    found = movement_of_texts(before, after, N_1, 3, draws=2)
    assert movement_of_texts(before, after, N_1, 3, draws=2) == found
    assert movement_of_texts(before, after, N_1, 4, draws=2).by_chance != found.by_chance
    assert found.angle is None  # 24 passages have no direction in common in 40 columns


@pytest.mark.parametrize("n_1", [1, N_1 + N_2 - 1])
def test_one_passage_of_a_text(n_1: int) -> None:
    found = movement_of_texts(cloud(5, 12), cloud(5, 13), n_1, 0, draws=2)
    assert sum(found.seen) == pytest.approx(1, rel=1e-9)
    assert found.angle is None
    # It keeps its own move; the others' moves are handed on.
    assert abs(found.by_chance.deformation - found.seen.deformation) > 0.001


def test_what_is_measured() -> None:
    before = cloud(4, 14)
    after = one_turned(before, ortho_group.rvs(4, random_state=0))
    numbers = {n.measure: n.value for n in measure_movement(before, after, N_1, 0)}
    found = movement_of_texts(before, after, N_1, 0, draws=1)
    asked = predict_halves(before, after, seed=0)
    assert numbers == {
        "movement.scale": asked.scale,
        "movement.rotation": asked.rotation,
        **{f"movement.{part}": share for part, share in found.seen._asdict().items()},
        **{f"movement.{part}_by_chance": share for part, share in found.by_chance._asdict().items()},
        "movement.between": change_between_texts(before[:N_1], before[N_1:], after[:N_1], after[N_1:]),
        "movement.between_by_chance": found.between_by_chance,
        "movement.relative_angle": found.angle,
    }
    assert numbers["movement.between"] == pytest.approx(1, rel=1e-12)
    few = measure_movement(before, before @ ortho_group.rvs(4, random_state=0), N_1, 0)
    assert not {"movement.between", "movement.between_by_chance"} & {n.measure for n in few}
    assert measure_movement(before, np.ones_like(after), N_1, 0) == []
    assert measure_movement(before, after[:, :3], N_1, 0) == []


class Made(Source):
    """Three states of two layers, of two texts or of one."""

    name = "made"
    states = tuple(State(cycle, f"cycle {cycle}", Path(f"{cycle}")) for cycle in (0, 5, 7))

    def __init__(self, texts: int) -> None:
        self.texts = texts

    @property
    def clouds(self) -> dict[str, np.ndarray]:
        union = np.arange(N_1 + N_2)
        return {"t1": union[:N_1], "t2": union[N_1:], "union": union} if self.texts == 2 else {"union": union}

    def layers_of(self, state, layers, cache):  # noqa: ARG002
        return {layer: 3 * cloud(5, 10 * state.cycle + layer) for layer in (0, 1)}

    def content(self, cache):  # noqa: ARG002
        return None


def measured(texts: int) -> list[Measurement]:
    bench = Bench(Protocol("angle", 1, 100, 1, 10, 0, 4), None, None)
    return [m for state in measure_states(Made(texts), bench, "all") for m in state.measurements]


def test_movement_is_measured_at_the_last_layer_against_the_first_state_and_the_one_before() -> None:
    found = [m for m in measured(2) if m.measure.startswith("movement")]
    assert {(m.cycle, m.against, m.layer, m.cloud) for m in found} == {
        (5, 0, 1, "union"), (7, 0, 1, "union"), (7, 5, 1, "union"),
    }  # fmt: skip
    for cycle, against in ((5, 0), (7, 0), (7, 5)):
        expected = measure_movement(cloud(5, 10 * against + 1), cloud(5, 10 * cycle + 1), N_1, 4)
        values = {m.measure: m.value for m in found if (m.cycle, m.against) == (cycle, against)}
        assert values == pytest.approx({n.measure: n.value for n in expected}, rel=1e-9)
    assert not any(m.measure.startswith("movement") for m in measured(1))


def test_the_spectrum_of_the_rotation_is_measured_of_every_change() -> None:
    found = {
        (m.measure, m.layer, m.cloud): m.value
        for m in measured(2)
        if (m.cycle, m.against) == (7, 5) and "angle" in m.measure
    }
    before, after = (cloud(5, 10 * cycle)[:N_1] for cycle in (5, 7))
    turned = rotation_angles(before, after)
    for name, value in (
        ("angle", turned.angles[0]), ("mean_angle", turned.mean),
        ("angle_q10", turned.quantile(0.1)), ("angle_q50", turned.quantile(0.5)), ("angle_q90", turned.quantile(0.9)),
    ):  # fmt: skip
        assert found[f"procrustes.{name}", 0, "t1"] == pytest.approx(value, abs=1e-6)
        assert {(layer, cloud) for measure, layer, cloud in found if measure == f"procrustes.{name}"} == {
            (layer, cloud) for layer in (0, 1) for cloud in ("t1", "t2", "union")
        }
