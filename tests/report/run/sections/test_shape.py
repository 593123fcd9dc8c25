import dataclasses

import numpy as np

from tests.report.reading import Page, cells
from topores.domain import Analysis
from topores.report.html.numbers import digits
from topores.report.run.diagram_charts import MOST_BARS
from topores.report.run.sections import shape


def test_the_last_state_is_drawn_without_any_script(full: Analysis) -> None:
    page = Page(f"<div>{shape.render(full)}</div>")
    clusters, loops = (full.diagrams[2000, 6, "union", degree] for degree in (0, 1))
    assert len([e for e in page.all("path") if e.attributes.get("class") == "bar"]) == len(clusters)
    assert page.one("span", data_count="1").words == f"loops: {len(loops)} bars. "
    assert page.one("p", class_="place").words == "Shown: cycle 2,000, layer 6 (output), T1 and T2 together."


def test_the_bars_stand_in_a_table_longest_first(full: Analysis) -> None:
    rows = [row for row in cells(shape.render(full))[1:] if row[0] == "loops"]
    bars = full.diagrams[2000, 6, "union", 1]
    lengths = np.sort(bars[:, 1] - bars[:, 0])[::-1]
    assert [row[3] for row in rows] == [digits(v) for v in lengths.tolist()]


def test_bars_that_never_die_say_never(bare: Analysis) -> None:
    assert cells(shape.render(bare)) == [
        ["Kind", "Birth", "Death", "Length"],
        ["clusters", "0", "never", "–"],
        *[["clusters", "0", "1.00", "1.00"]] * 3,
        ["loops", "1.00", "1.41", "0.414"],
    ]


def test_a_large_cloud_is_drawn_by_its_longest_bars_and_says_so(bare: Analysis) -> None:
    merges = np.column_stack([np.zeros(3000), np.linspace(0.1, 1, 3000)])
    html = shape.render(dataclasses.replace(bare, diagrams={(0, 0, "union", 0): merges}))
    assert f"clusters: 3,000 bars, the longest {MOST_BARS} drawn." in html
    assert html.count('class="bar"') == MOST_BARS


def test_no_diagrams(bare: Analysis) -> None:
    assert shape.render(dataclasses.replace(bare, diagrams={})) == ""
