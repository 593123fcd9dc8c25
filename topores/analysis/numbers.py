"""Measurements picked out by quantity: those of both texts' cloud, at the last layer."""

from collections.abc import Iterable

from topores.domain import Measurement, NullMeasurement
from topores.quantities import id_of

LOOPS, CLUSTERS = "loop_persistence", "spanning_tree"

Values = dict[str, float]
"""By quantity."""


def name_of(m: Measurement) -> str | None:
    """Id of a measurement's quantity; None for points of curves, and for degrees without a quantity of their own."""
    return None if m.threshold is not None else id_of(m.measure, m.degree)


def numbers_at(measurements: Iterable[Measurement], cycle: int, alone: Iterable[str], moved: Iterable[str]) -> Values:
    """Numbers of one cycle and of the way there, of both texts' cloud at the last layer.

    Args:
        alone: Quantities of one state that are wanted.
        moved: Quantities of the change since the first state that are wanted.
    """
    there = [m for m in measurements if m.cycle == cycle and m.cloud == "union"]
    last = max((m.layer for m in there), default=0)
    first = min((m.against for m in there if m.against is not None), default=None)
    own = [m for m in there if m.layer == last]
    found = {name_of(m): m.value for m in own if m.against is None}
    changed = {m.measure: m.value for m in own if m.against is not None and m.against == first}
    return {name: found[name] for name in alone if name in found} | {
        name: changed[name] for name in moved if name in changed
    }


def by_draw(nulls: Iterable[NullMeasurement], null: str, cycle: int) -> list[list[Measurement]]:
    """Measurements of each draw of a null at one cycle."""
    found: dict[int, list[Measurement]] = {}
    for n in nulls:
        if n.null == null and n.measurement.cycle == cycle:
            found.setdefault(n.replicate, []).append(n.measurement)
    return list(found.values())
