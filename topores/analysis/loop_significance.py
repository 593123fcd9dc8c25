"""Significance of the loops of each cell, and the passages around the most significant ones."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from topores.analysis.measure import Bench, Cell
from topores.domain import Loop
from topores.sign_flips import ALPHA
from topores.topology import (
    TwoTexts,
    bar_significance,
    loop_stability,
    pairwise_distances,
    ratio_of_even_ring,
    representative_loop,
)
from topores.topology.significance import BarSignificance

SHOWN = 5
"""Loops kept for each cell, besides all significant ones."""

Bars = np.ndarray


def finite_loops(cell: Cell) -> Bars:
    """Finite bars of degree 1, in the order of the diagram; none where loops were not computed."""
    bars = cell.diagrams[1] if len(cell.diagrams) > 1 else np.empty((0, 2))
    return bars[np.isfinite(bars[:, 1])]


def significances(
    cells: list[Cell], bench: Bench, label: str, partners: TwoTexts | None, *, whole: bool = False
) -> list[BarSignificance]:
    """Significance of the finite bars of degree 1 of each cell.

    Args:
        partners: Rows of the union that are partners, which the nulls keep together; None where nothing is aligned.
        whole: Draw Gaussian clouds even where no bar is significant by the universal null, so that both p are known.
    """
    items = [
        (
            cell.points[cell.shown],
            finite_loops(cell),
            partners.of_rows(cell.shown) if partners is not None and cell.cloud == "union" else None,
        )
        for cell in cells
    ]
    return significances_of(items, bench, label, whole=whole)


def significances_of(
    items: list[tuple[np.ndarray, Bars, TwoTexts | None]], bench: Bench, label: str, *, whole: bool = False
) -> list[BarSignificance]:
    """As `significances`, for clouds, their finite bars of degree 1 in the order of the diagram, and their partners."""
    keys = [
        bench.key(what="significance", points=points, bars=bars, partners=None if two is None else [*two], whole=whole)
        for points, bars, two in items
    ]
    work = partial(_significance, bench.protocol.metric, bench.protocol.seed, whole)
    return bench.run(work, items, keys, label, plain=lambda s: s._asdict(), whole=lambda kept: BarSignificance(**kept))


def smallest_p(
    cells: Iterable[Cell], bench: Bench, label: str, partners: TwoTexts | None
) -> dict[tuple[int, int, str], float]:
    """Smallest p by (cycle, layer, cloud), corrected over all loops of that cell; 1 where there is none."""
    some = [cell for cell in cells if len(cell.diagrams) > 1]
    found = significances(some, bench, f"{label}: loops", partners)
    return {
        (cell.cycle, cell.layer, cell.cloud): float(own.p.min(initial=1.0))
        for cell, own in zip(some, found, strict=True)
    }


def corrected_for_cells(cells: dict[tuple[int, int, str], float]) -> dict[tuple[int, int, str], float]:
    """p of `smallest_p`, corrected over all cells by Benjamini and Hochberg: 5 % of cells with p < .05 are chance."""
    if not cells:
        return {}
    return dict(zip(cells, false_discovery_control(list(cells.values())).tolist(), strict=True))


def most_significant_loops(cells: list[Cell], bench: Bench, label: str, partners: TwoTexts | None) -> list[Loop]:
    """Loops of each cell by rising p: every one with p < .05, and at least `SHOWN`."""
    some = [cell for cell in cells if len(finite_loops(cell))]
    judged = significances(some, bench, f"{label}: loops", partners, whole=True)
    chosen = [_chosen(finite_loops(cell), own) for cell, own in zip(some, judged, strict=True)]
    items = [(cell.points[cell.shown], finite_loops(cell)[own]) for cell, own in zip(some, chosen, strict=True)]
    keys = [bench.key(what="stability", points=points, bars=bars) for points, bars in items]
    work = partial(_members_around, bench.protocol.metric, bench.protocol.seed)
    around = bench.run(work, items, keys, f"{label}: passages", plain=dict, whole=dict)
    loops = []
    for cell, own, places, found in zip(some, judged, chosen, around, strict=True):
        bars = finite_loops(cell)
        longest = ratio_of_even_ring(len(cell.shown), metric=bench.protocol.metric)
        for place, members, stability in zip(places, found["members"], found["stability"], strict=True):
            loops.append(
                Loop(
                    cell.cycle, cell.layer, cell.cloud, float(bars[place, 0]), float(bars[place, 1]),
                    float(own.p[place]), tuple(cell.shown[np.asarray(members)].tolist()),
                    float(own.universal[place]), float(own.spectrum[place]), float(stability),
                    *_least_visible(float(own.visible[place]), longest),
                )
            )  # fmt: skip
    return loops


def _least_visible(ratio: float, longest: float) -> tuple[float | None, bool]:
    """`visible` and `blind` of a loop: a ratio that no ring of so many points has is out of reach."""
    return (None, True) if ratio > longest else (ratio, False)


def _chosen(bars: Bars, judged: BarSignificance) -> list[int]:
    order = np.lexsort((bars[:, 0] / bars[:, 1], judged.p))
    return [int(i) for place, i in enumerate(order) if place < SHOWN or judged.p[i] < ALPHA]


def _significance(
    metric: str, seed: int, whole: bool, item: tuple[np.ndarray, Bars, TwoTexts | None]
) -> BarSignificance:
    points, bars, two = item
    limit = None if whole else ALPHA
    return bar_significance(points, bars, metric=metric, seed=seed, only_if_below=limit, two_texts=two)


def _members_around(metric: str, seed: int, item: tuple[np.ndarray, Bars]) -> dict[str, Any]:
    """The points around each bar, and how often it is found again in subsamples."""
    points, bars = item
    distances = pairwise_distances(points, metric=metric)
    members = [representative_loop(distances, bar, metric="precomputed").tolist() for bar in bars]
    stability = [loop_stability(distances, bar, metric="precomputed", seed=seed) for bar in bars]
    return {"members": members, "stability": stability}
