"""Loops followed through the states and through the layers, with the passages around them at each state."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from topores.analysis.cells import Protocol
from topores.analysis.loop_significance import significances_of
from topores.analysis.measure import Bench
from topores.domain import Track
from topores.sign_flips import ALPHA
from topores.topology import (
    FollowedStep,
    TwoTexts,
    Vine,
    follow_step,
    join_steps,
    loop_stability,
    pairwise_distances,
    representative_loop,
)
from topores.topology.reachable import CLOSED, Links

LONGEST, MOST = 6, 12
"""At most MOST tracks: every significant one, then up to LONGEST with the largest peak."""

MOST_POINTS = 600
"""Points above which no loop is followed: a step between two states takes up to hundreds of diagrams."""

DIAGRAMS, THROUGH_LAYERS = 120, 40
"""Most diagrams computed between two states, and between two layers, before a bar counts as ambiguous."""

Cloud = Float[np.ndarray, "_ _"]
"""Unit rows; states may differ in width."""

States = list[Cloud]
Bar = tuple[float, float]


def tracks_of(
    cloud: str,
    states: States,
    layers_of: Callable[[int], States],
    bench: Bench,
    sure: Sequence[float],
    partners: TwoTexts | None = None,
) -> tuple[Track, ...]:
    """The significant or longest loops of one cloud, followed through all states.

    Args:
        states: Unit rows of the cloud at the last layer, state by state; the same points in each.
        layers_of: From a state's index, unit rows of the cloud at each of its layers, in order.
        sure: By state, its smallest p corrected over all cells: no loop of the state gets a smaller one.
        partners: Rows that are partners, as in `significances`.

    Returns:
        The longest first; none for clouds of more than `MOST_POINTS` points.
    """
    if len(states) < 2 or not 3 < len(states[0]) <= MOST_POINTS or bench.protocol.max_degree < 1:
        return ()
    vines = join_steps(_followed_steps(list(pairwise(states)), DIAGRAMS, bench, "loops"))
    p = _p_of_peaks(vines, states, bench, sure, partners)
    tracked = [vines[place] for place in _kept_tracks(p)]
    by_peak = {peak: layers_of(peak) for peak in sorted({vine.peak for vine in tracked})}
    layers = _layers_of_each(tracked, by_peak, bench)
    around = _around_each(tracked, states, bench)
    return tuple(
        Track(
            layer=max(own),
            cloud=cloud,
            births=_none_for_nan(vine.births),
            deaths=_none_for_nan(vine.deaths),
            sure=tuple(vine.sure.tolist()),
            members=tuple(map(tuple, found["members"])),
            layers=own,
            p=p[place],
            stability=found["stability"],
        )
        for place, vine, own, found in zip(_kept_tracks(p), tracked, layers, around, strict=True)
    )


def _followed_steps(steps: Sequence[tuple[Cloud, Cloud]], most: int, bench: Bench, label: str) -> list[FollowedStep]:
    keys = [bench.key(what="step of loops", states=step, most=most) for step in steps]
    work = partial(_step, bench.protocol.metric, most)
    return bench.run(work, list(steps), keys, label, plain=_plain_step, whole=_whole_step)


def _step(metric: str, most: int, states: tuple[Cloud, Cloud]) -> FollowedStep:
    before, after = (pairwise_distances(points, metric) for points in states)
    return follow_step(before, after, most=most)


def _kept_tracks(p: Sequence[float]) -> list[int]:
    """Indices of the tracks to keep, given the p of all tracks, the longest first."""
    beyond = sorted((own, place) for place, own in enumerate(p) if own < ALPHA)[:MOST]
    kept = [place for _, place in beyond]
    kept += [place for place in range(len(p)) if place not in kept][: max(LONGEST - len(kept), 0)]
    return sorted(kept)


def _p_of_peaks(
    vines: list[Vine], states: States, bench: Bench, sure: Sequence[float], partners: TwoTexts | None
) -> list[float]:
    """p of each vine where it is longest, corrected over all loops of that state and, by `sure`, over all cells."""
    peaks = sorted({vine.peak for vine in vines})
    p = _p_of_bars(peaks, vines, states, bench, partners)
    return [max(p[vine.peak][_bar_at(vine, vine.peak)], sure[vine.peak]) for vine in vines]


def _p_of_bars(
    peaks: list[int], vines: list[Vine], states: States, bench: Bench, partners: TwoTexts | None
) -> dict[int, dict[Bar, float]]:
    """By state and bar: p corrected over all loops of that state."""
    bars = [sorted(_bar_at(vine, peak) for vine in vines if not np.isnan(vine.births[peak])) for peak in peaks]
    items = [(states[peak], np.array(own), partners) for peak, own in zip(peaks, bars, strict=True)]
    judged = significances_of(items, bench, "loops: significance")
    return {
        peak: dict(zip(own, found.p.tolist(), strict=True))
        for peak, own, found in zip(peaks, bars, judged, strict=True)
    }


def _around_each(vines: list[Vine], states: States, bench: Bench) -> list[dict[str, Any]]:
    """For each vine the points around its loop at each state, and its stability where it is longest."""
    items = [(states, vine) for vine in vines]
    keys = [bench.key(what="around track", states=states, bars=[vine.births, vine.deaths]) for vine in vines]
    return bench.run(partial(_members_around, bench.protocol), items, keys, "loops: passages", plain=dict, whole=dict)


def _members_around(protocol: Protocol, item: tuple[States, Vine]) -> dict[str, Any]:
    states, vine = item
    matrices = [pairwise_distances(points, protocol.metric) for points in states]
    at_peak = matrices[vine.peak], _bar_at(vine, vine.peak)
    return {
        "members": [
            [] if np.isnan(vine.births[place]) else _members(matrix, _bar_at(vine, place))
            for place, matrix in enumerate(matrices)
        ],
        "stability": loop_stability(*at_peak, metric="precomputed", seed=protocol.seed),
    }


def _members(matrix: Float[np.ndarray, "points points"], bar: Bar) -> list[int]:
    """Points around the loop."""
    members: list[int] = representative_loop(matrix, bar, metric="precomputed").tolist()
    return members


def _bar_at(vine: Vine, state: int) -> Bar:
    return float(vine.births[state]), float(vine.deaths[state])


def _layers_of_each(vines: list[Vine], by_peak: dict[int, States], bench: Bench) -> list[tuple[int, ...]]:
    """For each vine, at its peak: the last layer, and the layers below it in which the same bar exists without
    ambiguity.

    Args:
        by_peak: By state at which a vine is longest: unit rows at each layer, in order.
    """
    last = len(next(iter(by_peak.values()))) - 1 if by_peak else 0
    layers = [[last] for _ in vines]
    bars = {number: _bar_at(vine, vine.peak) for number, vine in enumerate(vines)}
    for layer in range(last - 1, -1, -1):
        # A bar that was lost is not looked for in lower layers.
        peaks = sorted({vines[number].peak for number in bars})
        pairs = [(by_peak[peak][layer + 1], by_peak[peak][layer]) for peak in peaks]
        steps = dict(zip(peaks, _followed_steps(pairs, THROUGH_LAYERS, bench, "loops by layer"), strict=True))
        below = {number: _same_bar_after(bar, steps[vines[number].peak]) for number, bar in bars.items()}
        bars = {number: bar for number, bar in below.items() if bar is not None}
        for number in bars:
            layers[number].insert(0, layer)
    return [tuple(own) for own in layers]


def _same_bar_after(bar: Bar, step: FollowedStep) -> Bar | None:
    """The same bar after the step; None if it closes or is ambiguous."""
    place = next((place for place, ends in enumerate(step.before.tolist()) if tuple(ends) == bar), None)
    if place is None or not step.links.sure_before[place]:
        return None  # rounding that differs between runs of an encoder gives another bar
    partner = int(step.links.partners[place])
    return tuple(step.after[partner].tolist()) if partner != CLOSED else None


def _none_for_nan(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else value for value in values.tolist())


def _plain_step(step: FollowedStep) -> dict[str, Any]:
    return {"before": step.before, "after": step.after, "links": step.links._asdict()}


def _whole_step(kept: dict[str, Any]) -> FollowedStep:
    return FollowedStep(kept["before"], kept["after"], Links(**kept["links"]))
