import dataclasses

import numpy as np
import pytest

from topores.domain import Analysis
from topores.report.change_data import panels
from topores.report.packing import STEPS, packed
from topores.report.shape_data import reach

from .reading import Page


def unfolded(entry: list, step: float) -> np.ndarray:
    """Bars as report.js reads them."""
    _, births, lengths, _ = entry
    steps = np.cumsum(births)
    deaths = np.where(np.array(lengths) < 0, np.inf, steps + np.array(lengths))
    return np.column_stack([steps, deaths]) * step


def test_every_diagram_comes_back_to_within_half_a_step(full: Analysis) -> None:
    index, numbers = Page(packed(full)).data()
    half = reach(full) / STEPS / 2
    for s, state in enumerate(index["states"]):
        for k, layer in enumerate(index["layers"]):
            for c, cloud in enumerate(index["clouds"]):
                for degree in (0, 1):
                    entry = numbers["bars"][s][k][c][degree]
                    bars = full.diagrams[state["cycle"], layer, cloud, degree]
                    np.testing.assert_allclose(unfolded(entry, index["step"]), bars, atol=half * 1.01, rtol=0)
                    assert entry[0] == len(bars)


def test_every_change_comes_back(full: Analysis) -> None:
    _, numbers = Page(packed(full)).data()
    every = [(panel, one) for panel in panels(full) for one in panel.series]
    at = [one.measure for _, one in every].index("procrustes.residual")
    value = full.value("procrustes.residual", 500, 3, "t2", against=0)
    assert numbers["change"][at][3][1][9] == pytest.approx(value, rel=1e-5)
    previous = full.value("procrustes.residual", 500, 3, "t2", against=200)
    assert numbers["change"][at + 1][3][1][9] == pytest.approx(previous, rel=1e-5)
    assert numbers["change"][at][3][1][0] is None


def test_betti_curves_come_back(full: Analysis) -> None:
    _, numbers = Page(packed(full)).data()
    thresholds, counts = numbers["betti"][2][6][0][1]
    wanted = sorted(
        (m.threshold, m.value)
        for m in full.measurements
        if (m.measure, m.cycle, m.layer, m.cloud, m.degree) == ("betti_curve", 2, 6, "t1", 1)
    )
    assert thresholds == [float(f"{t:.5g}") for t, _ in wanted]
    assert counts == [n for _, n in wanted]


def test_the_page_opens_with_the_last_state_layer_and_the_union(full: Analysis) -> None:
    index, _ = Page(packed(full)).data()
    assert index["shown"] == [11, 6, 2]


def test_a_loop_with_passages_is_pinned_to_its_bar(full: Analysis) -> None:
    _, numbers = Page(packed(full)).data()
    bars = full.diagrams[2000, 6, "union", 1]
    assert numbers["bars"][11][6][2][1][3] == [int(np.argmax(bars[:, 1] - bars[:, 0]))]


def test_what_was_not_computed_is_empty(full: Analysis) -> None:
    less = {key: bars for key, bars in full.diagrams.items() if key[:3] != (5, 2, "t1")}
    _, numbers = Page(packed(dataclasses.replace(full, diagrams=less, measurements=()))).data()
    assert numbers["bars"][3][2][0] == [[0, [], [], []], [0, [], [], []]]
    assert numbers["betti"][0][0][0] == [[[], []], [[], []]]
    assert numbers["change"] == []
