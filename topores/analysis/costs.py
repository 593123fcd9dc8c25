"""What would not fit or would not end is refused before the work."""

import logging
from dataclasses import replace

import joblib
import numpy as np
from jaxtyping import Float

from topores.analysis.cells import Protocol
from topores.analysis.memory import Memory, needed_memory
from topores.analysis.sources import Source
from topores.compute.resources import available_memory
from topores.errors import ResourceError
from topores.topology.estimates import Estimate, Trial, check_memory, estimate, plan_that_fits, trial
from topores.topology.estimates import size_in_words as in_bytes

log = logging.getLogger(__name__)

USUAL_LAYERS = 7
"""Layers of a small sentence encoder, assumed for `--layers all` before the encoder is loaded."""

WORTH_SAYING = 20
"""Seconds below which the estimate is not logged."""

SLOWEST = 100
"""How many times as long as embedded texts a cloud of some thousand points may take; from there on it is tried."""

MOST_SECONDS = 6 * 3600
"""Seconds of one core that homology may take without --force."""

DEFAULT_WIDTH = 384
"""Columns of a row before one is known."""

REMEDY = "Lower --max-points and --subsample-size or --max-degree, or try with --force."


def announce(source: Source, protocol: Protocol, layers: str, *, force: bool) -> None:
    """Check memory before anything is encoded.

    Raises:
        ResourceError: Memory is too small, unless `force`; the message says which subsamples would fit.
    """
    if force:
        return
    cells = _cells(source, layers)
    at_once = min(joblib.cpu_count(), cells * len(source.clouds))
    largest = max(protocol.plan(len(rows)).size for rows in source.clouds.values())
    try:
        check_memory(largest, max_degree=protocol.max_degree, memory=available_memory(), engine="auto", at_once=at_once)
    except ResourceError as fault:
        raise ResourceError(f"{fault} {REMEDY}") from fault
    _check(needed_memory(source, protocol, cells // len(source.states), DEFAULT_WIDTH), source)


def _check(needed: Memory, source: Source) -> None:
    """
    Raises:
        ResourceError: More is needed than is free.
    """
    room = available_memory()
    if needed.total > room:
        parts = ", ".join(f"{name.replace('_', ' ')} {in_bytes(part)}" for name, part in needed._asdict().items())
        raise ResourceError(
            f"An analysis of {len(source.states)} states like these needs about {in_bytes(needed.total)} of memory "
            f"({parts}), but only {in_bytes(room)} are free. {REMEDY}"
        )


def announce_time(
    source: Source, protocol: Protocol, layers: int, cloud: Float[np.ndarray, "points dim"], *, force: bool
) -> None:
    """Log what the analysis will take, if it is long, judged by the distances and the width of the first state.

    Args:
        layers: How many are measured.
        cloud: Unit rows of all passages at the last layer of the first state.

    Raises:
        ResourceError: It would take more than `MOST_SECONDS`, or more memory than is free, unless `force`; the message
            says what would fit.
    """
    cells, needed = layers * len(source.states), needed_memory(source, protocol, layers, cloud.shape[1])
    if not force:
        _check(needed, source)
    whole = _homology(source, protocol, cells, None)
    if whole.seconds * SLOWEST < WORTH_SAYING:
        return
    tried = trial(cloud, metric=protocol.metric, max_degree=protocol.max_degree)
    whole = replace(_homology(source, protocol, cells, tried), bytes=round(needed.total))
    clouds = cells * len(source.clouds)
    if whole.seconds > WORTH_SAYING:
        log.info("Homology of %d clouds will take %s, less what is in the cache.", clouds, whole)
    if whole.seconds > MOST_SECONDS and not force:
        plan = plan_that_fits(
            len(cloud), max_degree=protocol.max_degree, memory=available_memory(), seconds=MOST_SECONDS / clouds,
            draws=protocol.subsamples, engine="auto", tried=tried,
        )  # fmt: skip
        raise ResourceError(
            f"Homology of {clouds} clouds would take {whole}, since they are large or their distances nearly equal; "
            f"{plan} would fit. Lower --max-points and --subsample-size, or start it with --force."
        )


def _cells(source: Source, layers: str) -> int:
    count = {"all": USUAL_LAYERS, "last": 1}.get(layers, len(layers.split(",")))
    return count * len(source.states)


def _homology(source: Source, protocol: Protocol, cells: int, tried: Trial | None) -> Estimate:
    plans = [protocol.plan(len(rows)) for rows in source.clouds.values()]
    at_once = min(joblib.cpu_count(), cells * len(plans))
    costs = [
        estimate(plan.size, max_degree=protocol.max_degree, clouds=cells * (plan.draws + protocol.resamples),
                 engine="auto", at_once=at_once, tried=tried)
        for plan in plans
    ]  # fmt: skip
    costs += [estimate(plan.points, max_degree=0, clouds=cells, engine="auto") for plan in plans]
    return Estimate(sum(cost.seconds for cost in costs), max(cost.bytes for cost in costs))
