import numpy as np
import pytest

from tests.report.reading import Element, Page
from topores.report.html.charts import BOTTOM, LEFT, MOST_SHAPES, RIGHT, TOP, Level, Line, legend, line_chart, marks
from topores.report.run.diagram_charts import MOST_BARS, barcode, betti_chart, longest, persistence_diagram


def points(element: Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (p.split(",") for p in (element.attributes["points"] or "").split())]


def test_a_line_goes_through_its_values() -> None:
    chart = Page(line_chart("Loss", [0, 10, 20], [Line("loss", "all", [2.0, 1.0, 0.0])]))
    (x0, y0), (x1, y1), (x2, y2) = points(chart.one("polyline"))
    assert (y0, y2) == (TOP, BOTTOM)
    assert y1 == pytest.approx((TOP + BOTTOM) / 2)
    assert x1 == pytest.approx((x0 + x2) / 2)
    assert LEFT < x0 < x2 < RIGHT


def test_a_value_that_is_missing_leaves_no_point() -> None:
    chart = Page(line_chart("Loss", [0, 1, 2], [Line("loss", "all", [1.0, None, 3.0])]))
    assert len(points(chart.one("polyline"))) == 2


def test_levels_and_reach_stretch_the_axis() -> None:
    line = Line("MRR", "held12", [0.5, 0.6])
    chart = Page(line_chart("MRR", [0, 1], [line], levels=[Level("untrained", "held12", 0.5)], reach=[0.0, 1.0]))
    assert [e.words for e in chart.all("text", text_anchor="end")][:6] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    level = chart.one("path", class_="level look-held12")
    assert level.words == "untrained"
    assert f" {points(chart.one('polyline'))[0][1]:g}H" in (level.attributes["d"] or "")


def test_dense_lines_lose_their_shapes_only() -> None:
    few, many = ([1.0] * n for n in (MOST_SHAPES, MOST_SHAPES + 1))
    assert "dense" not in line_chart("x", list(range(len(few))), [Line("a", "all", few)])
    assert "dense" in line_chart("x", list(range(len(many))), [Line("a", "all", many)])


def test_every_look_of_a_legend_has_its_shape_on_the_page() -> None:
    shapes = {e.attributes["id"] for e in Page(marks()).all("marker")}
    assert {f"mark-{look}" for look in ("1to1", "2to1", "held12", "union", "previous", "degree2")} <= shapes
    assert Page(legend([("t1", "T1"), ("t2", "T2")])).one("ul").words == "T1T2"


def test_bars_run_from_birth_to_death_and_essential_ones_to_the_edge() -> None:
    diagram = np.array([[0.0, 1.0], [0.5, 1.0], [0.0, np.inf]])
    chart = Page(barcode(0, diagram, np.array([False, True, False]), (0.0, 1.0), "distance (rad)", ""))
    first, pinned, essential = [e.attributes for e in chart.all("path") if e.attributes["class"] in ("bar", "pinned")]
    assert first["d"] == f"M{LEFT} {TOP + 4.5:g}H{RIGHT - 8}"
    assert pinned["class"] == "pinned"
    assert (pinned["d"] or "").startswith(f"M{(LEFT + RIGHT - 8) / 2:g} ")
    assert (essential["d"] or "").endswith(f"H{RIGHT}")


def test_a_diagram_without_bars_says_so() -> None:
    chart = barcode(1, np.empty((0, 2)), np.empty(0, dtype=bool), (0.0, 1.0), "distance", "")
    assert ">none</text>" in chart


def test_points_of_a_diagram_stand_above_the_diagonal() -> None:
    bars = {1: np.array([[0.25, 0.75]])}
    chart = Page(persistence_diagram(bars, {1: np.array([False])}, (0.0, 1.0), "distance", ""))
    (point,) = chart.all("path", class_="mark degree1")
    x, y = (float(v) for v in point.attributes["transform"].removeprefix("translate(").removesuffix(")").split())
    assert x == pytest.approx(LEFT + 0.25 * (RIGHT - 8 - LEFT))
    assert y == pytest.approx(BOTTOM - 0.75 * (BOTTOM - TOP - 12))


def test_a_count_holds_until_the_next_threshold() -> None:
    chart = Page(betti_chart(0, [0.0, 1.0, 2.0], [4.0, 4.0, 1.0], (0.0, 2.0), 4.0, "distance", ""))
    steps = points(chart.one("polyline"))
    assert [y for _, y in steps] == [TOP] * 5 + [BOTTOM - (BOTTOM - TOP) / 4]
    assert steps[-1][0] == steps[-2][0]


def test_only_the_longest_bars_are_drawn_in_their_order() -> None:
    lengths = np.arange(1.0, MOST_BARS + 101)
    diagram = np.column_stack([np.zeros_like(lengths), lengths])
    kept = longest(diagram)
    assert kept[:, 1].tolist() == lengths[100:].tolist()
    assert longest(kept) is kept


def test_long_labels_of_the_y_axis_are_drawn_narrower() -> None:
    chart = Page(line_chart("x", [0, 1], [Line("x", "all", [-1.2e-6, 9e-6])]))
    labels = {e.words: e.attributes.get("textlength") for e in chart.all("text", text_anchor="end")}
    assert (labels["−2×10⁻⁶"], labels["8×10⁻⁶"], labels["0"]) == (str(LEFT - 8), None, None)
