"""The map, the heat map and the barcode as they stand before any script has run."""

import dataclasses
import re

import numpy as np

from tests.report.reading import Page
from topores.domain import Analysis, Measurement
from topores.report.run.controls import controls
from topores.report.run.sections import space


def drawn(analysis: Analysis) -> Page:
    return Page(f"<div>{space.render(analysis)}</div>")


def test_the_loops_of_the_last_state_are_drawn_without_any_script(full: Analysis) -> None:
    page, loops = drawn(full), full.diagrams[2000, 6, "union", 1]
    marks = [e.attributes.get("class") or "" for e in page.all("path")]
    assert len([m for m in marks if m.startswith("mark degree1")]) >= len(loops)
    assert (marks.count("bar"), marks.count("pinned")) == (len(loops) - 2, 2)
    assert page.one("p", class_="place").words == "Shown: cycle 2,000, layer 6 (output), T1 and T2 together."


def test_the_band_ends_where_noise_does(full: Analysis) -> None:
    """A bar crosses its band exactly where the universal null says that it is longer than noise."""
    birth = np.linspace(0.5, 0.6, 40)
    for longest, beyond in ((1.05, 0), (1.9, 1)):
        ratios = np.full(40, 1.02) + np.linspace(0, 0.01, 40)
        ratios[7] = longest
        loops = np.column_stack([birth, birth * ratios])
        page = drawn(dataclasses.replace(full, diagrams={**full.diagrams, (2000, 6, "union", 1): loops}))
        band = page.one("path", class_="band").attributes["d"] or ""
        ends = [float(end) for end in re.findall(r"H([\d.]+)v", band)]
        bars = [e for e in page.all("path") if e.attributes.get("class") in ("bar", "pinned")]
        rights = [float(re.findall(r"H([\d.]+)", e.attributes["d"] or "")[0]) for e in bars]
        assert sum(bar > end for bar, end in zip(rights, ends, strict=True)) == beyond


def test_every_layer_and_state_has_its_cell(full: Analysis) -> None:
    page = drawn(full)
    assert [e.attributes["data-layer"] for e in page.all("tr") if "data-layer" in e.attributes] == list("6543210")
    assert len([e for e in page.all("button") if "data-cell" in e.attributes]) == 7 * 12
    assert next(e.words for e in page.all("option")) == "Total loop persistence"


def test_loops_in_a_narrow_band_fill_their_axis(bare: Analysis) -> None:
    loops = np.array([[1.0, 1.05], [1.1, 1.21]])
    page = drawn(dataclasses.replace(bare, diagrams={**bare.diagrams, (0, 0, "union", 1): loops}))
    for chart in (page.one("svg", data_barcode="1"), page.one("svg", data_diagram="1")):
        low, high = (float(v) for v in (chart.attributes["data-x"] or "").split()[:2])
        assert (low, high) == (1.0, 1.25)


def test_a_sampled_map_says_so(full: Analysis) -> None:
    assert "are drawn" not in drawn(full).elements[0].words
    some = tuple(dataclasses.replace(m, rows=np.arange(0, 120, 3), places=m.places[:, ::3]) for m in full.maps)
    assert (
        "40 of 120 passages are drawn, chosen uniformly."
        in drawn(dataclasses.replace(full, maps=some)).elements[0].words
    )


def test_without_loops_and_map_there_is_no_section(bare: Analysis) -> None:
    one = Measurement(0, 0, "union", "uniformity", -2.0, "")
    none = dataclasses.replace(bare, diagrams={(0, 0, "union", 0): np.array([[0.0, np.inf]])}, measurements=(one,))
    assert space.render(none) == ""


def test_a_choice_of_one_is_no_choice(full: Analysis, bare: Analysis) -> None:
    assert controls(bare) == ""
    page = Page(controls(full))
    slider = page.one("input", type="range").attributes
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "11", "11")
    assert [e.words for e in page.all("option")][-3:] == ["T1", "T2", "T1 and T2 together"]
    assert page.one("form").attributes["hidden"] is None
    assert page.one("input", type="search").attributes["id"] == "search"
