"""A source in, an analysis out: measure every state, find the loops, judge."""

from collections.abc import Callable
from importlib import metadata
from typing import Any

from topores.analysis.cells import Protocol
from topores.analysis.costs import announce
from topores.analysis.loops import longest_loops
from topores.analysis.measure import Bench, MeasuredState, measure_states
from topores.analysis.sources import Source, sha256_of_model
from topores.analysis.store import run_context
from topores.analysis.trained_nulls import nulls_at, shuffled_values, values_at
from topores.analysis.verdict import Evidence, judge
from topores.compute.cache import Cache
from topores.compute.keys import code_version, digest
from topores.config import TopologyConfig
from topores.domain import Analysis, Diagram, Loop, Measurement
from topores.topology.engines import choose_engine

NOT_DECIDING = ("checkpoint", "texts", "output", "cache", "scheduler", "device")
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
    first: MeasuredState | None = None
    for now in measure_states(source, bench, config.layers):
        measurements += now.measurements
        for (layer, cloud), cell in now.cells.items():
            diagrams |= {(now.state.cycle, layer, cloud, degree): d for degree, d in enumerate(cell.diagrams)}
        first = first or now
    assert first is not None  # a source has at least one state
    layers = tuple(sorted({layer for layer, _ in now.cells}))
    ends = [first] if now is first else [first, now]
    clouds = source.clouds
    loops = [
        loop for end in ends for cloud in clouds for loop in longest_loops(end.cells[layers[-1], cloud], config.metric)
    ]
    evidence = Evidence(
        states=source.states,
        value=_last_layer(measurements, layers[-1], first.state.cycle, "value"),
        standard_error=_last_layer(measurements, layers[-1], first.state.cycle, "standard_error"),
        loops=[loop for loop in loops if loop.cloud == "union"],
        corpus=source.corpus if source.corpus is not None and len(source.corpus.pairs) else None,
        first=first.output,
        last=now.output,
        own=values_at(source.run, measurements, now.state.cycle) if source.run else {},
        shuffled=shuffled_values(source, bench, now.state.cycle),
    )
    return Analysis(
        name=source.name,
        protocol=_protocol_facts(config, bench.protocol, {cloud: len(rows) for cloud, rows in clouds.items()}),
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


def protocol_of(config: TopologyConfig) -> Protocol:
    return Protocol(
        config.metric, config.max_degree, config.max_points, config.subsamples, config.subsample_size,
        config.resamples, config.seed,
    )  # fmt: skip


def protocol_name(config: TopologyConfig) -> str:
    """Folder name of a protocol: what tells its results from those of another."""
    usual = TopologyConfig(checkpoint=config.checkpoint)
    parts = [config.metric, f"degree{config.max_degree}", config.layers.replace(",", "+")]
    for field in ("max_points", "subsamples", "subsample_size", "resamples", "seed"):
        value = getattr(config, field)
        parts += [f"{field.replace('_', '-')}{value}"] if value != getattr(usual, field) else []
    return "-".join(parts)


def fingerprint(source: Source, config: TopologyConfig, cache: Cache | None) -> str | None:
    """Hash of all that decides an analysis, from files alone: weights, texts, options, code. None if it is unknown."""
    content = source.content(cache)
    if content is None:
        return None
    beside = nulls_at(source.run, "shuffled", source.states[-1].cycle)
    nulls = [
        [null.name, sha256_of_model(null.checkpoints[source.states[-1].cycle], cache), null.metrics] for null in beside
    ]
    options = {name: value for name, value in config.to_mapping().items() if name not in NOT_DECIDING}
    states = [[state.cycle, state.label] for state in source.states]
    return digest(
        content=content, nulls=nulls, options=options, states=states, name=source.name, code=code_version("topores")
    )


def _protocol_facts(config: TopologyConfig, protocol: Protocol, points: dict[str, int]) -> dict[str, Any]:
    """What was computed and how: enough to compute it again."""
    plans = {cloud: protocol.plan(count) for cloud, count in points.items()}
    sampled = [cloud for cloud, plan in plans.items() if not plan.exact]
    return {
        "metric": config.metric,
        "max_degree": config.max_degree,
        "layers": config.layers,
        "field": 2,
        "engine": choose_engine("auto", 2, config.max_degree),
        **{f"cloud {cloud}": str(plan) for cloud, plan in plans.items()},
        "sampled": sampled,
        "resamples": config.resamples,
        "seed": config.seed,
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
