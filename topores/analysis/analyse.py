"""A source in, an analysis out: measure every state, find the loops, judge."""

from collections.abc import Callable
from importlib import metadata
from typing import Any

from topores.analysis.clouds import sampled_clouds
from topores.analysis.loops import longest_loops
from topores.analysis.measure import MeasuredState, measure_states
from topores.analysis.sources import Source
from topores.analysis.store import run_context
from topores.analysis.verdict import Evidence, judge
from topores.config import TopologyConfig
from topores.domain import Analysis, Diagram, Loop, Measurement
from topores.topology.homology import choose_engine


def analyse_source(source: Source, config: TopologyConfig) -> Analysis:
    """Diagrams, measures, loops and the verdict for the states of `source`, under the protocol of `config`."""
    clouds = sampled_clouds(source.clouds, config.max_points, config.seed)
    diagrams: dict[tuple[int, int, str, int], Diagram] = {}
    measurements: list[Measurement] = []
    first: MeasuredState | None = None
    for now in measure_states(source, clouds, config):
        measurements += now.measurements
        for (layer, cloud), cell in now.cells.items():
            diagrams |= {(now.state.cycle, layer, cloud, degree): d for degree, d in enumerate(cell.diagrams)}
        first = first or now
    assert first is not None  # a source has at least one state
    layers = tuple(sorted({layer for layer, _ in now.cells}))
    ends = [first] if now is first else [first, now]
    loops = [
        loop for end in ends for cloud in clouds for loop in longest_loops(end.cells[layers[-1], cloud], config.metric)
    ]
    evidence = Evidence(
        states=source.states,
        value=_last_layer(measurements, layers[-1], first.state.cycle),
        loops=[loop for loop in loops if loop.cloud == "union"],
        corpus=source.corpus if source.corpus is not None and len(source.corpus.pairs) else None,
        first=first.output,
        last=now.output,
    )
    return Analysis(
        name=source.name,
        protocol=protocol(config, source, {cloud: len(rows) for cloud, rows in clouds.items()}),
        states=source.states,
        layers=layers,
        clouds=tuple(clouds),
        diagrams=diagrams,
        measurements=tuple(measurements),
        loops=tuple(sorted(loops, key=_last_and_surest_first)),
        verdict=judge(evidence, config.seed),
        members=clouds,
        **{"corpus": source.corpus, **run_context(source.run)},
    )


def protocol(config: TopologyConfig, source: Source, points: dict[str, int]) -> dict[str, Any]:
    """What was computed and how: enough to compute it again."""
    whole = {cloud: len(rows) for cloud, rows in source.clouds.items()}
    return {
        "metric": config.metric,
        "max_degree": config.max_degree,
        "layers": config.layers,
        "field": 2,
        "engine": choose_engine("auto", 2),
        "points": points,
        "of": whole,
        "exact": points == whole,
        "seed": config.seed,
        "versions": {name: metadata.version(name) for name in ("topores", "redzed-tda", "ripser", "numpy")},
    }


def protocol_name(config: TopologyConfig) -> str:
    """Folder name of a protocol: what tells its results from those of another."""
    layers = config.layers.replace(",", "+")
    sampling = "" if config.max_points == TopologyConfig.max_points else f"-points{config.max_points}"
    return f"{config.metric}-degree{config.max_degree}-{layers}{sampling}"


def _last_layer(measurements: list[Measurement], layer: int, first: int) -> Callable[[str, int], float | None]:
    """The union cloud's numbers at the last layer; of degree 1, and against the first state, if there is a choice."""
    found = {
        (m.measure, m.cycle): m.value
        for m in measurements
        if m.layer == layer and m.cloud == "union" and m.degree in (None, 1) and m.against in (None, first)
    }
    return lambda measure, cycle: found.get((measure, cycle))


def _last_and_surest_first(loop: Loop) -> tuple[int, str, float]:
    return (-loop.cycle, loop.cloud, loop.p)
