"""What is computed for one cloud at two states, and for the clouds of two texts: arrays in, plain values out."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Int

from topores import topology
from topores.analysis.cells import (
    FEWEST_FOR_DIMENSION,
    Distances,
    Number,
    Points,
    Protocol,
    average_number,
    chords_of,
)
from topores.analysis.movement import movement_of_texts
from topores.domain import Diagram
from topores.quantities import DISTANCE_UNITS, unit_of
from topores.topology.distances import distinct_points
from topores.topology.halves import predict_halves
from topores.topology.rounding import NOISE, SINGLE
from topores.topology.subsamples import average

QUANTILES = (0.1, 0.5, 0.9)
"""Quantiles of the rotation angles, weighted by variance."""

DRAWS_OF_CHANCE = 1
"""Draws behind a share by chance. One is enough to show beside a share: it varies by .002 to .006."""


def measure_change(
    protocol: Protocol,
    before: Points,
    after: Float[np.ndarray, "points dim_after"],
    drawn_before: list[list[Diagram]],
    drawn_after: list[list[Diagram]],
    *,
    whole_rtd: bool,
) -> list[Number]:
    """How one cloud differs between two states of the same passages.

    Args:
        drawn_before, drawn_after: Diagrams of the same subsamples of both.
        whole_rtd: Also compute RTD itself, which costs more than everything else together.
    """
    plan = protocol.plan(len(after))
    numbers = list(between_diagrams(drawn_before, drawn_after, DISTANCE_UNITS[protocol.metric], exact=plan.exact))
    if before.shape == after.shape:
        numbers += _between_points(before, after)
    elif len(before) == len(after):
        numbers += _similarity(before, after)
    if len(before) == len(after) and not _is_one_point(before) and not _is_one_point(after):
        drawn = [(chords_of(before[rows]), chords_of(after[rows])) for rows in plan]
        wide = [clouds for clouds in drawn if all(_has_width(chords) for chords in clouds)]
        measures: list[tuple[str, Callable[..., float]]] = [("rtd_spanning_tree", topology.rtd_spanning_tree)]
        measures += [("rtd", topology.rtd)] if whole_rtd else []
        for name, measure in measures if wide else []:
            found = average([measure(*clouds, metric="precomputed") for clouds in wide], exact=plan.exact)
            numbers.append(average_number(name, found, unit_of(name)))
    return numbers


def measure_movement(before: Points, after: Float[np.ndarray, "points dim_after"], n_1: int, seed: int) -> list[Number]:
    """Parts of the movement of two texts between two states, and the same by chance; nothing if widths differ.

    Args:
        before, after: Rows of both texts, T1's first.
        n_1: Passages of T1.
    """
    if before.shape != after.shape or _is_one_point(before) or _is_one_point(after):
        return []
    if np.linalg.norm(after - before) <= 2 * NOISE * SINGLE * np.sqrt(len(after)):
        return []  # parts of what rounding moves mean nothing
    found = movement_of_texts(before, after, n_1, seed, draws=DRAWS_OF_CHANCE)
    asked = predict_halves(before, after, seed=seed)
    numbers = [_in_unit("movement.scale", asked.scale), _in_unit("movement.rotation", asked.rotation)]
    numbers += [_in_unit(f"movement.{part}", share) for part, share in found.seen._asdict().items()]
    numbers += [_in_unit(f"movement.{part}_by_chance", share) for part, share in found.by_chance._asdict().items()]
    if found.between is not None and found.between_by_chance is not None:
        numbers.append(_in_unit("movement.between", found.between))
        numbers.append(_in_unit("movement.between_by_chance", found.between_by_chance))
    if found.angle is not None:
        numbers.append(_in_unit("movement.relative_angle", found.angle))
    return numbers


def measure_end(before: Points, after: Points, seed: int) -> list[Number]:
    """How far the passages moved, and the shares of it that scale and a rotation predict; nothing of single points."""
    moved = _change(before, after)
    if moved is None or _is_one_point(after) or len(before) < FEWEST_FOR_DIMENSION:
        return []
    asked = predict_halves(before, after, seed=seed)
    return [
        _in_unit("change", moved),
        _in_unit("movement.scale", asked.scale),
        _in_unit("movement.rotation", asked.rotation),
    ]


def measure_texts(
    first: Float[np.ndarray, "passages_1 dim"],
    second: Float[np.ndarray, "passages_2 dim"],
    pairs: Int[np.ndarray, "pairs 2"] | None,
    seed: int | None,
) -> list[Number]:
    """Distance and separation of the clouds of two texts, and distance of partners.

    Args:
        pairs: Aligned rows (of first, of second); None where nothing is aligned.
        seed: Seed of the linear probe's folds; None skips the probe, which costs more than everything else.
    """
    numbers = [_in_unit("modality_gap", topology.modality_gap(first, second))]
    if seed is not None and min(len(first), len(second)) >= FEWEST_FOR_DIMENSION:
        auc = topology.linear_probe_auc(first, second, seed=seed)
        numbers.append(_in_unit("linear_probe_auc", auc))
    if pairs is not None and len(pairs):
        near = topology.alignment(first[pairs[:, 0]], second[pairs[:, 1]])
        numbers.append(_in_unit("alignment", near))
    return numbers


def between_diagrams(
    before: list[list[Diagram]], after: list[list[Diagram]], unit: str, *, exact: bool
) -> Iterator[Number]:
    """Distances between the diagrams of two clouds; the mean over subsamples."""
    for degree in range(min(len(before[0]), len(after[0]))):
        drawn = [(then[degree], now[degree]) for then, now in zip(before, after, strict=False)]
        for name, distance in (
            ("bottleneck_distance", topology.bottleneck_distance),
            ("wasserstein_distance", topology.wasserstein_distance),
        ):
            yield average_number(name, average([distance(*pair) for pair in drawn], exact=exact), unit, degree)


def _between_points(before: Points, after: Points) -> Iterator[Number]:
    change = _change(before, after)
    if change is not None:
        yield _in_unit("change", change)
    if _is_one_point(before) or _is_one_point(after):
        return  # a collapsed cloud has no shape to compare
    yield from _similarity(before, after)
    fit = topology.best_turn(before, after)
    yield _in_unit("procrustes.angle", fit.angle)
    turned = fit.rotation
    if len(turned.angles):
        yield _in_unit("procrustes.mean_angle", turned.mean)
        for share in QUANTILES:
            yield _in_unit(f"procrustes.angle_q{100 * share:.0f}", turned.quantile(share))
    yield _in_unit("procrustes.scale", fit.scale)
    yield _in_unit("procrustes.residual", fit.residual)


def _similarity(before: Points, after: Float[np.ndarray, "points dim_after"]) -> Iterator[Number]:
    """Linear CKA, which needs equal rows only: widths may differ."""
    if not _is_one_point(before) and not _is_one_point(after):
        yield _in_unit("linear_cka", topology.linear_cka(before, after))


def _in_unit(measure: str, value: float) -> Number:
    return Number(measure, value, unit_of(measure))


def _change(before: Points, after: Points) -> float | None:
    """How far the passages moved: ||after - before|| / ||before||, both centred.

    The size before is the same for a run and its nulls; that after would make a contraction look like a long way. None
    where all passages were at one point, which has no spread to measure by; 0 where they are there still.
    """
    if _is_one_point(before):
        return 0.0 if _is_one_point(after) else None
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


def _is_one_point(rows: Points) -> bool:
    return bool(np.allclose(rows, rows[0], rtol=0, atol=1e-9))


def _has_width(chords: Distances) -> bool:
    """Whether RTD is defined: the .9 quantile of the distances is not 0."""
    return len(chords) > 2 and len(distinct_points(chords)) > len(chords) / 2
