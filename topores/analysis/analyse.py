"""A source in, an analysis out: measure every state, find the loops, judge."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

from topores.analysis.cells import Protocol
from topores.analysis.costs import announce, announce_time
from topores.analysis.floors import MOST_BY_LAYOUT, change_by_rounding, floors_of
from topores.analysis.gain import gain_of
from topores.analysis.ladder import Ladder, measured_nulls
from topores.analysis.loop_significance import corrected_for_cells, most_significant_loops, smallest_p
from topores.analysis.maps import MapMaker, outlines_of
from topores.analysis.measure import Bench, MeasuredState, measure_states, unit_rows
from topores.analysis.nulls._ground import Ground
from topores.analysis.nulls._trained import nulls_beside, retrieval_of
from topores.analysis.partners import partners_of
from topores.analysis.parts import Parts
from topores.analysis.sources import Source, sha256_of_model
from topores.analysis.space_by_folds import space_by_folds
from topores.analysis.store import run_context
from topores.analysis.tracks import MOST_POINTS, tracks_of
from topores.analysis.verdict.evidence import MOVE, Evidence, compared_at, replicates_at
from topores.analysis.verdict.rules import judge
from topores.compute.cache import Cache
from topores.compute.keys import code_version, digest
from topores.config import TopologyConfig
from topores.domain import Analysis, Diagram, Loop, Measurement, NullMeasurement, Outline, Track
from topores.phrases import phrase_facts
from topores.quantities import id_of, unit_of
from topores.sign_flips import Interval
from topores.topology import CyclicOrder, TwoTexts, cyclic_order
from topores.topology.cyclic_order import FEWEST
from topores.topology.engines import choose_engine

MOST_IN_ORDER = 50
"""Rows of one cloud up to which their given order is tested: loops of such clouds are rarely seen."""

NOT_DECIDING = ("checkpoint", "texts", "output", "cache", "scheduler", "device", "fail_on", "lang", "figures")
"""Options that change no number; checkpoints and texts count by their content."""


def analyse_source(source: Source, config: TopologyConfig, *, cache: Cache | None, force: bool = False) -> Analysis:
    """Diagrams, measures, loops and the verdict for the states of `source`, under the protocol of `config`.

    Args:
        cache: Where earlier results are looked up; None computes everything.
        force: Start even if memory seems too small.

    Raises:
        ResourceError: Memory is too small; the message says what would fit.
    """
    bench = Bench(protocol_of(config), cache, config.scheduler)
    announce(source, bench.protocol, config.layers, force=force)
    diagrams: dict[tuple[int, int, str, int], Diagram] = {}
    measurements: list[Measurement] = []
    cells: dict[tuple[int, int, str], float] = {}
    followed: list[np.ndarray] = []
    outlines: dict[tuple[int, int, str], tuple[Outline, ...]] = {}
    maps, parts, partners = MapMaker(source, bench), Parts(), partners_of(source)
    first: MeasuredState | None = None

    def announce_first(layers: int, cloud: np.ndarray) -> None:
        announce_time(source, bench.protocol, layers, cloud, force=force)

    for now in measure_states(source, bench, config.layers, announce_first):
        measurements += now.measurements
        for (layer, cloud), cell in now.cells.items():
            diagrams |= {(now.state.cycle, layer, cloud, degree): d for degree, d in enumerate(cell.diagrams)}
        label, own = now.state.label, list(now.cells.values())
        cells |= parts.run(f"The significance of loops ({label})", partial(smallest_p, own, bench, label, partners), {})
        outlines |= parts.run(f"The outline of loops ({label})", partial(outlines_of, own, bench, label), {})
        maps.take(now)
        if len(source.clouds["union"]) <= MOST_POINTS:  # no loop of a larger cloud is followed
            followed.append(now.cells[max(now.cells)[0], "union"].points)
        first = first or now
    assert first is not None  # a source has at least one state
    layers = tuple(sorted({layer for layer, _ in now.cells}))
    ends = (first,) if now is first else (first, now)
    shown = [end.cells[layers[-1], cloud] for end in ends for cloud in source.clouds]
    sure = corrected_for_cells(cells)
    listed = partial(most_significant_loops, shown, bench, "first and last state", partners)
    loops = parts.run("The list of loops", listed, [])
    measurements += [Measurement(*place, "loop_p", p, unit_of("loop_p"), 1) for place, p in cells.items()]
    asked = config.nulls != TopologyConfig.nulls
    ladder = measured_nulls(Ground(source, _for_nulls(bench), ends), config.null_names, parts, asked=asked)
    nulls = ladder.measurements
    space = parts.run("The space over folds", partial(space_by_folds, source, _for_nulls(bench), ends), {})
    evidence = _evidence(source, ends, measurements, nulls, loops, sure, space, config)
    follow = partial(_tracks, source, bench, followed, sure, config.layers, partners)
    tracks = parts.run("The tracks of loops", follow, ())
    drawn = parts.run("The map", maps.maps, ())
    neighbours = parts.run("The list of neighbours", maps.neighbours, None)
    facts = _protocol_facts(config, bench.protocol, {cloud: len(rows) for cloud, rows in source.clouds.items()})
    return Analysis(
        name=source.name,
        protocol={**facts, **_left_out(ladder), **({"missing": parts.missing} if parts.missing else {})},
        states=source.states,
        layers=layers,
        clouds=tuple(source.clouds),
        diagrams=diagrams,
        measurements=tuple(measurements),
        nulls=nulls,
        loops=tuple(sorted(loops, key=_last_state_and_smallest_p)),
        tracks=tracks,
        verdict=judge(evidence, config.seed),
        maps=drawn,
        neighbours=neighbours,
        outlines=outlines,
        members=source.clouds,
        **{"corpus": source.corpus, **run_context(source.run)},
    )


def _left_out(ladder: Ladder) -> dict[str, Any]:
    """Why some nulls cannot be had, in English, and beside it the phrases for other languages."""
    return {
        "nulls_left_out": dict(ladder.left_out),
        "phrases": {name: phrase_facts(reason) for name, reason in ladder.left_out.items()},
    }


def _for_nulls(bench: Bench) -> Bench:
    """The same protocol up to degree 1 and without resamples, because a null has hundreds of draws."""
    protocol = replace(bench.protocol, max_degree=min(bench.protocol.max_degree, 1), resamples=0)
    return replace(bench, protocol=protocol)


def _evidence(
    source: Source,
    ends: tuple[MeasuredState, ...],
    measurements: list[Measurement],
    nulls: tuple[NullMeasurement, ...],
    loops: list[Loop],
    cells: dict[tuple[int, int, str], float],
    space: dict[str, Interval],
    config: TopologyConfig,
) -> Evidence:
    """What the verdict is based on: the first and the last state, and the same numbers under each null."""
    first, last = ends[0].state.cycle, ends[-1].state.cycle
    layer = max(layer for layer, _ in ends[0].cells)
    retrieved = [m for cycle in {first, last} for m in retrieval_of(source.run, cycle, layer)] if source.run else []
    before, own = (compared_at([*measurements, *retrieved], cycle) for cycle in (first, last))
    value = _last_layer(measurements, layer, first, "value")
    floors = floors_of(nulls, {first: before, last: own})
    return Evidence(
        states=source.states,
        value=value,
        standard_error=_last_layer(measurements, layer, first, "standard_error"),
        loops=[loop for loop in loops if loop.cloud == "union"],
        corpus=source.corpus if source.corpus is not None and len(source.corpus.pairs) else None,
        first=ends[0].output,
        last=ends[-1].output,
        before=before,
        own=own,
        shuffled=replicates_at(nulls, "shuffled", last),
        floors=floors,
        spectrum={cycle: replicates_at(nulls, "matched_spectrum", cycle) for cycle in (first, last)},
        cells=cells,
        gain=gain_of(source.run, last) if source.run else None,
        space=space,
        rounding=_rounding(source, ends, layer, value(MOVE, last)),
        n_1=len(source.clouds["t1"]) if "t2" in source.clouds else 0,
        metric=config.metric,
        loop_p={m.cycle: m.value for m in measurements if m.measure == "loop_p" and _is_output(m, layer)},
        order=_order_of_rows(source, ends[-1].cells[layer, "union"].points, config),
    )


def _is_output(m: Measurement, layer: int) -> bool:
    return m.layer == layer and m.cloud == "union"


def _order_of_rows(source: Source, points: np.ndarray, config: TopologyConfig) -> CyclicOrder | None:
    """Whether few rows lie around a ring in the order in which they were given; None for two texts or many rows."""
    if len(source.clouds) > 1 or not FEWEST <= len(points) <= MOST_IN_ORDER:
        return None
    return cyclic_order(points, metric=config.metric, seed=config.seed)


def _rounding(source: Source, ends: tuple[MeasuredState, ...], layer: int, moved: float | None) -> float | None:
    """The change that storage, and layout where there is an encoder, may make of both states.

    Layout is measured once, and only where it could decide: a larger change is no rounding in any precision.
    """
    roundings = [source.roundings[0], source.roundings[-1]]
    if moved is not None and 0 < moved <= MOST_BY_LAYOUT:
        layout = source.layout_rounding(ends[-1].state, ends[-1].output)
        roundings = [max(rounding, layout) for rounding in roundings]
    return change_by_rounding(ends[0].cells[layer, "union"].points, roundings)


def _tracks(
    source: Source,
    bench: Bench,
    states: list[np.ndarray],
    cells: dict[tuple[int, int, str], float],
    layers: str,
    partners: TwoTexts | None,
) -> tuple[Track, ...]:
    """Loops of both texts' cloud followed through the states, and through the layers where several were asked for."""
    rows, last = source.clouds["union"], max((layer for _, layer, _ in cells), default=0)
    sure = [cells.get((state.cycle, last, "union"), 1.0) for state in source.states]

    def of_state(place: int) -> list[np.ndarray]:
        found = source.layers_of(source.states[place], layers, bench.cache)
        return [unit_rows(found[layer][rows], source.rounding) for layer in sorted(found)]

    return tracks_of("union", states, of_state, bench, sure, partners)


def protocol_of(config: TopologyConfig) -> Protocol:
    return Protocol(
        config.metric, config.max_degree, config.max_points, config.subsamples, config.subsample_size,
        config.resamples, config.seed,
    )  # fmt: skip


def chosen_options(config: TopologyConfig) -> dict[str, Any]:
    """Changed options that decide the analysis; `TopologyConfig.from_mapping` reads them back."""
    usual = TopologyConfig(checkpoint=config.checkpoint).to_mapping()
    given = {name: value for name, value in config.to_mapping().items() if value != usual[name]}
    return {name: value for name, value in given.items() if name == "texts" or name not in NOT_DECIDING}


def protocol_name(config: TopologyConfig, *, with_nulls: bool = True) -> str:
    """Folder name of a protocol, which differs where results may differ.

    Args:
        with_nulls: Include --nulls, which adds numbers but changes none.
    """
    usual = TopologyConfig(checkpoint=config.checkpoint)
    parts = [config.metric, f"degree{config.max_degree}", config.layers.replace(",", "+")]
    nulls = ("nulls",) if with_nulls else ()
    for field in ("max_points", "subsamples", "subsample_size", "resamples", *nulls, "seed"):
        value = getattr(config, field)
        plain = str(value).replace(",", "+")
        parts += [f"{field.replace('_', '-')}{plain}"] if value != getattr(usual, field) else []
    return "-".join(parts)


def fingerprint(source: Source, config: TopologyConfig, cache: Cache | None) -> str | None:
    """Hash of everything that decides an analysis: weights, texts, options, code. None if part of it is unknown."""
    content = source.content(cache)
    if content is None:
        return None
    beside = [null for kind in config.null_names for null in nulls_beside(source.run, kind)]
    nulls = [
        [null.name, [[cycle, sha256_of_model(path, cache)] for cycle, path in null.checkpoints.items()], null.metrics]
        for null in beside
    ]
    options = {name: value for name, value in config.to_mapping().items() if name not in NOT_DECIDING}
    states = [[state.cycle, state.label] for state in source.states]
    return digest(
        content=content, nulls=nulls, options=options, states=states, name=source.name, code=code_version("topores")
    )


def _protocol_facts(config: TopologyConfig, protocol: Protocol, points: dict[str, int]) -> dict[str, Any]:
    """What was computed and how; `options`, the changed ones, are enough to compute it again."""
    plans = {cloud: protocol.plan(count) for cloud, count in points.items()}
    sampled = [cloud for cloud, plan in plans.items() if not plan.exact]
    return {
        "name": protocol_name(config),
        "comparable": protocol_name(config, with_nulls=False),
        "metric": config.metric,
        "max_degree": config.max_degree,
        "layers": config.layers,
        "field": 2,
        "engine": choose_engine("auto", 2, config.max_degree),
        **{f"cloud {cloud}": str(plan) for cloud, plan in plans.items()},
        "sampled": sampled,
        "plans": {c: {"points": plan.points, "size": plan.size, "draws": plan.draws} for c, plan in plans.items()},
        "resamples": config.resamples,
        "seed": config.seed,
        "options": chosen_options(config),
        "versions": {name: metadata.version(name) for name in ("topores", "redzed-tda", "ripser", "numpy")},
    }


def _last_layer(
    measurements: list[Measurement], layer: int, first: int, what: str
) -> Callable[[str, int], float | None]:
    """Numbers of both texts' cloud at the last layer, by quantity and cycle; changes against the first state."""
    found = {
        (id_of(m.measure, m.degree) or m.measure, m.cycle): getattr(m, what)
        for m in measurements
        if m.layer == layer and m.cloud == "union" and m.degree in (None, 1) and m.against in (None, first)
    }
    return lambda measure, cycle: found.get((measure, cycle))


def _last_state_and_smallest_p(loop: Loop) -> tuple[int, str, float]:
    return (-loop.cycle, loop.cloud, loop.p)
