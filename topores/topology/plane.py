"""Several states of the same points in one plane: rotated onto each other, then projected onto common axes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from topores.topology.factors import svd

State = Float[np.ndarray, "_ _"]


class Plane(NamedTuple):
    """Coordinates of each point in each state, in one common frame."""

    places: Float[np.ndarray, "states points 2"]
    """Coordinates in the unit of the points; the first axis has the most variance over all states."""
    explained: Float[np.ndarray, " states"]
    """Share of each state's variance within the plane; 1 where a state has no variance."""


def common_plane(states: Sequence[State]) -> Plane:
    """Project all states onto their two common principal axes, after rotating each onto the first.

    A rotation or reflection of the whole space is removed; a change of scale or shape stays visible. States with fewer
    columns are padded with zeros, which changes no distance.

    Args:
        states: At least one state with at least one row; row k is the same point in all states.

    Source:
        Generalised Procrustes without scaling, one step: Gower and Dijksterhuis 2004, Procrustes Problems, chapter 9.
    """
    width = max(2, *(state.shape[1] for state in states))
    first = _centre(states[0], width)
    turns = [np.eye(0), *(_turn(_centre(state, width), first) for state in states[1:])]

    def turn_states() -> Iterator[State]:
        # One at a time, so that memory does not grow with the number of states.
        yield first
        for state, turn in zip(states[1:], turns[1:], strict=True):
            yield _centre(state, width) @ turn

    axes = _principal_axes(turn_states())
    places = np.stack([state @ axes for state in turn_states()])
    total = np.array([np.square(state).sum() for state in turn_states()])
    seen = np.square(places).sum(axis=(1, 2))
    return Plane(places, np.divide(seen, total, out=np.ones_like(total), where=total > 0))


def _centre(state: State, width: int) -> State:
    padded = np.zeros((len(state), width))
    padded[:, : state.shape[1]] = state
    padded[:, : state.shape[1]] -= padded[:, : state.shape[1]].mean(axis=0)
    return padded


def _turn(state: State, onto: State) -> State:
    """The orthogonal matrix that brings `state` nearest to `onto`."""
    left, _, right = svd(state.T @ onto)
    return left @ right


def _principal_axes(states: Iterable[State]) -> Float[np.ndarray, "dim 2"]:
    """The two directions of most variance, with signs chosen so that the largest entry is positive."""
    _, vectors = np.linalg.eigh(sum(state.T @ state for state in states))
    axes = vectors[:, [-1, -2]]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    return axes * np.where(largest < 0, -1.0, 1.0)
