"""Time and memory of an analysis, estimated before it starts; too little memory is refused."""

import logging

import joblib

from topores.analysis.cells import Protocol
from topores.analysis.sources import Source
from topores.compute.resources import available_memory
from topores.errors import ResourceError
from topores.topology.estimates import Estimate, check_memory, estimate

log = logging.getLogger(__name__)

USUAL_LAYERS = 7
"""Layers of a small sentence encoder, assumed for `--layers all` before the encoder is loaded."""

WORTH_SAYING = 20
"""Seconds below which the estimate is not logged."""


def announce(source: Source, protocol: Protocol, layers: str, *, force: bool) -> None:
    """Log what homology will take, if it is long.

    Raises:
        ResourceError: Memory is too small, unless `force`; the message says which subsamples would fit.
    """
    count = {"all": USUAL_LAYERS, "last": 1}.get(layers, len(layers.split(",")))
    cells = count * len(source.states)
    at_once = min(joblib.cpu_count(), cells * len(source.clouds))
    plans = {cloud: protocol.plan(len(rows)) for cloud, rows in source.clouds.items()}
    costs = [
        estimate(plan.size, max_degree=protocol.max_degree, clouds=cells * (plan.draws + protocol.resamples),
                 engine="auto", at_once=at_once)
        for plan in plans.values()
    ]  # fmt: skip
    costs += [estimate(plan.points, max_degree=0, clouds=cells, engine="auto") for plan in plans.values()]
    whole = Estimate(sum(cost.seconds for cost in costs), max(cost.bytes for cost in costs))
    if whole.seconds > WORTH_SAYING:
        log.info("Homology of %d clouds will take %s, less what is in the cache.", cells * len(plans), whole)
    if force:
        return
    largest = max(plan.size for plan in plans.values())
    try:
        check_memory(largest, max_degree=protocol.max_degree, memory=available_memory(), engine="auto", at_once=at_once)
    except ResourceError as fault:
        raise ResourceError(
            f"{fault} Lower --max-points and --subsample-size or --max-degree, or try with --force."
        ) from fault
