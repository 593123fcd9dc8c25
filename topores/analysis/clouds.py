"""Clouds of a source: which rows, and how a cloud too large for exact homology is sampled."""

import logging

import numpy as np
from jaxtyping import Int

log = logging.getLogger(__name__)


def sampled_clouds(
    clouds: dict[str, Int[np.ndarray, " _"]], max_points: int, seed: int
) -> dict[str, Int[np.ndarray, " _"]]:
    """Each cloud's rows, in order; at most `max_points` of them, drawn uniformly.

    The same rows stand for the cloud at every state, so that states can be compared point by point.
    """
    return {name: _sampled(name, rows, max_points, seed) for name, rows in clouds.items()}


def _sampled(name: str, rows: Int[np.ndarray, " _"], max_points: int, seed: int) -> Int[np.ndarray, " _"]:
    if len(rows) <= max_points:
        return rows
    log.warning("The cloud %s has %d passages; %d stand for it (--max-points takes more).", name, len(rows), max_points)
    return np.sort(np.random.default_rng(seed).choice(rows, max_points, replace=False))
