"""Loops followed through the states and through the layers, with the passages around them at each state."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from topores.analysis.cells import Protocol
from topores.analysis.loops import significance_of
from topores.analysis.measure import Bench
from topores.domain import Track
from topores.topology import (
    Vine,
    follow_bars,
    loop_stability,
    pairwise_distances,
    representative_loop,
)

LONGEST = 6
"""Tracks kept, of those that are longest where they are longest."""

MOST_POINTS = 600
"""Points beyond which no loop is followed: a step between two states takes up to hundreds of diagrams."""

DIAGRAMS, THROUGH_LAYERS = 120, 40
"""Diagrams computed between two states, and between two layers, before a bar is said not to be followed surely."""

States = list[Float[np.ndarray, "_ _"]]


class Followed(NamedTuple):
    """A vine, and what was found at its peak."""

    vine: Vine
    members: list[list[int]]
    p: float
    stability: float


def tracks_of(cloud: str, states: States, layers_of: Callable[[int], States], bench: Bench) -> tuple[Track, ...]:
    """The loops of one cloud that are longest at any state, followed through all of them.

    Args:
        states: Unit rows of the cloud at the last layer, state by state; the same points in each.
        layers_of: Unit rows of the cloud at each layer of the state at a place, the first layer first.
    """
    if len(states) < 2 or not 3 < len(states[0]) <= MOST_POINTS or bench.protocol.max_degree < 1:
        return ()
    key = bench.key(what="tracks", states=states)
    (found,) = bench.run(partial(_followed, bench.protocol), [states], [key], "loops", plain=_plain, whole=_whole)
    peaks = sorted({own.vine.peak for own in found})
    layers = [layers_of(peak) for peak in peaks]
    keys = [bench.key(what="layers of loops", layers=own) for own in layers]
    downwards = bench.run(
        partial(_through_layers, bench.protocol.metric), layers, keys, "loops by layer",
        plain=lambda vines: {"vines": [_plain_vine(vine) for vine in vines]},
        whole=lambda kept: [_whole_vine(vine) for vine in kept["vines"]],
    )  # fmt: skip
    by_peak = dict(zip(peaks, downwards, strict=True))
    last = len(layers[0]) - 1 if layers else 0
    return tuple(_track(cloud, last, own, by_peak[own.vine.peak]) for own in found)


def _followed(protocol: Protocol, states: States) -> list[Followed]:
    matrices = [pairwise_distances(points, metric=protocol.metric) for points in states]
    vines = follow_bars(matrices, most=DIAGRAMS)[:LONGEST]
    return [Followed(vine, _members(matrices, vine), *_at_peak(protocol, states, matrices, vine)) for vine in vines]


def _members(matrices: list[np.ndarray], vine: Vine) -> list[list[int]]:
    """The points around the loop at each state; none where it is not there."""
    return [
        [] if np.isnan(birth) else representative_loop(matrix, (birth, death), metric="precomputed").tolist()
        for matrix, birth, death in zip(matrices, vine.births.tolist(), vine.deaths.tolist(), strict=True)
    ]


def _at_peak(protocol: Protocol, states: States, matrices: list[np.ndarray], vine: Vine) -> tuple[float, float]:
    """How sure the loop is where it is longest, among all loops of that state, and how often it is found again."""
    peak = vine.peak
    bar = (float(vine.births[peak]), float(vine.deaths[peak]))
    bars, judged = significance_of(states[peak], protocol)
    own = int(np.abs(bars - bar).sum(axis=1).argmin())
    return float(judged.p[own]), loop_stability(matrices[peak], bar, metric="precomputed", seed=protocol.seed)


def _through_layers(metric: str, layers: States) -> list[Vine]:
    """The vines of one state from its last layer down to its first."""
    matrices = [pairwise_distances(points, metric) for points in reversed(layers)]
    return follow_bars(matrices, most=THROUGH_LAYERS)


def _track(cloud: str, last: int, own: Followed, downwards: list[Vine]) -> Track:
    vine, peak = own.vine, own.vine.peak
    return Track(
        layer=last,
        cloud=cloud,
        births=_known(vine.births),
        deaths=_known(vine.deaths),
        sure=tuple(vine.sure.tolist()),
        members=tuple(map(tuple, own.members)),
        layers=_layers_of((vine.births[peak], vine.deaths[peak]), downwards, last),
        p=own.p,
        stability=own.stability,
    )


def _layers_of(bar: tuple[float, float], downwards: list[Vine], last: int) -> tuple[int, ...]:
    """The layers below, one after the other, in which the bar is there and surely the same; and its own."""
    vine = next((v for v in downwards if (v.births[0], v.deaths[0]) == bar), None)
    layers = [last]
    for step in range(last if vine is not None else 0):
        assert vine is not None
        if not vine.sure[step] or np.isnan(vine.births[step + 1]):
            break
        layers.append(last - step - 1)
    return tuple(sorted(layers))


def _known(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else value for value in values.tolist())


def _plain_vine(vine: Vine) -> dict[str, Any]:
    return {"births": vine.births, "deaths": vine.deaths, "sure": vine.sure}


def _whole_vine(kept: dict[str, Any]) -> Vine:
    return Vine(**kept)


def _plain(found: list[Followed]) -> dict[str, Any]:
    return {"found": [[_plain_vine(own.vine), *own[1:]] for own in found]}


def _whole(kept: dict[str, Any]) -> list[Followed]:
    return [Followed(_whole_vine(vine), *rest) for vine, *rest in kept["found"]]
