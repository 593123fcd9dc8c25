"""Which cycles get a checkpoint and which are logged, for up to a billion cycles, without listing them."""

import heapq
from collections.abc import Callable, Iterator
from itertools import count, groupby, takewhile

from topores.options import whole_number

LOG_STEPS = (1, 2, 5)
COARSE_STEPS = ("10", "15", "20", "30", "50", "70")
"""Leading digits of the cycles that a run beside another logs: steps of about a half, as effects grow."""


def kept_cycles(spec: str, cycles: int) -> Callable[[int], bool]:
    """A function that says whether the checkpoint of a cycle is kept; the last cycle always is.

    >>> kept = kept_cycles("log", 40)
    >>> [c for c in range(41) if kept(c)]
    [0, 1, 2, 5, 10, 20, 40]
    """
    if spec == "none":
        return lambda cycle: cycle == cycles
    if spec == "log":
        return lambda cycle: cycle in (0, cycles) or _is_log_step(cycle)
    if spec.startswith("every:"):
        every = whole_number(spec.removeprefix("every:"))
        return lambda cycle: cycle % every == 0 or cycle == cycles
    listed = {whole_number(part) for part in spec.split(",")}
    return lambda cycle: cycle in listed or cycle == cycles


def logged_cycles(cycles: int, kept: Callable[[int], bool]) -> Callable[[int], bool]:
    """A function that says whether a cycle is logged: all up to 100, then two significant digits, and all kept cycles.

    >>> logged = logged_cycles(1000, kept_cycles("log", 1000))
    >>> [c for c in range(95, 140) if logged(c)]
    [95, 96, 97, 98, 99, 100, 110, 120, 130]
    """
    return lambda cycle: cycle <= 100 or cycle % 10 ** (len(str(cycle)) - 2) == 0 or kept(cycle) or cycle == cycles


def coarsely_logged_cycles(cycles: int, kept: Callable[[int], bool]) -> Callable[[int], bool]:
    """A function that says whether a run beside another logs a cycle: six in each power of ten, and all kept cycles.

    >>> logged = coarsely_logged_cycles(250, kept_cycles("none", 250))
    >>> [c for c in range(251) if logged(c)]
    [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 250]
    """
    return lambda cycle: cycle in (0, cycles) or _is_coarse_step(cycle) or kept(cycle)


def visited_cycles(spec: str, cycles: int, *, after: int = -1) -> Iterator[int]:
    """The cycles above `after` that a run logs which need not go through those between, ascending and one by one.

    They are 0, 1, 2 or 5 times a power of ten, `cycles`, and those that `spec` keeps.

    >>> list(visited_cycles("0,4,300", 1000))
    [0, 1, 2, 4, 5, 10, 20, 50, 100, 200, 300, 500, 1000]
    >>> list(visited_cycles("every:4", 12, after=4))
    [5, 8, 10, 12]
    """
    steps = takewhile(lambda cycle: cycle <= cycles, (step * 10**power for power in count() for step in LOG_STEPS))
    asked: list[int] | range = []
    if spec.startswith("every:"):
        asked = range(0, cycles + 1, whole_number(spec.removeprefix("every:")))
    elif spec not in ("log", "none"):
        asked = sorted(cycle for cycle in map(whole_number, spec.split(",")) if cycle <= cycles)
    in_order = heapq.merge([0], steps, asked, [cycles])
    return (cycle for cycle, _ in groupby(in_order) if cycle > after)


def _is_coarse_step(cycle: int) -> bool:
    digits = f"{cycle}0" if cycle < 10 else str(cycle)
    return digits[:2] in COARSE_STEPS and not digits[2:].strip("0")


def _is_log_step(cycle: int) -> bool:
    """1, 2 or 5 times a power of ten."""
    digits = str(cycle)
    return int(digits[0]) in LOG_STEPS and not digits[1:].strip("0")
