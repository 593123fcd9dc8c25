"""Data of the map, the barcodes and the tracks, packed for the script of the page."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Int

from topores.domain import Analysis, Outline, Place, Track
from topores.report.html.arrays import MOST, Arrays
from topores.report.run import shape_data
from topores.report.run.diagram_charts import longest
from topores.report.run.passage_data import Passages
from topores.topology.noise_reach import noise_reach
from topores.topology.significance import FEW_BARS

STEPS = MOST - 1
"""Distances are packed as integers, with this many steps from 0 to the largest; `MOST` means it never ends."""

FINE_PLACES = 200_000
"""Points on all maps up to which a coordinate has `STEPS` steps; beyond, `COARSE`, still finer than a screen."""

COARSE = 2_046

NONE = MOST
"""In a list of passages or bars: none."""


def places(analysis: Analysis) -> Iterator[Place]:
    """All (cycle, layer, cloud) in the order in which data is packed: by state, then layer, then cloud."""
    for state in analysis.states:
        for layer in analysis.layers:
            for cloud in analysis.clouds:
                yield state.cycle, layer, cloud


def pack_bars(analysis: Analysis, arrays: Arrays) -> dict[str, Any]:
    """Bars by place and degree: number drawn, increments of births, lengths. Returns what does not fit 16 bits."""
    step = shape_data.reach(analysis) / STEPS
    counts, shown, births, lengths, reach = [], [], [], [], []
    for place in places(analysis):
        for degree in analysis.degrees:
            whole = analysis.diagram(place, degree)
            bars = longest(whole)
            ends = np.isfinite(bars[:, 1])
            steps = np.round(np.where(np.isfinite(bars), bars, 0.0) / step).astype(np.int64)
            counts.append(len(whole))
            shown.append(len(bars))
            births.append(np.diff(steps[:, 0], prepend=0))
            lengths.append(np.where(ends, steps[:, 1] - steps[:, 0], MOST))
        reach.append(reach_of_noise(analysis, place))
    arrays.put("bars.shown", np.array(shown, dtype=np.int64))
    arrays.put("bars.births", _concatenate(births))
    arrays.put("bars.lengths", _concatenate(lengths))
    return {"counts": counts, "reach": reach}


def reach_of_noise(analysis: Analysis, place: Place) -> float | None:
    """Largest ratio death / birth of noise loops; None if there are too few bars to tell."""
    bars = analysis.diagram(place, 1)
    if len(bars) <= FEW_BARS * len(analysis.diagram(place, 0)):
        return None
    bars = bars[(bars[:, 0] > 0) & (bars[:, 1] > bars[:, 0])]
    found = noise_reach(bars)
    return None if found is None else float(f"{found:.6g}")


def pack_outlines(analysis: Analysis, passages: Passages, arrays: Arrays) -> None:
    """By place: number of bars of degree 1 with passages; for each bar its index, number of passages, and passages."""
    flat: list[int] = []
    for place in places(analysis):
        known = _with_bar_numbers(analysis, place, analysis.outlines.get(place, ()))
        flat.append(len(known))
        for bar, outline in known:
            members = passages.numbers(place[2], outline.members)
            flat += [bar, len(members), *members]
    arrays.put("outlines", np.array(flat, dtype=np.int64))


def _with_bar_numbers(analysis: Analysis, place: Place, outlines: tuple[Outline, ...]) -> list[tuple[int, Outline]]:
    """Each outline with the index of its bar among the drawn bars."""
    drawn = longest(analysis.diagram(place, 1))
    found = [(bar_number(drawn, (one.birth, one.death)), one) for one in outlines]
    return [(bar, one) for bar, one in found if bar is not None]


def bar_number(drawn: np.ndarray, bar: tuple[float, float]) -> int | None:
    """Index of a bar among the drawn bars; None if it is not drawn."""
    same = np.flatnonzero(np.isclose(drawn, bar, rtol=1e-6, atol=1e-9).all(axis=1))
    return int(same[0]) if len(same) else None


def pack_maps(analysis: Analysis, passages: Passages, arrays: Arrays) -> dict[str, Any]:
    """Coordinates by layer: those of the first state, then differences to the previous state, modulo 65,536."""
    if not analysis.maps:
        return {}
    every = sum(one.places.size for one in analysis.maps)
    steps = STEPS if every <= 2 * FINE_PLACES else COARSE
    half = []
    for one in analysis.maps:
        size = float(np.abs(one.places).max()) or 1.0
        half.append(float(f"{size:.6g}"))
        whole = np.clip(np.round((one.places / size + 1) / 2 * steps), 0, steps).astype(np.int64)
        moved = np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1])) % (MOST + 1)
        # Axis by axis, because coordinates of one axis are more similar and compress better.
        arrays.put(f"map.{one.layer}", np.moveaxis(moved, 2, 1))
    arrays.put("map.passages", np.array(passages.numbers("union", analysis.maps[0].rows.tolist()), dtype=np.int64))
    explained = [[float(f"{share:.3g}") for share in one.explained.tolist()] for one in analysis.maps]
    return {"steps": steps, "half": half, "explained": explained}


def pack_neighbours(analysis: Analysis, passages: Passages, arrays: Arrays) -> list[int]:
    """Nearest passages and their distances, by state and mapped passage. Returns the states that have them."""
    near = analysis.neighbours
    if near is None:
        return []
    numbers = np.array([*passages.numbers("union", near.rows.tolist()), NONE], dtype=np.int64)
    arrays.put("near.passages", numbers[near.nearest])
    far = np.where(np.isnan(near.distances), 0.0, near.distances) / shape_data.span_of_distances(analysis) * STEPS
    arrays.put("near.distances", np.clip(np.round(far), 0, STEPS).astype(np.int64))
    return near.states.tolist()


def tracks(analysis: Analysis, passages: Passages) -> list[dict[str, Any]]:
    """Followed loops: persistence, bar and passages at each state, and the significance at their peak."""
    return [
        {
            "persistence": [
                None if birth is None or death is None else float(f"{death - birth:.6g}")
                for birth, death in zip(track.births, track.deaths, strict=True)
            ],
            "bars": _bars_of(analysis, track),
            "members": [passages.numbers(track.cloud, members) for members in track.members],
            "sure": list(track.sure),
            "p": None if track.p is None or np.isnan(track.p) else float(f"{track.p:.6g}"),
            "stability": None if track.stability is None else float(f"{track.stability:.6g}"),
            "layers": list(track.layers),
        }
        for track in analysis.tracks
    ]


def _bars_of(analysis: Analysis, track: Track) -> list[int | None]:
    found: list[int | None] = []
    for state, birth, death in zip(analysis.states, track.births, track.deaths, strict=True):
        if birth is None or death is None:
            found.append(None)
            continue
        drawn = longest(analysis.diagram((state.cycle, track.layer, track.cloud), 1))
        found.append(bar_number(drawn, (birth, death)))
    return found


def judged_loops(analysis: Analysis) -> list[dict[str, Any]]:
    """Tested bars: their places and p values."""
    found = []
    for loop in analysis.loops:
        place = (loop.cycle, loop.layer, loop.cloud)
        bar = bar_number(longest(analysis.diagram(place, 1)), (loop.birth, loop.death))
        if bar is not None and loop.cloud in analysis.clouds:
            found.append(
                {
                    "place": _number(analysis, place), "bar": bar, "p": _six_digits(loop.p),
                    "universal": _six_digits(loop.universal_p), "spectrum": _six_digits(loop.spectrum_p),
                    "stability": _six_digits(loop.stability),
                }
            )  # fmt: skip
    return found


def _number(analysis: Analysis, place: Place) -> int:
    """Index of a place in the order of `places`."""
    cycle, layer, cloud = place
    state = [one.cycle for one in analysis.states].index(cycle)
    layers, clouds = analysis.layers, analysis.clouds
    return (state * len(layers) + layers.index(layer)) * len(clouds) + clouds.index(cloud)


def _six_digits(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(f"{value:.6g}")


def _concatenate(parts: list[Int[np.ndarray, " _"]]) -> Int[np.ndarray, " _"]:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])
