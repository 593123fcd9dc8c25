"""Where a run ended: the numbers of its cloud after training and of the way there, which folds are compared by."""

from collections.abc import Sequence
from functools import partial

from topores.analysis.cells import Number, Points, Protocol, measure_cloud
from topores.analysis.changes import measure_end
from topores.analysis.measure import Bench
from topores.quantities import id_of

Ends = tuple[Points, Points]
"""Unit rows of all passages before and after training."""


def numbers_of_ends(bench: Bench, ends: Sequence[Ends]) -> list[dict[str, float]]:
    """By quantity, for each pair of states; from the cache if it has them."""
    keys = [bench.key(what="end", before=before, after=after) for before, after in ends]
    found: list[list[Number]] = bench.run(partial(_numbers, bench.protocol), list(ends), keys, "folds")
    return [_by_quantity(numbers) for numbers in found]


def numbers_of_end(protocol: Protocol, ends: Ends) -> dict[str, float]:
    """The same for one pair, without a cache."""
    return _by_quantity(_numbers(protocol, ends))


def _numbers(protocol: Protocol, ends: Ends) -> list[Number]:
    before, after = ends
    alone = [number for number in measure_cloud(protocol, after).numbers if number.threshold is None]
    return [*alone, *measure_end(before, after, protocol.seed)]


def _by_quantity(numbers: Sequence[Number]) -> dict[str, float]:
    return {id_of(n.measure, n.degree) or n.measure: float(n.value) for n in numbers}
