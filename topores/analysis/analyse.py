"""A source in, an analysis out: measure every state, find the loops, judge."""

from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np

from topores.analysis.cells import Protocol
from topores.analysis.costs import announce
from topores.analysis.ladder import measured_nulls
from topores.analysis.loops import corrected_for_cells, surest, surest_loops
from topores.analysis.maps import MapMaker, outlines_of
from topores.analysis.measure import Bench, MeasuredState, measure_states, unit_rows
from topores.analysis.nulls._ground import Ground
from topores.analysis.nulls._trained import nulls_beside, retrieval_of
from topores.analysis.sources import Source, sha256_of_model
from topores.analysis.store import run_context
from topores.analysis.tracks import tracks_of
from topores.analysis.verdict.evidence import Evidence, compared_at, floors_of, replicates_at
from topores.analysis.verdict.rules import judge
from topores.compute.cache import Cache
from topores.compute.keys import code_version, digest
from topores.config import TopologyConfig
from topores.domain import Analysis, Diagram, Loop, Measurement, NullMeasurement, Outline, Track
from topores.topology.engines import choose_engine

NOT_DECIDING = ("checkpoint", "texts", "output", "cache", "scheduler", "device", "fail_on", "lang", "figures")
"""Options that leave every number as it is; what checkpoints and texts hold is told by their content."""


def analyse_source(source: Source, config: TopologyConfig, *, cache: Cache | None, force: bool = False) -> Analysis:
    """Diagrams, measures, loops and the verdict for the states of `source`, under the protocol of `config`.

    Args:
        cache: Where cells that were computed before are looked up; None computes all.
        force: Begin even if the memory seems too small.

    Raises:
        ResourceError: The memory is too small; the message says what would fit.
    """
    bench = Bench(protocol_of(config), cache, config.scheduler)
    announce(source, bench.protocol, config.layers, force=force)
    diagrams: dict[tuple[int, int, str, int], Diagram] = {}
    measurements: list[Measurement] = []
    cells: dict[tuple[int, int, str], float] = {}
    followed: list[np.ndarray] = []
    outlines: dict[tuple[int, int, str], tuple[Outline, ...]] = {}
    maps = MapMaker(source, bench)
    first: MeasuredState | None = None
    for now in measure_states(source, bench, config.layers):
        measurements += now.measurements
        for (layer, cloud), cell in now.cells.items():
            diagrams |= {(now.state.cycle, layer, cloud, degree): d for degree, d in enumerate(cell.diagrams)}
        cells |= surest(now.cells.values(), bench, now.state.label)
        outlines |= outlines_of(now.cells.values(), bench, now.state.label)
        maps.take(now)
        followed.append(now.cells[max(now.cells)[0], "union"].points)
        first = first or now
    assert first is not None  # a source has at least one state
    layers = tuple(sorted({layer for layer, _ in now.cells}))
    ends = (first,) if now is first else (first, now)
    shown = [end.cells[layers[-1], cloud] for end in ends for cloud in source.clouds]
    sure = corrected_for_cells(cells)
    loops = [
        replace(loop, p=max(loop.p, sure[loop.cycle, loop.layer, loop.cloud]))
        for loop in surest_loops(shown, bench, "first and last state")
    ]
    measurements += [Measurement(*place, "loop_p", p, "p", 1) for place, p in cells.items()]
    nulls = measured_nulls(
        Ground(source, _for_nulls(bench), ends), config.null_names, asked=config.nulls != TopologyConfig.nulls
    )
    evidence = _evidence(source, ends, measurements, nulls, loops, sure)
    return Analysis(
        name=source.name,
        protocol=_protocol_facts(config, bench.protocol, {cloud: len(rows) for cloud, rows in source.clouds.items()}),
        states=source.states,
        layers=layers,
        clouds=tuple(source.clouds),
        diagrams=diagrams,
        measurements=tuple(measurements),
        nulls=nulls,
        loops=tuple(sorted(loops, key=_last_and_surest_first)),
        tracks=_tracks(source, bench, followed, sure, config.layers),
        verdict=judge(evidence, config.seed),
        maps=maps.maps(),
        neighbours=maps.neighbours(),
        outlines=outlines,
        members=source.clouds,
        **{"corpus": source.corpus, **run_context(source.run)},
    )


def _for_nulls(bench: Bench) -> Bench:
    """The same protocol up to loops, without resamples: hundreds of draws are measured, and none asks for more."""
    protocol = replace(bench.protocol, max_degree=min(bench.protocol.max_degree, 1), resamples=0)
    return replace(bench, protocol=protocol)


def _evidence(
    source: Source,
    ends: tuple[MeasuredState, ...],
    measurements: list[Measurement],
    nulls: tuple[NullMeasurement, ...],
    loops: list[Loop],
    cells: dict[tuple[int, int, str], float],
) -> Evidence:
    """What the verdict looks at: the ends, and what each null makes of them."""
    first, last = ends[0].state.cycle, ends[-1].state.cycle
    layer = max(layer for layer, _ in ends[0].cells)
    retrieved = [m for cycle in {first, last} for m in retrieval_of(source.run, cycle, layer)] if source.run else []
    before, own = (compared_at([*measurements, *retrieved], cycle) for cycle in (first, last))
    return Evidence(
        states=source.states,
        value=_last_layer(measurements, layer, first, "value"),
        standard_error=_last_layer(measurements, layer, first, "standard_error"),
        loops=[loop for loop in loops if loop.cloud == "union"],
        corpus=source.corpus if source.corpus is not None and len(source.corpus.pairs) else None,
        first=ends[0].output,
        last=ends[-1].output,
        before=before,
        own=own,
        shuffled=replicates_at(nulls, "shuffled", last),
        floors=floors_of(nulls, {first: before, last: own}),
        spectrum={cycle: replicates_at(nulls, "matched_spectrum", cycle) for cycle in (first, last)},
        cells=cells,
    )


def _tracks(
    source: Source, bench: Bench, states: list[np.ndarray], cells: dict[tuple[int, int, str], float], layers: str
) -> tuple[Track, ...]:
    """Loops of both texts' cloud through the states; through the layers, where more than one was asked for."""
    rows, last = source.clouds["union"], max((layer for _, layer, _ in cells), default=0)
    sure = [cells.get((state.cycle, last, "union"), 1.0) for state in source.states]

    def of_state(place: int) -> list[np.ndarray]:
        found = source.layers_of(source.states[place], layers, bench.cache)
        return [unit_rows(found[layer][rows]) for layer in sorted(found)]

    return tracks_of("union", states, of_state, bench, sure)


def protocol_of(config: TopologyConfig) -> Protocol:
    return Protocol(
        config.metric, config.max_degree, config.max_points, config.subsamples, config.subsample_size,
        config.resamples, config.seed,
    )  # fmt: skip


def chosen_options(config: TopologyConfig) -> dict[str, Any]:
    """What decides the analysis and is not as by default; `TopologyConfig.from_mapping` reads it back."""
    usual = TopologyConfig(checkpoint=config.checkpoint).to_mapping()
    given = {name: value for name, value in config.to_mapping().items() if value != usual[name]}
    return {name: value for name, value in given.items() if name == "texts" or name not in NOT_DECIDING}


def protocol_name(config: TopologyConfig) -> str:
    """Folder name of a protocol: what tells its results from those of another."""
    usual = TopologyConfig(checkpoint=config.checkpoint)
    parts = [config.metric, f"degree{config.max_degree}", config.layers.replace(",", "+")]
    for field in ("max_points", "subsamples", "subsample_size", "resamples", "nulls", "seed"):
        value = getattr(config, field)
        plain = str(value).replace(",", "+")
        parts += [f"{field.replace('_', '-')}{plain}"] if value != getattr(usual, field) else []
    return "-".join(parts)


def fingerprint(source: Source, config: TopologyConfig, cache: Cache | None) -> str | None:
    """Hash of all that decides an analysis, from files alone: weights, texts, options, code. None if it is unknown."""
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
    """What was computed and how: with `options`, those that are not as by default, enough to compute it again."""
    plans = {cloud: protocol.plan(count) for cloud, count in points.items()}
    sampled = [cloud for cloud, plan in plans.items() if not plan.exact]
    return {
        "name": protocol_name(config),
        "metric": config.metric,
        "max_degree": config.max_degree,
        "layers": config.layers,
        "field": 2,
        "engine": choose_engine("auto", 2, config.max_degree),
        **{f"cloud {cloud}": str(plan) for cloud, plan in plans.items()},
        "sampled": sampled,
        "resamples": config.resamples,
        "seed": config.seed,
        "options": chosen_options(config),
        "versions": {name: metadata.version(name) for name in ("topores", "redzed-tda", "ripser", "numpy")},
    }


def _last_layer(
    measurements: list[Measurement], layer: int, first: int, what: str
) -> Callable[[str, int], float | None]:
    """The union cloud's numbers at the last layer; of degree 1, and against the first state, if there is a choice."""
    found = {
        (m.measure, m.cycle): getattr(m, what)
        for m in measurements
        if m.layer == layer and m.cloud == "union" and m.degree in (None, 1) and m.against in (None, first)
    }
    return lambda measure, cycle: found.get((measure, cycle))


def _last_and_surest_first(loop: Loop) -> tuple[int, str, float]:
    return (-loop.cycle, loop.cloud, loop.p)
